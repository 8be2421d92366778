"""Where in a TOML file a key stands: only ever asked when there is an error to show, or for `kern show`."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    Keys = tuple[str, ...]
    """A dotted key, in its parts."""


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


def line_of(path: str, keys: Keys) -> int | None:
    """The line of the longest part of a dotted key that stands in the file, from 1; ``None`` if none does."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            written, implied = _lines(file.read())
    except OSError:
        return None
    if keys not in written and keys in implied:
        return implied[keys]
    lengths = range(len(keys), 0, -1)
    return next((written[keys[:length]] for length in lengths if keys[:length] in written), None)


@lru_cache(maxsize=2)
def _lines(text: str) -> tuple[dict[Keys, int], dict[Keys, int]]:
    """The first line of each key and table that is written out, and of those that longer keys imply."""
    written: dict[Keys, int] = {}
    implied: dict[Keys, int] = {}
    table: Keys = ()
    for line, tokens in _statements(text):
        if tokens[0] == "[":
            key = table = _keys_of("".join(tokens).strip("[]"))
        elif "=" in tokens:
            key = (*table, *_keys_of("".join(tokens[: tokens.index("=")])))
        else:
            continue
        written.setdefault(key, line)
        for length in range(1, len(key)):
            implied.setdefault(key[:length], line)
    return written, implied


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """The line at which each header and each assignment begins, and its tokens; a value may take several lines."""
    line, began, depth = 1, 1, 0
    tokens: list[str] = []
    for piece in (*_tokens(text), "\n"):
        if piece == "\n" and not depth:
            if tokens:
                yield began, tokens
            tokens, began = [], line + 1
        elif piece.strip() and piece[0] != "#":
            tokens.append(piece)
            depth += (piece in {"[", "{"}) - (piece in {"]", "}"})
        line += piece.count("\n")


def _tokens(text: str) -> Iterator[str]:
    """Strings, comments, ends of lines, brackets, equals signs, and what stands between them (TOML 1.0)."""
    import re

    strings = r"""\"{3}(?:\\.|[^\\])*?\"{3}(?!")|'{3}.*?'{3}(?!')|"(?:\\.|[^"\\\n])*"|'[^'\n]*'"""
    for found in re.finditer(strings + r"""|#[^\n]*|[\n\[\]{}=]|[^\n\[\]{}=#"']+""", text, re.DOTALL):
        yield found[0]


def _keys_of(text: str) -> Keys:
    """The parts of a dotted TOML key, quoted ones included; none of what is no key."""
    if '"' not in text and "'" not in text:
        return tuple(part.strip() for part in text.split("."))
    import tomllib

    try:
        value: object = tomllib.loads(f"{text} = 0")
    except ValueError:
        return ()
    keys: list[str] = []
    while isinstance(value, dict):
        (key, value), *_ = value.items()
        keys.append(key)
    return tuple(keys)
