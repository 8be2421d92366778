"""Where the shell is, and kern-shell's own part in its language."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import StepFailed

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_bash(environ: Mapping[str, str]) -> str:
    """The absolute path of bash.

    Raises:
        StepFailed: there is none on ``PATH``.
    """
    return _find("bash", environ, "activation scripts are sourced by bash: install it")


def find_env(environ: Mapping[str, str]) -> str:
    """The absolute path of the program ``env``, which knows ``-0`` (GNU, BSD, macOS).

    Raises:
        StepFailed: there is none on ``PATH``.
    """
    return _find("env", environ, "it belongs to the base of every system: is PATH right?")


def source_file(name: str) -> str:
    """The absolute path of a file of this package."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


def _find(name: str, environ: Mapping[str, str], hint: str) -> str:
    from shutil import which

    found = which(name, path=environ.get("PATH", os.defpath))
    if found is None:
        raise StepFailed(f"there is no {name} on PATH", where=name, hint=hint)
    return os.path.abspath(found)
