"""conda-lock in an environment of its own, made when it is first needed and shared by all projects.

It pins what other tools need in newer releases (``virtualenv<21``), so it can't be installed beside kern.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from kern.api import StepFailed

if TYPE_CHECKING:
    from kern.api import Context

REQUIREMENT = "conda-lock>=4,<5"
_READY = "ready"


def conda_lock_python(context: Context) -> str:
    """Give the path of an interpreter that has conda-lock.

    Raises:
        StepFailed: it can't be installed.
    """
    from kern_venv.api import inspect_program

    interpreter = inspect_program(os.path.realpath(sys.executable))
    if interpreter is None:
        raise StepFailed("kern's own interpreter is of a kind that no environment can be made from")
    version = ".".join(map(str, interpreter.version[:2]))
    home = os.path.join(context.cache_dir, f"conda-lock-4-py{version}")
    ready = os.path.join(home, _READY)
    said = f"{REQUIREMENT} {interpreter.path} {interpreter.identity}"
    with context.lock(os.path.basename(home)):
        if _read(ready) != said or context.recreate:
            _make(home, context)
            with open(ready, "w", encoding="utf-8") as file:
                file.write(said)
    return _python(home)


def _make(home: str, context: Context) -> None:
    from kern_venv.api import find_interpreter, install, make_virtual_environment

    shutil.rmtree(home, ignore_errors=True)
    interpreter = find_interpreter([os.path.realpath(sys.executable)], context.environ)
    if interpreter is None:
        raise StepFailed("kern's own interpreter can't be found", where=sys.executable)
    context.say("installing conda-lock, once for all projects")
    python = make_virtual_environment(home, interpreter, context)
    try:
        install(python, [REQUIREMENT], context, prefix=home)
    except StepFailed as error:
        raise StepFailed(
            "conda-lock, which writes the locks of conda environments, can't be installed",
            where=error.where,
            hint="it comes from the package index that pip is configured for",
            log=error.log,
            tail=error.tail,
        ) from None


def _python(home: str) -> str:
    return os.path.join(home, "bin", "python")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
