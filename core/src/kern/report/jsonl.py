"""Events as they come, one JSON object a line: for programs that follow a run.

Each has ``type`` (``run_started``, ``step_started``, ``command_started``, ``output``, ``step_finished``, ``row_finished``,
``notice``, ``run_finished``), ``time`` in seconds since the epoch, the fields of the event, and ``lossy``.
"""

from __future__ import annotations

import codecs
import json
import os
import time
from typing import TYPE_CHECKING

from kern.events import Output, RowFinished, RunFinished
from kern.report.document import facts, text_of, utf8
from kern.report.sink import Sink, failure
from kern.report.text import totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.events import Event

_Decoder = codecs.getincrementaldecoder("utf-8")


class JsonLines:
    """Writes a line for each event at once, so that a reader may follow it and an interrupted run leaves what it did.

    Args:
        place: absolute path of the report.

    Raises:
        UsageError: it can't be opened.
    """

    def __init__(self, place: str) -> None:
        """Begin an empty file."""
        from kern.errors import UsageError

        try:
            self._descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UsageError(
                f"the report {place} can't be written: {error.strerror}",
                where="--report",
                hint="name a file that you may write to",
            ) from None
        self._place = place
        self._sink = Sink(self._descriptor)
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}

    def __call__(self, event: Event) -> None:
        """Write one line, or none where a chunk of output ends inside its first character."""
        now = time.time()
        lines = [_line(kind, now, fields) for kind, fields in self._records(event)]
        self._sink.write("".join(lines).encode("utf-8", "replace"))

    def close(self) -> None:
        """Close the file.

        Raises:
            KernError: something could not be written.
        """
        os.close(self._descriptor)
        if self._sink.error is not None:
            raise failure(self._place, self._sink.error)

    def _records(self, event: Event) -> Iterator[tuple[str, Mapping[str, object]]]:
        match event:
            case Output():
                yield from self._output(event.row, event.data, final=False)
            case RowFinished():
                yield from self._output(event.result.row, b"", final=True)
                yield "row_finished", facts(event.result)
            case RunFinished():
                yield "run_finished", _ending(event)
            case _:
                yield _snake_case(type(event).__name__), utf8(event._asdict())

    def _output(self, row: str, data: bytes, *, final: bool) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Whole characters only: a chunk may end inside of one."""
        decoder = self._decoders.pop(row, None) or _Decoder("surrogateescape")
        text = decoder.decode(data, final)
        if not final:
            self._decoders[row] = decoder
        if text:
            yield "output", {"row": row, **text_of(text.encode("utf-8", "surrogateescape"))}


def _ending(event: RunFinished) -> dict[str, object]:
    return {
        "exit_code": event.exit_code,
        "seconds": round(event.seconds, 3),
        "totals": totals(event.results),
        "lossy": False,
    }


def _line(kind: str, now: float, fields: Mapping[str, object]) -> str:
    return json.dumps({"type": kind, "time": round(now, 3), **fields}, ensure_ascii=False) + "\n"


def _snake_case(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).removeprefix("_")
