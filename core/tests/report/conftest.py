"""One small run with every outcome and hostile text, told as events: what each reporter is tried with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from kern.events import (
    BLOCKED,
    ERROR,
    FAILED,
    IGNORED,
    INTERRUPTED,
    PASSED,
    SKIPPED,
    TIMED_OUT,
    CommandResult,
    CommandStarted,
    Event,
    Notice,
    Output,
    RowFinished,
    RowResult,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "</pre><script>alert(1)</script> ]]> & \"q\" 'a' \x1b[2J\x00\x07\x7f\r\n::error::x ##[error]y | `c` \udcff \ud800 \u202e é"
NOISE = b"\x1b[31mred\x1b[0m \x00\x01\x0b\xff\xfe ]]> <b>&amp;</b>\r\n::set-env name=X::y\n```\n| pipe\nno newline \xc3"


class Story(NamedTuple):
    """A run: the events between its beginning and its end, and the two."""

    started: RunStarted
    middle: tuple[Event, ...]
    finished: RunFinished

    @property
    def events(self) -> tuple[Event, ...]:
        return (self.started, *self.middle, self.finished)


def ran(*argv: str, exit_code: int = 0, survivors: int = 0) -> tuple[CommandResult, ...]:
    return (CommandResult("commands", argv, exit_code, 1.0, survivors=survivors),)


def rows(folder: Path) -> tuple[RowResult, ...]:
    noise = folder / "py313.log"
    noise.write_bytes(NOISE)
    quiet = folder / "py312.log"
    quiet.write_bytes(b"4 passed\n")
    artifact = (("kind", "wheel"), ("path", "/p/x.whl"), ("digest", "ab"), ("version", "1.0"))
    return (
        RowResult(
            "(wheel) py312",
            "py312",
            "wheel",
            PASSED,
            seconds=1.24,
            commands=ran("pytest", "a b"),
            made=("built wheel", "made environment"),
            log=str(quiet),
            artifact=artifact,
            interpreter="/usr/bin/python3.12",
            installed=(("pytest", "9.0"),),
        ),
        RowResult(
            "py313",
            "py313",
            "wheel",
            FAILED,
            HOSTILE,
            HOSTILE,
            62.0,
            ran("pytest", HOSTILE, exit_code=1, survivors=2),
            log=str(noise),
        ),
        RowResult("slow", "slow", "", TIMED_OUT, "over its 60 s", seconds=60.0, log=str(folder / "gone.log")),
        RowResult("py38", "py38", "", ERROR, "pip exited with 1", "check deps", 0.9, log="/l/py38.log"),
        RowResult("win", "win", "", SKIPPED, "only for win32"),
        RowResult("docs", "docs", "", BLOCKED, "py38 was not made"),
        RowResult("nightly", "nightly", "", IGNORED, "pytest exited with 1", seconds=3.0),
        RowResult("late", "late", "", INTERRUPTED, "interrupted"),
    )


@pytest.fixture
def story(tmp_path: Path) -> Story:
    logs = tmp_path / "logs"
    logs.mkdir()
    results = rows(logs)
    failed = StepFinished(
        "env:py38", "make", "making py38", ERROR, 0.9, "pip exited with 1", "check deps", "/l/py38.log", HOSTILE
    )
    middle: tuple[Event, ...] = (
        StepStarted("build:wheel", "build", "building wheel", "the source changed"),
        StepFinished("build:wheel", "build", "building wheel", PASSED, 0.4),
        StepStarted("env:py38", "make", "making py38", "new"),
        failed,
        Notice("warning", f"careful {HOSTILE}"),
        Notice("info", "assuming pytest"),
        CommandStarted("py313", "commands", ("pytest", HOSTILE)),
        Output("py313", NOISE),
        *map(RowFinished, results),
    )
    started = RunStarted(tuple(result.row for result in results), 2, False, "/p", "/p/.kern/log", False)
    return Story(started, middle, RunFinished(results, 1, 64.2))
