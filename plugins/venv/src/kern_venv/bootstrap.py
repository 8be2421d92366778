"""Which virtualenv makes an environment, and older ones for the Pythons that the newest has dropped.

What each release can put into which Python was tried one by one: a release may exit with 0 and leave a pip that does
not run there, so the newest that says it works is not enough.

========================= ==========================================================
target                    virtualenv
========================= ==========================================================
3.9 and newer             the one installed with kern
3.8                       older than 21.5, which ships no pip for it any more
3.7                       older than 20.27, whose pip does not run there
3.6, 2.7                  older than 20.22, the last that knows them
========================= ==========================================================

An older one is fetched from the index once, into an environment of its own in the user's cache.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kern.api import StepFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.api import Context
    from kern_venv.inspection import Interpreter

_CEILINGS = (((3, 9), ""), ((3, 8), "21.5"), ((3, 7), "20.27"), ((2, 7), "20.22"))
_FINISHED = "kern-bootstrap-finished"


def virtualenv_ceiling(version: tuple[int, ...]) -> str:
    """Name the first virtualenv that no longer serves a Python (``21.5``); empty where the newest does."""
    if not version:
        return ""
    return next(ceiling for oldest, ceiling in _CEILINGS if version >= oldest or oldest == (2, 7))


def virtualenv_command(interpreter: Interpreter, context: Context, *, seed_pip: bool) -> Sequence[str]:
    """Begin the command line of a virtualenv that serves an interpreter.

    Args:
        interpreter: the target.
        context: runs the processes, holds the lock and owns the cache.
        seed_pip: the environment gets a pip; without one the newest virtualenv serves a little more.

    Raises:
        StepFailed: an older virtualenv is needed and can't be had.
    """
    ceiling = virtualenv_ceiling(interpreter.version)
    without_pip = not seed_pip and interpreter.version >= (3, 8)
    if not ceiling or without_pip or _installed_is_older(ceiling):
        return (sys.executable, "-m", "virtualenv")
    return (os.path.join(_bootstrap(ceiling, context), "bin", "python"), "-I", "-m", "virtualenv")


def _installed_is_older(ceiling: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    from packaging.version import Version

    try:
        return Version(version("virtualenv")) < Version(ceiling)
    except PackageNotFoundError:
        return False


def _bootstrap(ceiling: str, context: Context) -> str:
    running = ".".join(map(str, sys.version_info[:3]))
    location = os.path.join(context.cache_dir, f"virtualenv-before-{ceiling}-python-{running}")
    with context.lock(os.path.basename(location)):
        if context.recreate or not os.path.exists(os.path.join(location, _FINISHED)):
            _make_bootstrap(location, ceiling, context)
    return location


def _make_bootstrap(location: str, ceiling: str, context: Context) -> None:
    from shutil import rmtree

    context.say(f"fetching virtualenv<{ceiling}: newer ones don't serve this Python")
    rmtree(location, ignore_errors=True)
    try:
        _fill_bootstrap(location, f"virtualenv<{ceiling}", context)
    except StepFailed as error:
        raise StepFailed(
            f"this Python needs virtualenv<{ceiling}, which could not be had: {error.message}",
            where=error.where,
            hint="it is fetched from the package index once; is the index reachable?",
            log=error.log,
            tail=error.tail,
        ) from error
    with open(os.path.join(location, _FINISHED), "w", encoding="utf-8"):
        pass


def _fill_bootstrap(location: str, requirement: str, context: Context) -> None:
    from kern_venv.installing import install
    from kern_venv.interpreters import find_interpreter
    from kern_venv.making import make_virtual_environment
    from kern_venv.programs import choose_installer

    own = find_interpreter(["py"], context.environ)
    if own is None:
        raise StepFailed("the interpreter that runs kern is gone", where=sys.executable)
    installer = choose_installer("auto", own, context.environ)
    python = make_virtual_environment(location, own, context, seed_pip=installer == "pip")
    install(python, [requirement], context, prefix=location, installer=installer)
