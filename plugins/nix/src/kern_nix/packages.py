"""A package that nix built, used in an environment: kept from the garbage collector, and found by programs and Python."""

from __future__ import annotations

import os
from glob import escape, glob
from typing import TYPE_CHECKING

from kern.api import Command, StepFailed
from kern_nix.evaluating import nix_environ
from kern_nix.programs import nix_program
from kern_nix.store_paths import store_path

if TYPE_CHECKING:
    from kern.api import Artifact, Context

FOLDER = "package"
"""Name of the directory, in an environment's, that is empty where no package under test was built by nix."""

_LINK = "result"
_FILE = "paths.json"
_PROPAGATED = "nix-support/propagated-build-inputs"
"""Where nixpkgs writes down what a package needs around it when it is used."""


def use_package(location: str, artifact: Artifact, version: str, context: Context) -> None:
    """Put a package into an environment.

    Args:
        location: absolute path of the environment's directory.
        artifact: of the kind ``nix``.
        version: of the environment's Python; empty if it has none.
        context: runs the process that makes the root.

    Raises:
        StepFailed: it is gone from the store, or is for another Python.
    """
    import json

    path = store_path(artifact.path)
    if not path:
        message = f"{artifact.name} is no longer in the nix store"
        raise StepFailed(message, where=artifact.path, hint="it was collected as garbage; run again to build it")
    link = os.path.join(location, FOLDER, _LINK)
    if os.path.lexists(link):
        os.unlink(link)
    argv = (nix_program(context, "nix-store"), "--realise", path, "--add-root", link, "--indirect")
    context.run(Command(argv=argv, environ=nix_environ(context)))
    value = {"PATH": _programs(path), "PYTHONPATH": python_path(path, version)}
    with open(os.path.join(location, FOLDER, _FILE), "w", encoding="utf-8") as file:
        json.dump(value, file)


def read_package(location: str) -> dict[str, tuple[str, ...]]:
    """What `use_package` added to search paths; nothing where there is no such package."""
    import json

    try:
        with open(os.path.join(location, FOLDER, _FILE), encoding="utf-8") as file:
            value = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        hint = "make the environment anew with --recreate"
        raise StepFailed(f"{_FILE} of the environment can't be read: {error}", where=location, hint=hint) from None
    return {name: tuple(paths) for name, paths in value.items() if paths}


def _programs(path: str) -> list[str]:
    programs = os.path.join(path, "bin")
    return [programs] if os.path.isdir(programs) else []


def python_path(path: str, version: str) -> list[str]:
    """The module directories of a package and of all that it propagates, for one version of Python.

    Raises:
        StepFailed: the package has modules, but for other versions.
    """
    minor = ".".join(version.split(".")[:2])
    have = [os.path.basename(os.path.dirname(place)) for place in _module_folders(path, "python*")]
    if version and have and f"python{minor}" not in have:
        raise StepFailed(
            f"the package was built for {', '.join(have)}, the environment has Python {version}",
            where=path,
            hint="build it with the Python of the environment: say attr or nix_args in its [package] table",
        )
    found: list[str] = []
    waiting, seen = [path], {path}
    for current in waiting if version else ():
        found += _module_folders(current, f"python{minor}")
        waiting += [each for each in _propagated(current) if each not in seen]
        seen.update(waiting)
    return found


def _module_folders(path: str, python: str) -> list[str]:
    return sorted(glob(os.path.join(escape(path), "lib", python, "site-packages")))


def _propagated(path: str) -> list[str]:
    try:
        with open(os.path.join(path, _PROPAGATED), encoding="utf-8") as file:
            return file.read().split()
    except OSError:
        return []
