"""Where pyenv keeps its versions, and which of the directories there are interpreters; no process, no shims."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from kern_pyenv.naming import is_name, ranked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern_venv.api import Interpreter

MARK = ".kern-installing-"
"""Begins the name of the file beside a version that kern is installing, or was when it was killed."""

_PROGRAMS = ("python", "python3", "pypy3", "pypy", "python2")


class Version(NamedTuple):
    """A version that is installed: the root it is in, its name there, and the path of its program."""

    root: str
    name: str
    program: str

    @property
    def directory(self) -> str:
        """Absolute path of the installation."""
        return os.path.join(self.root, "versions", self.name)


def roots(stated: str, project_dir: str, environ: Mapping[str, str]) -> list[str]:
    """List the pyenv roots to look in, the best first; they need not exist.

    Args:
        stated: the option ``pyenv_root``; where it is set, nothing else counts.
        project_dir: what it is relative to.
        environ: of which ``PYENV_ROOT``, ``PATH`` and ``HOME`` matter.
    """
    home = environ.get("HOME", "")
    if stated:
        place = os.path.join(home, stated[2:]) if stated.startswith("~/") else stated
        return [os.path.normpath(os.path.join(project_dir, place))]
    shims = (os.path.normpath(place) for place in environ.get("PATH", "").split(os.pathsep))
    beside = (os.path.dirname(place) for place in shims if os.path.basename(place) == "shims")
    places = (environ.get("PYENV_ROOT", ""), *beside, os.path.join(home, ".pyenv"))
    return list(dict.fromkeys(os.path.normpath(place) for place in places if os.path.isabs(place)))


def resolve(name: str, root: str) -> Version | None:
    """Find the version that a name stands for in a root, as ``pyenv prefix`` does, among interpreters alone."""
    versions = os.path.join(root, "versions")
    for wish in dict.fromkeys((name, name.removeprefix("python-"))) if is_name(name) else ():
        exact = _version(root, wish)
        if exact is not None:
            return exact
        candidates = ranked(wish, _entries(versions))
        found = next(filter(None, (_version(root, candidate) for candidate in candidates)), None)
        if found is not None:
            return found
    return None


def installed_versions(root: str) -> Iterator[Version]:
    """List the interpreters of a root, by name."""
    for name in sorted(_entries(os.path.join(root, "versions"))):
        found = _version(root, name)
        if found is not None:
            yield found


def is_environment(directory: str) -> bool:
    """Whether a directory is a virtual environment, as pyenv-virtualenv makes them beside the versions."""
    return os.path.isfile(os.path.join(directory, "pyvenv.cfg"))


def environments(root: str, name: str) -> list[str]:
    """List the virtual environments of a name: ``versions/NAME`` and ``versions/*/envs/NAME``, each place once."""
    versions = os.path.join(root, "versions")
    if not all(map(is_name, name.split("/"))):
        return []
    nested = () if "/" in name else (os.path.join(versions, entry, "envs", name) for entry in _entries(versions))
    places = (os.path.join(versions, name), *nested)
    return list({os.path.realpath(place): place for place in reversed(places) if is_environment(place)}.values())[::-1]


def named_environments(root: str) -> list[str]:
    """List the names of the virtual environments of a root."""
    versions = os.path.join(root, "versions")
    entries = _entries(versions)
    nested = (
        (name, os.path.join(versions, entry, "envs"))
        for entry in entries
        for name in _entries(os.path.join(versions, entry, "envs"))
    )
    places = (*((name, versions) for name in entries), *nested)
    return sorted({name for name, place in places if is_environment(os.path.join(place, name))})


def describe(version: Version) -> Interpreter | None:
    """Describe the interpreter of a version: its program's name says which it is, else the version's own name."""
    from kern_venv.api import describe_program, inspect_program

    found = inspect_program(version.program)
    if found is None:
        numbers, free_threaded = numbers_in(version.name)
        implementation = next((kind for kind in ("pypy", "graalpy") if version.name.startswith(kind)), "cpython")
        return describe_program(version.program, implementation, numbers, free_threaded=free_threaded)
    # The full name of the program, so that a row of another provider on the same interpreter shares builds with it.
    beside = os.path.join(os.path.dirname(version.program), os.path.basename(os.path.realpath(version.program)))
    return inspect_program(beside) or found


def numbers_in(name: str) -> tuple[tuple[int, ...], bool]:
    """Read a version and whether it is free-threaded from a name such as ``3.12.1``, ``3.13t``, ``pypy3.10-7.3.17``."""
    first = name.partition("-")[0].removeprefix("pypy")
    free_threaded = first.endswith("t")
    numbers = first.removesuffix("t").split(".")
    known = [int(number) for number in numbers if number.isdigit()]
    if not known or not numbers[0].isdigit():
        return (), False
    return tuple(known), free_threaded


def _version(root: str, name: str) -> Version | None:
    """The version of exactly that name, unless it is an environment, a dangling link or half an installation."""
    directory = os.path.join(root, "versions", name)
    if name.startswith(".") or is_environment(directory):
        return None
    programs = (os.path.join(directory, "bin", program) for program in _PROGRAMS)
    program = next((path for path in programs if os.path.isfile(path) and os.access(path, os.X_OK)), None)
    if program is None or os.path.lexists(os.path.join(root, "versions", MARK + name)):
        return None
    return Version(root, name, program)


def _entries(directory: str) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if not name.startswith(".")]
    except OSError:
        return []
