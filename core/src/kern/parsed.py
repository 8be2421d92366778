"""What configuration files were parsed to, kept in the user's cache: parsing costs more than all the rest of a start."""

from __future__ import annotations

from typing import Any

from kern.drivers.index import cache_dir
from kern.errors import KernError
from kern.state import State

PARSED = "configuration"
"""Kind of the records in the user's cache that hold parsed configuration files."""


def recall(path: str, content: bytes) -> dict[str, Any] | None:
    """What a configuration file was parsed to before; only the very same text counts."""
    known = State(cache_dir()).read(PARSED, path)
    same = known is not None and known.get("text") == content.decode(errors="surrogateescape")
    return known["table"] if known is not None and same and isinstance(known.get("table"), dict) else None


def keep(path: str, content: bytes, table: dict[str, Any]) -> None:
    """Remember a parsed configuration file. It is in the user's cache since a project's own folder can be anybody's."""
    try:
        State(cache_dir()).write(PARSED, path, {"text": content.decode(), "table": table})
    except (KernError, TypeError, ValueError):
        return  # an unwritable cache, or dates, which JSON does not have
