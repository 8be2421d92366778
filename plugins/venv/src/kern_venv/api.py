"""What other plugins may use of kern-venv: interpreters, bare environments and installing into them.

Everything is imported when it is first asked for, so that a plugin may import this module at the top of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kern_venv.installed import installed
    from kern_venv.installing import install
    from kern_venv.interpreters import Interpreter, find_interpreter, interpreter_for
    from kern_venv.making import make_virtual_environment
    from kern_venv.tags import target_tags
    from kern_venv.wanted import wanted_interpreters

__all__ = [
    "Interpreter",
    "find_interpreter",
    "install",
    "installed",
    "interpreter_for",
    "make_virtual_environment",
    "target_tags",
    "wanted_interpreters",
]

_HOMES = {
    "Interpreter": "interpreters",
    "find_interpreter": "interpreters",
    "install": "installing",
    "installed": "installed",
    "interpreter_for": "interpreters",
    "make_virtual_environment": "making",
    "target_tags": "tags",
    "wanted_interpreters": "wanted",
}


def __getattr__(name: str) -> object:
    """Import the module that a public name lives in (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"kern_venv.{home}"), name)
