"""The adopter ``pyenv``: interpreters of pyenv and environments of pyenv-virtualenv, only ever looked at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.api import Adopted, Context

_ENVIRONMENT, _INSTALLATION = 3, 2


class PyenvAdopter:
    """Recognises what lies below a pyenv root, by its path or by the name that pyenv has for it."""

    api = 1

    def adopt(self, location: str, context: Context) -> Adopted | None:
        """The environment or the version of that name (``3.12`` is the newest 3.12), or at that path.

        Raises:
            StepFailed: environments of several versions have that name.
        """
        from kern_pyenv.roots import roots

        places = roots("", context.project_dir, context.environ)
        if location.startswith(("/", "~")):
            return _at_path(os.path.normpath(os.path.expanduser(location)), places, context)
        return _environment_named(location, places, context) or _version_named(location, places, context)

    def offers(self, context: Context) -> str:
        """What can stand behind ``pyenv:``: what there is."""
        from kern_pyenv.availability import listed
        from kern_pyenv.roots import roots

        return listed(roots("", context.project_dir, context.environ), with_environments=True)


def _environment_named(name: str, places: Sequence[str], context: Context) -> Adopted | None:
    from kern.api import StepFailed
    from kern_pyenv.roots import environments

    for root in places:
        found = environments(root, name)
        if len(found) > 1:
            below = os.path.join(root, "versions", "")
            names = " and ".join(place.removeprefix(below) for place in found)
            raise StepFailed(f"there are several environments {name} in {root}: {names}", hint="say which: X/envs/NAME")
        if found:
            why = f"it is the environment {name} of pyenv-virtualenv in {root}"
            return _described(found[0], _ENVIRONMENT, why, context)
    return None


def _version_named(name: str, places: Sequence[str], context: Context) -> Adopted | None:
    from kern_pyenv.roots import describe, resolve

    for root in places:
        version = resolve(name, root)
        found = describe(version) if version is not None else None
        if version is not None and found is not None:
            return _described(found.path, _INSTALLATION, f"it is version {version.name} of pyenv in {root}", context)
    return None


def _at_path(path: str, places: Sequence[str], context: Context) -> Adopted | None:
    """Take the directory of a version or of an environment, or a program in one; shims are neither."""
    from kern.api import StepFailed
    from kern_pyenv.roots import is_environment

    for root in places:
        versions = os.path.join(root, "versions", "")
        if os.path.dirname(path) == os.path.join(root, "shims"):
            message = f"{path} is a shim of pyenv, which starts whatever interpreter pyenv has selected"
            raise StepFailed(message, where=path, hint="say which one you mean: pyenv:VERSION")
        if not path.startswith(versions):
            continue
        directory = os.path.dirname(os.path.dirname(path)) if os.path.isfile(path) else path
        name = directory.removeprefix(versions)
        if is_environment(directory):
            return _described(
                path, _ENVIRONMENT, f"it is the environment {name} of pyenv-virtualenv in {root}", context
            )
        if "/" not in name:  # what lies deeper is an environment of conda, or nothing at all
            return _described(path, _INSTALLATION, f"it is version {name} of pyenv in {root}", context)
    return None


def _described(path: str, certainty: int, why: str, context: Context) -> Adopted | None:
    from kern_venv.api import VenvAdopter

    adopted = VenvAdopter().adopt(path, context)
    return adopted._replace(certainty=certainty, why=why) if adopted is not None else None
