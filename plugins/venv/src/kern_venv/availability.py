"""Whether an environment can be made on this machine, and in words what is missing; no process, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.api import ConfigError, Unavailable
from kern_venv.interpreters import all_interpreters, fits, interpreter_for, searched_places
from kern_venv.programs import check_installer, find_uv, is_too_old, uv_serves
from kern_venv.wanted import names_interpreter, parse_wanted, wanted_interpreters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Context, EnvSpec
    from kern_venv.inspection import Interpreter


def find_obstacle(spec: EnvSpec, context: Context) -> Unavailable | None:
    """Name what keeps an environment from being made here, or ``None``."""
    senseless = [text for text in wanted_interpreters(spec.options, spec.factors) if parse_wanted(text) is None]
    if senseless:
        reason = f"{senseless[0]!r} in base_python is no interpreter"
        hint = "a version (3.12, py312, pypy310, py313t), a specifier (>=3.11) or a path"
        return Unavailable(reason=reason, hint=hint, missing=False)
    found = interpreter_for(spec, context.environ)
    if found is None:
        return missing_interpreter(spec, context)
    return (
        _find_contradiction(spec, found)
        or _find_limit_of_age(spec, found)
        or _find_installer_obstacle(spec, found, context.environ)
    )


def missing_interpreter(spec: EnvSpec, context: Context) -> Unavailable:
    """Say that no interpreter was found, which there are, and where was looked."""
    wanted = " or ".join(wanted_interpreters(spec.options, spec.factors))
    there = ", ".join(map(_shown, all_interpreters(context.environ))) or "none"
    places = ", ".join(searched_places(context.environ))
    return Unavailable(reason=f"there is no interpreter for {wanted}", hint=f"found {there}; looked in {places}")


def _find_contradiction(spec: EnvSpec, found: Interpreter) -> Unavailable | None:
    for factor in filter(names_interpreter, spec.factors):
        wish = parse_wanted(factor)
        if wish is not None and found.version and not fits(wish, found):
            return Unavailable(
                reason=f"base_python gives {_shown(found)} ({found.path}), but the name {spec.name} says {factor}",
                hint="take base_python away, or the factor",
                missing=False,
            )
    return None


def _find_limit_of_age(spec: EnvSpec, found: Interpreter) -> Unavailable | None:
    if is_too_old(found.version):
        reason = f"no tool makes environments for Python {_shown(found)} any more"
        return Unavailable(reason=reason, hint="2.7 and 3.6 are the oldest that work", missing=False)
    if found.version[:1] == (2,) and not spec.location.isascii():
        reason = f"the pip of Python 2 can't install below {spec.location}, which is not ASCII"
        return Unavailable(reason=reason, hint="keep the project in a directory with an ASCII name", missing=False)
    return None


def _find_installer_obstacle(spec: EnvSpec, found: Interpreter, environ: Mapping[str, str]) -> Unavailable | None:
    try:
        check_installer(spec.options.installer)
    except ConfigError as error:
        return Unavailable(reason=error.message, hint=error.hint, missing=False)
    if spec.options.installer != "uv":
        return None
    if not uv_serves(found):
        reason = f"uv does not serve {_shown(found)}"
        return Unavailable(reason=reason, hint="say installer = 'pip' for it", missing=False)
    if find_uv(environ) is None:
        return Unavailable(reason="uv is not installed", hint="install uv, or say installer = 'pip'")
    return None


def _shown(found: Interpreter) -> str:
    version = ".".join(map(str, found.version)) + ("t" if found.free_threaded else "")
    return version if found.implementation == "cpython" else f"{found.implementation} {version}"
