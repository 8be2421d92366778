"""Reporters: what happens in a run, told on a screen or in a file.

A reporter takes events (`kern.events`) and writes; it decides nothing. This module is cheap to import, and each reporter is
imported only when it is used. Reporters never raise while a run goes on: a screen that goes away makes them quiet, and a
report file that can't be written is said at the end, in `Reporter.close`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kern.errors import KernError
    from kern.events import Event
    from kern.report.sink import Stream

__all__ = ["Reporter", "Screen", "Together", "console", "file_reporter"]


class Reporter(Protocol):
    """Takes the events of one run, in order and one at a time."""

    def __call__(self, event: Event) -> None:
        """Take one event; never raises."""

    def close(self) -> None:
        """Finish, also after an interrupted run; called once.

        Raises:
            KernError: a report could not be written.
        """


class Screen(Reporter, Protocol):
    """A reporter for a person who is looking."""

    @property
    def broken(self) -> bool:
        """Whether standard output went away (a closed pipe, a full disk); it is quiet since then."""


def console(
    out: Stream,
    err: Stream,
    *,
    color: bool,
    terminal: bool,
    verbosity: int,
    ci: str,
    encoding: str = "utf-8",
    stopping: Callable[[], bool] = lambda: False,
) -> Screen:
    """The reporter for the screen: a live board on a terminal with several rows, plain lines otherwise.

    Args:
        out: descriptor or binary stream of standard output; ``None`` where the process has none.
        err: the same of standard error; only warnings go there.
        color: whether kern's own lines are coloured.
        terminal: whether ``out`` is a terminal.
        verbosity: -1 for failures and the last line only, 0, 1 and more for the output of passed rows too.
        ci: ``github`` for GitHub Actions; everything else changes nothing.
        encoding: of ``out``; what it can't hold is escaped.
        stopping: whether the run is to end; who reads nothing is not waited for then.
    """
    from kern.report.plain import Console, Look
    from kern.report.sink import Sink

    look = Look(color=color, verbosity=verbosity, encoding=encoding, github=ci == "github")
    moving = terminal and not ci and verbosity >= 0 and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}
    if not moving:
        return Console(Sink(out, stopping), Sink(err, stopping), look)
    from kern.report.board import Board

    return Board(Sink(out), Sink(err), look)


def file_reporter(path: str) -> Reporter:
    """The reporter for a file, by the ending of its name: ``json jsonl xml md html``.

    Parent directories are made. ``jsonl`` is written as the run goes, the others at its end and atomically, so that a
    reader sees the report of a whole run or none. After an interruption they hold the rows that ended.

    Args:
        path: of the file, absolute or relative to the working directory.

    Raises:
        UsageError: the ending is unknown, or the file can't be written there.
    """
    from kern.report.files import open_report

    return open_report(path)


class Together:
    """Several reporters as one, called by any thread.

    Args:
        reporters: each gets every event.
    """

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        """Keep them; the lock may be taken again by a signal handler that reports."""
        from threading import RLock

        self._reporters = tuple(reporters)
        self._lock = RLock()
        self.failures: list[KernError] = []
        """Why reports could not be written; there after `close`."""

    def __call__(self, event: Event) -> None:
        """Pass an event on; no other event comes between."""
        with self._lock:
            for reporter in self._reporters:
                reporter(event)

    def close(self) -> None:
        """Close all of them; what fails is kept in ``failures`` and keeps no other from being closed."""
        from kern.errors import KernError

        with self._lock:
            for reporter in self._reporters:
                try:
                    reporter.close()
                except KernError as error:
                    self.failures.append(error)
