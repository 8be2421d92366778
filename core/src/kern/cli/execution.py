"""Execute a plan for somebody at a screen: reporters, signals, exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from kern.cli.opening import posargs, print_json
from kern.cli.streams import OUTPUT_LOST_CODE, write
from kern.errors import KernError
from kern.events import SKIPPED, Event, Notice, RowResult, RunFinished, RunStarted
from kern.report import Reporter, Screen, console, file_reporter
from kern.steps.choices import Choices
from kern.steps.engine import Engine
from kern.steps.row import exit_code
from kern.store import new_run_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from kern.cli.declarations import RunArguments
    from kern.plan.values import Plan
    from kern.session import Session

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOTHING_RAN = 3


def execute(session: Session, plan: Plan, arguments: RunArguments, jobs: int) -> int:
    """Run a plan and report.

    Returns:
        The exit code: of the rows, or 128 plus the number of the signal that ended the run.
    """
    begun = time.monotonic()
    files = tuple(file_reporter(path) for path in arguments.reports)
    color = use_color(session)
    received: list[int] = []
    screen = _screen(session, arguments, received, color=color)
    every = (screen, *files)

    def emit(event: Event) -> None:
        for reporter in every:
            reporter(event)
        session.hooks.event(event)

    session.warn = lambda text: emit(Notice("warning", text))
    logs = new_run_directory(session.work_dir)
    variables = {"FORCE_COLOR": "1"} if color and not session.foreground else {}
    choices = Choices(jobs, arguments.fail_fast, not arguments.no_test, posargs(arguments), logs.path, variables)
    engine = Engine(session, plan, choices, emit)
    stream = jobs == 1 or len(plan.rows) == 1
    labels = tuple(row.row.label for row in plan.rows)
    started = RunStarted(labels, jobs, stream, session.project.directory, logs.path, color)
    emit(started)
    for text in plan.notices:
        emit(Notice("info", text))
    gc.freeze()
    gc.enable()
    with Signals(engine.stop, received):
        results = engine.execute()
        code = _code(results, received, engine.late_rows())
        session.remember()
    finished = RunFinished(results, code, time.monotonic() - begun, _options(arguments))
    emit(finished)
    if arguments.json:
        from kern.report.document import document

        print_json(document(finished, started))
    return _close(screen, files, code)


def _options(arguments: RunArguments) -> tuple[str, ...]:
    """Which options decide what is run where, so that a run of the same rows needs them again."""
    valued = (
        ("--directory", arguments.directory),
        ("--config", arguments.config),
        ("--env-from", arguments.env_from),
        *(("--package", path) for path in arguments.packages),
    )
    flags = (("--strict-drift", arguments.strict_drift), ("--locked", arguments.locked))
    words = [word for option, value in valued if value for word in (option, value)]
    return (*words, *(flag for flag, given in flags if given))


def _screen(session: Session, arguments: RunArguments, received: list[int], *, color: bool) -> Screen:
    out = _descriptor(sys.stderr if arguments.json else sys.stdout)
    terminal = out is not None and os.isatty(out)
    return console(
        out,
        _descriptor(sys.stderr),
        color=color,
        terminal=terminal and not session.foreground,
        verbosity=-1 if arguments.quiet else arguments.verbose,
        ci="github" if session.environ.get("GITHUB_ACTIONS") == "true" else "",
        encoding=getattr(sys.stderr if arguments.json else sys.stdout, "encoding", None) or "utf-8",
        stopping=lambda: bool(received),
    )


def _descriptor(stream: object) -> int | None:
    try:
        return stream.fileno()  # type: ignore[attr-defined, no-any-return]
    except (AttributeError, OSError, ValueError):
        return None


def use_color(session: Session) -> bool:
    """Whether output is coloured: ``NO_COLOR`` and ``FORCE_COLOR`` decide, else whether there is a terminal."""
    if session.environ.get("NO_COLOR"):
        return False
    if session.environ.get("FORCE_COLOR"):
        return True
    out = _descriptor(sys.stdout)
    return out is not None and os.isatty(out) and session.environ.get("TERM", "") not in {"", "dumb"}


class Signals:
    """While it is entered, the first INT, TERM or HUP stops the run orderly and the second at once.

    Args:
        stop: takes the level of the stop and the word for it.
        received: takes the numbers of the signals.
    """

    def __init__(self, stop: Callable[[int, str], None], received: list[int] | None = None) -> None:
        self._stop = stop
        self.received: list[int] = [] if received is None else received
        self._before: dict[int, object] = {}

    def __enter__(self) -> list[int]:
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup, or a background job: it is to go on
                self._before[number] = signal.signal(number, self._handle)
        return self.received

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.received.append(number)
        self._stop(min(len(self.received), 2), "interrupted")

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


def _code(results: tuple[RowResult, ...], received: list[int], late: frozenset[str]) -> int:
    if received:
        return 128 + received[0]
    ran = [result for result in results if result.outcome != SKIPPED]
    if results and not ran:
        return NOTHING_RAN
    return exit_code(results, late)


def _close(screen: Screen, files: tuple[Reporter, ...], code: int) -> int:
    """Finish the reporters; a report that can't be written, or a screen that went away, is not silent success."""
    for reporter in (screen, *files):
        try:
            reporter.close()
        except KernError as error:
            write(sys.stderr, f"error: {error.message}\n")
            code = code or error.exit_code
    return code or (OUTPUT_LOST_CODE if screen.broken else 0)
