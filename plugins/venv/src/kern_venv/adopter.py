"""The adopter ``venv``: virtual environments and interpreters that kern did not make, only ever looked at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import API, Environment

if TYPE_CHECKING:
    from kern.api import Context

_OTHER_KINDS = ("conda-meta",)


class VenvAdopter:
    """Recognises a virtual environment by its ``pyvenv.cfg`` and an interpreter by its name."""

    api = API

    def adopt(self, location: str, context: Context) -> Environment | None:
        """The environment at a path: its directory, the directory of an installation, or the path of a python."""
        path = os.path.normpath(os.path.join(context.project_dir, os.path.expanduser(location)))
        python = _python_in(path) if os.path.isdir(path) else path
        if not os.path.isfile(python) or not os.access(python, os.X_OK):
            return None
        prefix = os.path.dirname(os.path.dirname(python))
        if any(os.path.exists(os.path.join(prefix, name)) for name in _OTHER_KINDS) and os.path.isdir(path):
            return None
        if os.path.isfile(os.path.join(prefix, "pyvenv.cfg")):
            return _described(prefix, python, "environment")
        return _interpreter(prefix, python)


def _python_in(directory: str) -> str:
    return os.path.join(directory, "bin", "python")


def _interpreter(prefix: str, python: str) -> Environment | None:
    from kern_venv.inspection import inspect_program

    return _described(prefix, python, "interpreter") if inspect_program(python) is not None else None


def _described(prefix: str, python: str, kind: str) -> Environment:
    from kern_venv.inspection import inspect_program

    found = inspect_program(python)
    version = ".".join(map(str, found.version)) if found is not None else ""
    facts = {"kind": kind, "version": version, "implementation": found.implementation if found is not None else ""}
    return Environment(location=prefix, activator="venv", interpreter=python, watch=(), facts=facts)
