"""Where in a TOML file a key stands: only ever asked when there is an error to show."""

from __future__ import annotations

import os
from typing import NamedTuple


class Source(NamedTuple):
    """A configuration file.

    Attributes:
        path: absolute path.
        prefix: the table that holds kern's configuration in it: ``()`` or ``("tool", "kern")``.
    """

    path: str
    prefix: tuple[str, ...]

    def where(self, *keys: str) -> str:
        """``kern.toml:12 env.lint.deps``; the line is left out when it can't be told."""
        dotted = ".".join((*self.prefix, *(_quoted(key) for key in keys)))
        line = line_of(self.path, (*self.prefix, *keys))
        name = os.path.basename(self.path)
        return f"{name}:{line} {dotted}".rstrip() if line else f"{name} {dotted}".rstrip()


def _quoted(key: str) -> str:
    plain = key.replace("_", "").replace("-", "")
    return key if plain.isalnum() and plain.isascii() else f'"{key}"'


def line_of(path: str, keys: tuple[str, ...]) -> int | None:
    """The line of the longest part of a dotted key that stands in the file, from 1; ``None`` if none does."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    best: tuple[int, int] = (0, 0)
    table: tuple[str, ...] = ()
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = _keys_of(stripped.strip("[] \t").split("]")[0])
            found = table
        elif "=" in stripped and not stripped.startswith("#"):
            found = (*table, *_keys_of(stripped.split("=", 1)[0]))
        else:
            continue
        common = _common(found, keys)
        if common in (len(found), len(keys)) and common > best[0]:
            best = (common, number)
    return best[1] or None


def _common(found: tuple[str, ...], wanted: tuple[str, ...]) -> int:
    count = 0
    for one, other in zip(found, wanted, strict=False):
        if one != other:
            break
        count += 1
    return count


def _keys_of(text: str) -> tuple[str, ...]:
    """Split a dotted TOML key, quoted parts included; good enough to find a line."""
    parts: list[str] = []
    current, quote = "", ""
    for char in text.strip():
        if quote:
            if char == quote:
                quote = ""
            else:
                current += char
        elif char in "\"'":
            quote = char
        elif char == ".":
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return (*parts, current.strip())
