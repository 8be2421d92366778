"""The live board: on a pseudo terminal, as a person would see it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from kern.events import (
    FAILED,
    PASSED,
    CommandStarted,
    Event,
    RowFinished,
    RowResult,
    RunStarted,
    StepFinished,
    StepStarted,
)
from kern.report import console
from kern.report.board import LINES, Board, Progress
from kern.report.plain import Console

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class Terminal:
    """A pseudo terminal whose other side is read all the time."""

    def __init__(self) -> None:
        self._reader, self.descriptor = os.openpty()
        self._data = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._reader, 65536)
            except OSError:
                return
            if not data:
                return
            self._data += data

    def close(self) -> bytes:
        os.close(self.descriptor)
        self._thread.join()
        os.close(self._reader)
        return self._data


@pytest.fixture(autouse=True)
def _terminal_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def seen(events: Iterable[Event], *, color: bool = True, close: bool = True) -> bytes:
    terminal = Terminal()
    reporter = console(terminal.descriptor, terminal.descriptor, color=color, terminal=True, verbosity=0, ci="")
    assert isinstance(reporter, Board)
    for event in events:
        reporter(event)
    if close:
        reporter.close()
    return terminal.close()


def test_the_board_and_what_stays_above_it(story: Any) -> None:
    data = seen(story.events, color=False)
    assert b"0 of 8 done" in data
    assert b"making py38" in data
    assert b"7 of 8 done, 5 failed" in data or b"7 of 8 done, 4 failed" in data
    for line in (b"ok       (wheel) py312", b"FAIL     py313", b"warning: careful"):
        assert data.count(line) == 1, line
    assert data.endswith(b"kern run py313 slow py38 docs late\r\n")


def test_the_cursor_comes_back_and_nothing_of_the_board_stays(story: Any) -> None:
    for events in (story.events, story.events[:6]):
        data = seen(events)
        assert data.count(b"\x1b[?25l") == data.count(b"\x1b[?25h") > 0
        assert b"\x1b[?25l" not in data[data.rindex(b"\x1b[?25h") :]
        assert b"done" not in data[data.rindex(b"\x1b[?25h") :]


def test_no_colour_means_no_colour(story: Any) -> None:
    middle = [event for event in story.middle if not isinstance(event, RowFinished)]
    data = seen([story.started, *middle], color=False)
    assert b"m" not in b"".join(part[:3] for part in data.split(b"\x1b[")[1:] if part[:1].isdigit())
    assert b"\x1b[2m" in seen([story.started, *middle], color=True)


def test_one_row_shows_no_board() -> None:
    started = RunStarted(("py312",), 1, True, "/p", "/l", True)
    row = RowResult("py312", "py312", "", PASSED)
    data = seen([started, StepStarted("e", "make", "making py312", "new"), RowFinished(row)])
    assert b"\x1b[?25l" not in data
    assert b"py312 | " in data


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    assert isinstance(console(1, 2, color=True, terminal=True, verbosity=0, ci=""), Console)


def test_quiet_and_ci_get_plain_lines() -> None:
    assert isinstance(console(1, 2, color=True, terminal=True, verbosity=-1, ci=""), Console)
    assert isinstance(console(1, 2, color=True, terminal=True, verbosity=0, ci="github"), Console)


def test_a_terminal_that_hangs_up(story: Any) -> None:
    reader, writer = os.openpty()
    os.close(reader)
    reporter = console(writer, writer, color=True, terminal=True, verbosity=0, ci="")
    for event in story.events:
        reporter(event)
    reporter.close()
    os.close(writer)
    assert reporter.broken


def test_progress_follows_steps_and_commands() -> None:
    progress = Progress()
    progress.follow(RunStarted(("a", "b"), 2, False, "/p", "/l", False))
    progress.follow(StepStarted("env:a", "make", "making a", "new"))
    progress.follow(StepStarted("run:b", "run", "b", ""))
    progress.follow(CommandStarted("b", "commands", ("echo", "\x1b[2J")))
    now = progress.since + 3
    assert [line[8:] for line in progress.lines(now)[:2]] == ["making a", "b $ echo '\\x1b[2J'"]
    progress.follow(StepFinished("env:a", "make", "making a", PASSED, 1.0))
    progress.follow(RowFinished(RowResult("b", "b", "", FAILED)))
    assert progress.lines(now) == ["1 of 2 done, 1 failed, 3.0s"]


def test_a_long_board_is_cut() -> None:
    progress = Progress()
    for number in range(20):
        progress.follow(StepStarted(f"env:{number}", "make", f"making {number}", "new"))
    lines = progress.lines(progress.since)
    assert len(lines) == LINES + 2
    assert lines[LINES] == "  and 12 more"
