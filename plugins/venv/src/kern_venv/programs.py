"""The tools that do the work: where uv is, which interpreters it serves, and what their processes may see."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kern.api import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern_venv.inspection import Interpreter

INSTALLERS = ("auto", "uv", "pip")
"""What the option ``installer`` may be."""

UV_OLDEST = (3, 6)
"""The oldest Python that uv works with (https://docs.astral.sh/uv/reference/policies/python)."""

OLDEST = ((2, 7), (3, 6))
"""The oldest Pythons that a released virtualenv or uv can still make environments for: of 2 and of 3."""

_MISLEADING = (
    "PIP_DRY_RUN",
    "PIP_PREFIX",
    "PIP_PYTHON",
    "PIP_REQUIREMENT",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_BREAK_SYSTEM_PACKAGES",
    "UV_PROJECT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_WORKING_DIR",
    "UV_WORKING_DIRECTORY",
    "__PYVENV_LAUNCHER__",
)
_MISLEADING_PREFIXES = ("UV_VENV_", "VIRTUALENV_")


def find_uv(environ: Mapping[str, str]) -> str | None:
    """Find uv: the one installed with kern first, then the one on ``PATH``; a few stats, no process."""
    beside = (os.path.dirname(sys.executable), os.path.join(sys.prefix, "bin"))
    on_path = filter(os.path.isabs, environ.get("PATH", os.defpath).split(os.pathsep))
    for directory in (*beside, *on_path):
        path = os.path.join(directory, "uv")
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def uv_serves(interpreter: Interpreter) -> bool:
    """Whether uv can make environments for an interpreter and install into them."""
    known = interpreter.implementation in ("cpython", "pypy", "graalpy")
    return known and (not interpreter.version or interpreter.version >= UV_OLDEST)


def is_too_old(version: tuple[int, ...]) -> bool:
    """Whether nothing here can make an environment for a Python of this version."""
    return any(version[:1] == oldest[:1] and version[:2] < oldest for oldest in OLDEST if len(version) > 1)


def check_installer(installer: str) -> None:
    """Refuse an ``installer`` that does not exist.

    Raises:
        ConfigError: it is none of `INSTALLERS`.
    """
    if installer not in INSTALLERS:
        from difflib import get_close_matches

        close = get_close_matches(installer, INSTALLERS, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(INSTALLERS)}"
        raise ConfigError(f"there is no installer {installer!r}", where="installer", hint=hint)


def choose_installer(installer: str, interpreter: Interpreter, environ: Mapping[str, str]) -> str:
    """Decide who installs: what the option says, else uv where it is present and serves the interpreter, else pip."""
    if installer != "auto":
        return installer
    return "uv" if uv_serves(interpreter) and find_uv(environ) is not None else "pip"


def tool_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Reduce an environment to what can't make a tool write to another place than the one it is told."""
    kept = {key: value for key, value in environ.items() if not key.startswith(_MISLEADING_PREFIXES)}
    for key in _MISLEADING:
        kept.pop(key, None)
    return kept


def pip_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Give a pip what it may see, and forbid it to install outside a virtual environment."""
    fixed = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_USER": "0",
    }
    return {**tool_environ(environ), **fixed}
