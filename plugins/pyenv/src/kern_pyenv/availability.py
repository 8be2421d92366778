"""Whether pyenv has what an environment wants, and in words what is missing; no process, no network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Unavailable
from kern_pyenv.finding import contradiction, find, root_to_install, to_install, wishes_of
from kern_pyenv.naming import is_name
from kern_pyenv.roots import environments, installed_versions, named_environments, numbers_in

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
    obstacle = _other_name(wishes)
    if obstacle is not None:
        return obstacle
    if spec.options.install == "missing" and to_install(wishes):
        return None if find_pyenv(wishes, context.environ) else _no_pyenv(wishes)
    return missing_version(wishes, context.environ)


def _other_name(wishes: Wishes) -> Unavailable | None:
    """Say that a name is none of a version, which no installing brings: an environment's, or nobody's."""
    for name in wishes.names:
        if any(environments(root, name) for root in wishes.roots):
            reason = f"{name}{_said_by(wishes)} is a virtual environment of pyenv-virtualenv, not an interpreter"
            hint = f'to run there say existing = "pyenv:{name}", or kern exec pyenv:{name} -- ...'
            return Unavailable(reason=reason, hint=hint)
        if not is_name(name):
            reason = f"{name!r}{_said_by(wishes)} is no name of a version of pyenv"
            return Unavailable(reason=reason, hint="3.12, 3.12.1, 3.13t, pypy3.10 or local", missing=False)
    return None


def _said_by(wishes: Wishes) -> str:
    return f" (said by {wishes.selection.origin})" if wishes.selection is not None else ""


def missing_version(wishes: Wishes, environ: Mapping[str, str]) -> Unavailable:
    """Say that no version was found, which there are, and what would bring it."""
    wanted = to_install(wishes)
    if not wanted:
        reason = f"pyenv's choice is system{_said_by(wishes)}, which is no version of pyenv's"
        return Unavailable(reason=reason, hint="name a version: version = '3.12', or a factor such as py312")
    names = " or ".join(name for name in wishes.names if name != "system")
    if not any(map(os.path.isdir, wishes.roots)) and not find_pyenv(wishes, environ):
        hint = f"looked for it at {' and '.join(wishes.roots)}; install pyenv, or set PYENV_ROOT to where it is"
        return Unavailable(reason=f"there is no pyenv to take {names} from", hint=hint)
    hint = f'{listed(wishes.roots)}; pyenv install {wanted} brings it, and so does install = "missing"'
    return Unavailable(reason=f"pyenv has no version {names}{_said_by(wishes)}", hint=hint)


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


def listed(places: Sequence[str], *, with_environments: bool = False) -> str:
    """List what is installed, root by root; of pyenv's many names only so many."""
    said = []
    for root in places:
        names = sorted((version.name for version in installed_versions(root)), key=numbers_in)
        names += [f"the environment {name}" for name in named_environments(root)] if with_environments else []
        more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
        if names:
            said.append(f"{root} has {', '.join(names[:_MANY])}{more}")
    there = list(filter(os.path.isdir, places))
    if not there:
        return f"there is no pyenv at {' or '.join(places)}"
    return "; ".join(said) or f"nothing is installed in {' or '.join(there)}"
