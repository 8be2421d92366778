"""Lines on a terminal, in a pipe or in a CI log: what is not a live board.

Everything is written at once, unbuffered and without any library: a trivial row costs a fraction of a millisecond. Lines of
kern's own hold no control bytes; bytes of a row's commands go through as they came and are never mixed with anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.events import (
    ERROR,
    FAILED,
    GOOD,
    IGNORED,
    PASSED,
    TIMED_OUT,
    CommandStarted,
    Notice,
    Output,
    RowFinished,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from kern.named_tuples import NamedTuple
from kern.report import layout
from kern.report.github import Fold
from kern.report.text import Line, command_line, painted, survivors, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kern.events import Event, RowResult
    from kern.report.logs import Log
    from kern.report.sink import Writer

LOG_LIMIT = 200 * 1024
_TAIL_LINES = 40
_TELLING = frozenset((FAILED, TIMED_OUT, ERROR))


class Look(NamedTuple):
    """How the console writes.

    Attributes:
        color: whether lines of kern's own are coloured.
        verbosity: -1 for failures and the last line, 0, 1 for the output of passed rows too.
        encoding: of the stream; what it can't hold is escaped.
        github: whether the log is read by GitHub's runner.
    """

    color: bool = False
    verbosity: int = 0
    encoding: str = "utf-8"
    github: bool = False


class Console:
    """The plain reporter; called by one thread at a time.

    Args:
        out: where the report goes.
        err: where warnings go.
        look: how to write.
    """

    def __init__(self, out: Writer, err: Writer, look: Look) -> None:
        """Know where to write and how; nothing is written yet."""
        self._out = out
        self._err = err
        self._look = look
        self._fold = Fold(enabled=look.github)
        self._stream = False
        self._rows: tuple[str, ...] = ()
        self._width = 0
        self._at_line_start = True
        self._after_output = False
        self._told: set[str] = set()
        """Logs and hints that the user has seen with a failed step; the rows it fails do not repeat them."""

    @property
    def broken(self) -> bool:
        """Whether standard output went away; the run goes on without it."""
        return self._out.broken

    def __call__(self, event: Event) -> None:
        """Write what an event has to say."""
        match event:
            case Output():
                self._output(event)
            case CommandStarted():
                self._command_started(event)
            case StepStarted():
                self._step_started(event)
            case StepFinished():
                self._step_finished(event)
            case RowFinished():
                self._row_finished(event.result)
            case _:
                self._run_event(event)

    def close(self) -> None:
        """End a line and a fold that an interrupted run left open."""
        self._write(self._fold.leave())

    def _run_event(self, event: RunStarted | Notice | RunFinished) -> None:
        match event:
            case RunStarted():
                self._run_started(event)
            case Notice():
                self._notice(event)
            case RunFinished():
                self._run_finished(event)

    def _run_started(self, event: RunStarted) -> None:
        self._stream = event.stream and self._look.verbosity >= 0
        self._rows = event.rows
        self._width = layout.width_of(event.rows)

    def _step_started(self, event: StepStarted) -> None:
        shown = self._look.verbosity > 0 or self._stream
        if not shown or event.kind == "run":
            return
        line = f"{event.title}: {event.reason}" if event.reason else event.title
        self._say([((f"{self._rows[0]} | " if len(self._rows) == 1 else "", "2"), (line, "2"))])

    def _command_started(self, event: CommandStarted) -> None:
        if not self._stream:
            return
        if self._fold.title != event.row:
            self._write([*self._fold.leave(), *self._fold.enter(event.row)])
        self._say([((f"{event.row} $ ", "2"), (command_line(event.argv), "1"))])

    def _output(self, event: Output) -> None:
        if self._stream and event.data:
            self._raw(event.data)

    def _step_finished(self, event: StepFinished) -> None:
        if event.kind == "run" or event.outcome not in _TELLING:
            return
        self._told.update((event.log, event.hint))
        self._write(self._fold.leave())
        self._say([layout.failed_step(event)])
        if event.tail:
            self._say_tail(event)
        self._say(layout.evidence(event))

    def _say_tail(self, event: StepFinished) -> None:
        from kern.report.logs import without_colours

        lines = without_colours(event.tail).rstrip().split("\n")[-_TAIL_LINES:]
        self._write(self._fold.enter(f"{event.title}: end of the log"))
        self._say([(("  | ", "2"), (line.rstrip("\r"), "")) for line in lines])
        self._write(self._fold.leave())

    def _row_finished(self, result: RowResult) -> None:
        self._write(self._fold.leave())
        quiet = self._look.verbosity < 0
        bad = result.outcome not in GOOD
        if (bad or not quiet) and (not self._stream or len(self._rows) > 1):
            self._say([layout.ended(result, self._width), *self._hint(result)])
        if not self._stream and self._wants_output(result):
            self._block(result)
        if bad:
            self._write(self._fold.annotate(result))
        if not quiet:
            self._warn_of_survivors(result)

    def _hint(self, result: RowResult) -> list[Line]:
        return [layout.hint(result.hint)] if result.hint and result.hint not in self._told else []

    def _warn_of_survivors(self, result: RowResult) -> None:
        count = survivors(result)
        if count:
            left = "process was" if count == 1 else "processes were"
            self._warn(f"{result.row}: {count} {left} still running when its commands had ended, and killed")

    def _wants_output(self, result: RowResult) -> bool:
        if not result.log or result.log in self._told:
            return False
        return result.outcome in _TELLING or (self._look.verbosity > 0 and result.outcome in {PASSED, IGNORED})

    def _block(self, result: RowResult) -> None:
        from kern.report.logs import Log

        try:
            with Log(result.log, None if self._look.verbosity > 0 else LOG_LIMIT) as log:
                self._copy(log, result)
        except FileNotFoundError:  # it came to nothing before anything was written
            return
        except OSError as error:
            self._say([((f"  its log can't be read: {result.log}: {error.strerror}", "33"),)])

    def _copy(self, log: Log, result: RowResult) -> None:
        if not log.size:
            self._say([(("  it printed nothing", "2"),)])
            return
        self._write(self._fold.enter(f"output of {result.row}"))
        self._say(layout.head(result.row, log, result.log))
        for chunk in log.chunks():
            self._raw(chunk)
        self._say(layout.foot(result.row))
        self._write(self._fold.leave())

    def _notice(self, event: Notice) -> None:
        if self._look.verbosity < 0:
            return
        if event.level == "warning":
            self._warn(event.text)
        else:
            self._say([((event.text, ""),)])

    def _run_finished(self, event: RunFinished) -> None:
        self._write(self._fold.leave())
        good = not event.exit_code and all(result.outcome in GOOD for result in event.results)
        table: list[Line] = [] if self._look.verbosity < 0 else [(), *self._table(event.results)]
        self._say([*table, ((verdict(event), "32" if good else "31"),)])

    def _table(self, results: Sequence[RowResult]) -> list[Line]:
        lines = layout.table(results, whole=self._look.verbosity > 0)
        alone = len(results) == 1 and self._stream
        return [*lines, *self._hint(results[0])] if alone else lines

    def _warn(self, text: str) -> None:
        line = painted((("warning: ", "33"), (text, "")), color=self._look.color)
        self._out.write(self._settled())
        self._err.write(self._encoded([self._fold.guard(line)]))

    def _settled(self) -> bytes:
        """What begins a new line, in the terminal's own colour, after what a child printed."""
        end = b"" if self._at_line_start else b"\n"
        if self._after_output and self._look.color:
            end += b"\x1b[0m"
        self._at_line_start, self._after_output = True, False
        return end

    def _raw(self, data: bytes) -> None:
        self._out.write(data)
        self._at_line_start = data.endswith(b"\n")
        self._after_output = True

    def _say(self, lines: Iterable[Line]) -> None:
        self._write([self._fold.guard(painted(line, color=self._look.color)) for line in lines])

    def _write(self, lines: list[str]) -> None:
        if lines or not self._at_line_start:
            self._out.write(self._settled() + self._encoded(lines))

    def _encoded(self, lines: list[str]) -> bytes:
        return "".join(f"{line}\n" for line in lines).encode(self._look.encoding, "backslashreplace")
