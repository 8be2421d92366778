"""Report files: which ending is which format, and how a file comes to be.

A page is made once the run has ended, piece by piece into a new file beside its place that then takes its name: a reader
finds a whole report or the one before, never half a one, and memory does not grow with the logs.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from kern.errors import UsageError
from kern.events import RowFinished, RowResult, RunFinished, RunStarted
from kern.report.sink import failure
from kern.report.whole import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kern.events import Event
    from kern.report import Reporter

ENDINGS = ("json", "jsonl", "xml", "md", "html")
_MODE = 0o644
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def open_report(path: str) -> Reporter:
    """The reporter for a path, by its ending.

    Raises:
        UsageError: the ending is unknown, or the file can't be written there.
    """
    ending = os.path.splitext(path)[1].lower().removeprefix(".")
    if ending not in ENDINGS:
        known = " ".join(f".{name}" for name in ENDINGS)
        raise UsageError(
            f"no report format goes with the name {path!r}", where="--report", hint=f"end it in one of {known}"
        )
    place = _checked(path)
    if ending == "jsonl":
        from kern.report.jsonl import JsonLines

        return JsonLines(place)
    return Page(place, _format(ending))


def _format(ending: str) -> Callable[[Run], Iterator[str]]:
    match ending:
        case "json":
            from kern.report.json_page import pieces
        case "xml":
            from kern.report.junit import pieces
        case "md":
            from kern.report.markdown import pieces
        case _:
            from kern.report.web import pieces
    return pieces


def _checked(path: str) -> str:
    """The real path of a report that could be written now; its parent directories are made."""
    place = os.path.abspath(path)
    if not _is_special(place):
        place = os.path.realpath(path)
    folder = os.path.dirname(place)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, f"{folder}: {error.strerror}") from None
    if os.path.isdir(place):
        raise _unwritable(path, "it is a directory")
    if not os.access(place if _is_special(place) else folder, os.W_OK):
        raise _unwritable(path, f"{folder} is not writable")
    return place


def _unwritable(path: str, why: str) -> UsageError:
    return UsageError(
        f"the report {path} can't be written: {why}",
        where="--report",
        hint="name a file in a directory that you may write to",
    )


def _is_special(place: str) -> bool:
    """Whether it is a pipe, a terminal or another device, which nothing may replace."""
    try:
        return not stat.S_ISREG(os.stat(place).st_mode)
    except OSError:
        return False


class Page:
    """Keeps the results and writes the whole report at the end.

    Args:
        place: absolute path of the report.
        pieces: the format.
    """

    def __init__(self, place: str, pieces: Callable[[Run], Iterator[str]]) -> None:
        """Nothing is written before the run has ended."""
        self._place = place
        self._pieces = pieces
        self._started: RunStarted | None = None
        self._results: list[RowResult] = []
        self._at = 0.0
        self._written = False
        self._error: OSError | None = None

    def __call__(self, event: Event) -> None:
        """Keep what ends up in the report; write it when the run has ended."""
        match event:
            case RunStarted():
                self._started, self._at = event, time.time()
            case RowFinished():
                self._results.append(event.result)
            case RunFinished():
                self._write(event, complete=True)
            case _:
                pass

    def close(self) -> None:
        """Write what there is of a run that was cut off.

        Raises:
            KernError: the report could not be written.
        """
        if not self._written:
            partial = RunFinished(tuple(self._results), 130, max(time.time() - self._at, 0.0))
            self._write(partial, complete=False)
        if self._error is not None:
            raise failure(self._place, self._error)

    def _write(self, finished: RunFinished, *, complete: bool) -> None:
        if self._started is None:
            return
        self._written = True
        try:
            publish(self._place, self._pieces(Run(self._started, finished, self._at, complete)))
        except OSError as error:
            self._error = error


def publish(place: str, pieces: Iterable[str]) -> None:
    """Write pieces of text to a place, atomically where it is an ordinary file.

    Raises:
        OSError: it can't be written; a file that was there before is untouched.
    """
    if _is_special(place):
        _fill(os.open(place, os.O_WRONLY | os.O_CLOEXEC), pieces)
        return
    beside = os.path.join(os.path.dirname(place), f".kern-{os.getpid()}-{os.urandom(6).hex()}.tmp")
    try:
        _fill(os.open(beside, _NEW, _MODE), pieces)
        os.replace(beside, place)
    except BaseException:
        _forget(beside)
        raise


def _fill(descriptor: int, pieces: Iterable[str]) -> None:
    with open(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
        file.writelines(pieces)


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
