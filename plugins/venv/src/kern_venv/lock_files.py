"""The table ``[tool.kern]`` of a lock file: what it was written for, so that a change of that can be told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEAD = "[tool.kern]"


def read_inputs(path: str) -> Mapping[str, Any] | None:
    """Read what a lock file was written for; ``None`` if kern has not written it.

    The table stands at the end, and only that part is parsed: a lock may be long, and every run reads it.
    """
    import tomllib

    try:
        with open(path, encoding="utf-8") as file:
            _, head, table = file.read().rpartition(f"\n{_HEAD}\n")
        return tomllib.loads(table) if head else None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None


def table_of_inputs(inputs: Mapping[str, Any]) -> str:
    """Write inputs as the table (PEP 751, section "tool")."""
    lines = [f"{_key(name)} = {_value(value)}" for name, value in inputs.items()]
    return "\n".join(["", _HEAD, *lines, ""])


def _key(name: str) -> str:
    return name if name.replace("_", "").isalpha() and name.isascii() else _text(name)


def _value(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        items = "".join(f"    {_value(item)},\n" for item in value)
        return f"[\n{items}]" if items else "[]"
    return json.dumps(value)


def _text(text: str) -> str:
    """A basic string of TOML; JSON's are that too, but for DEL and characters outside of Unicode."""
    clean = text.encode("utf-8", "backslashreplace").decode()
    return json.dumps(clean, ensure_ascii=False).replace("\x7f", "\\u007f")
