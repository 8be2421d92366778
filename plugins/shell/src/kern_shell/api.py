"""What other plugins may use of kern-shell: scripts that are sourced, once for a run or around each command.

Everything is imported when it is first asked for, so that a plugin may import this module at the top of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kern_shell.delta import prefix_delta
    from kern_shell.sourcing import sourced
    from kern_shell.wrapping import wrapped

__all__ = ["prefix_delta", "sourced", "wrapped"]

_HOMES = {"prefix_delta": "delta", "sourced": "sourcing", "wrapped": "wrapping"}


def __getattr__(name: str) -> object:
    """Import the module that a public name lives in (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"kern_shell.{home}"), name)
