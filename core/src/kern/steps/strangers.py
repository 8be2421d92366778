"""Programs that a command of an existing environment gets from the host, though they run in another interpreter.

Where a command is allowed to find the host's programs, ``pytest`` of the environment that kern is started from would
test there, and be green.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Environment


def stranger(environment: Environment, program: str, environ: Mapping[str, str], host: Mapping[str, str]) -> str:
    """Say that a program is not the environment's, but the host's, and runs in another interpreter.

    Args:
        environment: without an interpreter of its own nothing is a stranger.
        program: the first word of the command; a path is what the user wants.
        environ: what the command sees.
        host: what kern sees: what is found elsewhere came with the activation.

    Returns:
        A sentence; empty if there is nothing to say.
    """
    own = environment.interpreter or ""
    if not own or os.sep in program:
        return ""
    found = _found(program, environ)
    above = os.path.dirname(found)
    if not found or above == os.path.dirname(own) or above not in host.get("PATH", "").split(os.pathsep):
        return ""
    runs = found if _stem(program) == _stem(own) else _interpreter_of(found, _stem(own))
    if _stem(runs) != _stem(own) or _folder(runs) == _folder(own):
        return ""
    said = f"{environment.location} has no program {program}, so {found} runs"
    return said if runs == found else f"{said}, with {runs}"


def _found(program: str, environ: Mapping[str, str]) -> str:
    paths = (os.path.join(place, program) for place in environ.get("PATH", "").split(os.pathsep) if place)
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), "")


def _folder(path: str) -> str:
    """Where a program is. Where it links to says nothing: environments share the interpreter below them."""
    return os.path.realpath(os.path.dirname(path))


def _stem(path: str) -> str:
    """What a program is called without its version: ``python`` for ``python3.12``."""
    return os.path.basename(path).rstrip("0123456789.")


def _interpreter_of(script: str, stem: str) -> str:
    """The interpreter that a script runs in; beside a shim there is one for the interpreter, a script as well."""
    named = _script_interpreter(script)
    beside = os.path.join(os.path.dirname(script), stem)
    return beside if named and _stem(named) != stem and _script_interpreter(beside) else named


def _script_interpreter(path: str) -> str:
    """The program that a script names in its first line; empty where it is no script."""
    try:
        with open(path, "rb") as file:
            line = file.readline(1024)
    except OSError:
        return ""
    words = os.fsdecode(line[2:]).split() if line.startswith(b"#!") else []
    return words[0] if words else ""
