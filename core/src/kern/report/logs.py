"""Reading logs in pieces: memory stays flat however much a test prints.

Logs hold bytes as they came, already masked. The ends of a log that is being written meanwhile are those it had when
it was opened.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 64 * 1024
_LINE_LOOKUP = 4096


class Excerpt(NamedTuple):
    """The end of a log.

    Attributes:
        data: its last bytes, from the beginning of a line on where there is one.
        size: how many bytes the whole log has.
    """

    data: bytes
    size: int

    @property
    def truncated(self) -> bool:
        """Whether the log has more."""
        return len(self.data) < self.size


def tail(path: str, limit: int) -> Excerpt:
    """The last bytes of a log, at most ``limit``; empty where the log can't be read."""
    try:
        with Log(path, limit) as log:
            return Excerpt(b"".join(log.chunks()), log.size)
    except OSError:
        return Excerpt(b"", 0)


class Log:
    """An open log, from where its last ``limit`` bytes begin (``None``: all of it).

    Args:
        path: absolute path of the log.
        limit: how many bytes at most.

    Raises:
        OSError: the log can't be opened.
    """

    def __init__(self, path: str, limit: int | None) -> None:
        """Open it and find the place to begin."""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self.size = os.fstat(self._descriptor).st_size
            self.start = 0 if limit is None or self.size <= limit else self._line_start(self.size - limit)
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def _line_start(self, place: int) -> int:
        """The first beginning of a line near a place, else of a character: no half line, no half letter."""
        data = os.pread(self._descriptor, _LINE_LOOKUP, place - 1)
        newline = data.find(b"\n")
        if 0 <= newline < len(data) - 1:
            return place + newline
        inside = 0
        while inside < 3 and data[1 + inside : 2 + inside] and data[1 + inside] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8
            inside += 1
        return place + inside

    def chunks(self) -> Iterator[bytes]:
        """The bytes from ``start`` to the end that the log had when it was opened."""
        place = self.start
        while place < self.size:
            data = os.pread(self._descriptor, min(CHUNK, self.size - place), place)
            if not data:
                return
            place += len(data)
            yield data


def decode(data: bytes) -> tuple[str, bool]:
    """Text of bytes, and whether something in them was no UTF-8 and had to be replaced."""
    try:
        return data.decode(), False
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), True


def clean(text: str) -> str:
    """Text without lone surrogates, which no UTF-8 file can hold (they stand for bytes that were no UTF-8, PEP 383)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def without_colours(text: str) -> str:
    """Text without terminal sequences (CSI and OSC of ECMA-48), for pages that are no terminal."""
    if "\x1b" not in text:
        return text
    import re

    return re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))", "", text)
