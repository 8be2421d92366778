"""The adopters ``venv`` and ``system``: environments and interpreters that kern did not make, only ever looked at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Adopted, Environment, StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.api import Context
    from kern_venv.inspection import Interpreter

_SYSTEM = ("", "system")
_FAMILIES = ("python", "pypy", "graalpy")


class VenvAdopter:
    """Recognises a virtual environment by its ``pyvenv.cfg`` (PEP 405) and an interpreter by its name."""

    api = 1

    def adopt(self, location: str, context: Context) -> Adopted | None:
        """The environment at a path: its directory, the directory of an installation, or the path of a python.

        Raises:
            StepFailed: it is a virtual environment whose interpreter is gone.
        """
        path = os.path.normpath(os.path.join(context.project_dir, os.path.expanduser(location)))
        python = _python_in(path) if os.path.isdir(path) else path
        prefix = os.path.dirname(os.path.dirname(python))
        virtual = os.path.isfile(os.path.join(prefix, "pyvenv.cfg"))
        if virtual and os.path.islink(python) and not os.path.exists(python):
            gone = f"the interpreter of the virtual environment {prefix} is gone: {os.path.realpath(python)}"
            raise StepFailed(gone, where=python, hint="make the environment anew, or install that interpreter again")
        if not os.path.isfile(python) or not os.access(python, os.X_OK):
            return None
        if virtual and _is_called_python(python):
            return _environment(prefix, python, context.environ)
        return _interpreter(python, context.environ)

    def offers(self, context: Context) -> str:  # noqa: ARG002
        """What can stand behind ``venv:``."""
        return "venv: takes the directory of a virtual environment, or the path of an interpreter"


class SystemAdopter:
    """Finds an interpreter of the machine on ``PATH``: ``system``, or ``system:python3.11`` for a certain one."""

    api = 1

    def adopt(self, location: str, context: Context) -> Adopted | None:
        """The first interpreter of that name that belongs to no environment and is no shim of a manager.

        That of a conda environment will do where there is no other, as in an image that has conda's alone.
        """
        name = "python3" if location in _SYSTEM else location
        if os.sep in name or not name.startswith(_FAMILIES):
            return None
        for path in sorted(_on_path(name, context.environ), key=_is_of_conda):
            found = _interpreter(path, context.environ)
            if found is not None:
                which = "the first" if not _is_of_conda(path) else "conda's, but the only"
                return found._replace(why=f"it is {which} {name} on PATH that belongs to no virtual environment")
        return None

    def offers(self, context: Context) -> str:
        """What can stand behind ``system:``."""
        there = ", ".join(_versioned(context.environ))
        said = f", here {there}" if there else ""
        return f"system: takes the name of an interpreter on PATH, such as python3{said}; a path needs no kind"


def _versioned(environ: Mapping[str, str]) -> list[str]:
    """List the interpreters on ``PATH`` by names such as ``python3.11``."""
    import re

    from kern_venv.inspection import inspect_program

    places = filter(os.path.isdir, environ.get("PATH", os.defpath).split(os.pathsep))
    names = {name for place in places for name in os.listdir(place) if re.fullmatch(r"(python|pypy)\d\.\d+", name)}
    return sorted(name for name in names if any(map(inspect_program, _on_path(name, environ))))


def _python_in(directory: str) -> str:
    """Name the interpreter in a directory; an installation of a distribution has no ``python`` but ``python3``."""
    paths = [os.path.join(directory, "bin", name) for name in ("python", "python3")]
    return next(filter(os.path.exists, paths), paths[0])


def _on_path(name: str, environ: Mapping[str, str]) -> Iterator[str]:
    for directory in environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(directory, name)
        virtual = os.path.exists(os.path.join(os.path.dirname(directory), "pyvenv.cfg"))
        if os.path.isabs(directory) and not virtual and os.path.isfile(path):
            yield path


def _is_of_conda(path: str) -> bool:
    """Whether a program is in a conda environment, one that is active for example."""
    return os.path.isdir(os.path.join(os.path.dirname(os.path.dirname(path)), "conda-meta"))


def _environment(prefix: str, python: str, environ: Mapping[str, str]) -> Adopted:
    from kern_venv.inspection import base_of, inspect_program, read_pyvenv
    from kern_venv.visible import in_environment

    facts = _facts("environment", inspect_program(python))
    said = read_pyvenv(prefix) or {}
    facts.update(_versions(facts["version"], said.get("version_info") or said.get("version") or ""))
    base = base_of(prefix) if said.get("include-system-site-packages", "").lower() == "true" else None
    installed = in_environment(prefix, base, facts["version"], environ)
    return Adopted(_described(prefix, python, facts), 2, "it has pyvenv.cfg", installed)


def _versions(found: str, stated: str) -> dict[str, str]:
    """Tell the version of an environment's interpreter; ``made_for`` is what it was before somebody upgraded it.

    Args:
        found: as its program on disk is called, without what no name says; empty where that says nothing.
        stated: by ``pyvenv.cfg``, when the environment was made.
    """
    if not stated[:1].isdigit():
        return {}
    made = ".".join(stated.split(".")[:3])
    if not found or made.split(".")[:2] == found.split(".")[:2]:
        return {"version": made}
    return {"made_for": made}


def _is_called_python(path: str) -> bool:
    """Whether a program in an environment is its interpreter, by its name; ``bin/pip`` is none."""
    return os.path.basename(path).rstrip(".0123456789t") in _FAMILIES


def _interpreter(python: str, environ: Mapping[str, str]) -> Adopted | None:
    from kern_venv.inspection import inspect_program
    from kern_venv.visible import in_installation

    found = inspect_program(python)
    if found is None:
        return None
    facts = _facts("interpreter", found)
    prefix = os.path.dirname(os.path.dirname(python))
    installed = in_installation(python, facts["version"], environ)
    return Adopted(_described(prefix, python, facts), 1, f"{os.path.basename(python)} is an interpreter", installed)


def _facts(kind: str, found: Interpreter | None) -> dict[str, str]:
    if found is None:
        return {"kind": kind, "version": "", "implementation": ""}
    version = ".".join(map(str, found.version))
    flags = "t" if found.free_threaded else ""
    return {"kind": kind, "version": version, "implementation": found.implementation, "flags": flags}


def _described(prefix: str, python: str, facts: dict[str, str]) -> Environment:
    return Environment(location=prefix, activator="venv", interpreter=python, watch=(), facts=facts)
