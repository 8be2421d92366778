"""Shell scripts as activation for kern: sourced once, captured, replayed, undone."""

from __future__ import annotations

__version__ = "0.1.0"
