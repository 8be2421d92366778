"""Whether pyenv has what an environment wants, and in words what is missing; no process, no network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Unavailable
from kern_pyenv.finding import contradiction, find, root_to_install, to_install, wishes_of
from kern_pyenv.naming import is_name
from kern_pyenv.roots import installed_versions, is_environment, named_environments, numbers_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Context, EnvSpec
    from kern_pyenv.finding import Wishes
    from kern_venv.api import Interpreter

_MANY = 12


def find_obstacle(spec: EnvSpec, context: Context) -> Unavailable | None:
    """Name what only pyenv knows against an environment, or ``None``."""
    wishes = wishes_of(spec, context.environ)
    found = find(spec, context.environ)
    if found is not None:
        return _contradiction(spec, wishes, found)
    senseless = next((name for name in wishes.names if not is_name(name)), None)
    if senseless is not None:
        reason = f"{senseless!r} is no name of a version of pyenv"
        return Unavailable(reason=reason, hint="3.12, 3.12.1, 3.13t, pypy3.10 or local", missing=False)
    if spec.options.install == "missing" and to_install(wishes):
        return None if find_pyenv(wishes, context.environ) else _no_pyenv(wishes)
    return missing_version(wishes)


def missing_version(wishes: Wishes) -> Unavailable:
    """Say that no version was found, which there are, and what would bring it."""
    wanted = to_install(wishes)
    said_by = f" (said by {wishes.selection.origin})" if wishes.selection is not None else ""
    if not wanted:
        reason = f"pyenv's choice is system{said_by}, which is no version of pyenv's"
        return Unavailable(reason=reason, hint="name a version: version = '3.12', or a factor such as py312")
    environments = (root for root in wishes.roots if is_environment(os.path.join(root, "versions", wanted)))
    if next(environments, None) is not None:
        reason = f"{wanted} is a virtual environment of pyenv-virtualenv, not an interpreter"
        return Unavailable(reason=reason, hint=f"to run commands there say kern exec pyenv:{wanted} -- ...")
    names = " or ".join(name for name in wishes.names if name != "system")
    return Unavailable(
        reason=f"pyenv has no version {names}{said_by}", hint=f"{listed(wishes.roots)}; pyenv install {wanted}"
    )


def find_pyenv(wishes: Wishes, environ: Mapping[str, str]) -> str:
    """Find the program: the one in the root that is installed into, then on ``PATH``; empty if there is none."""
    from shutil import which

    own = (os.path.join(root, "bin", "pyenv") for root in (root_to_install(wishes), *wishes.roots))
    return (
        next((path for path in own if os.access(path, os.X_OK)), "") or which("pyenv", path=environ.get("PATH")) or ""
    )


def _no_pyenv(wishes: Wishes) -> Unavailable:
    reason = f"there is no program pyenv to install {to_install(wishes)} with"
    return Unavailable(reason=reason, hint="install pyenv, or set PYENV_ROOT to where it is")


def _contradiction(spec: EnvSpec, wishes: Wishes, found: Interpreter) -> Unavailable | None:
    factor = contradiction(found, wishes.factors)
    if not factor:
        return None
    said_by = wishes.selection.origin if wishes.selection is not None else "version"
    version = ".".join(map(str, found.version))
    return Unavailable(
        reason=f"{said_by} gives Python {version} ({found.path}), but the name {spec.name} says {factor}",
        hint="take version away, or the factor",
        missing=False,
    )


def listed(places: Sequence[str], *, environments: bool = False) -> str:
    """List what is installed, root by root; of pyenv's many names only so many."""
    said = []
    for root in places:
        names = sorted((version.name for version in installed_versions(root)), key=numbers_in)
        names += [f"the environment {name}" for name in named_environments(root)] if environments else []
        more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
        if names:
            said.append(f"{root} has {', '.join(names[:_MANY])}{more}")
    return "; ".join(said) or f"nothing is installed in {' or '.join(places)}"
