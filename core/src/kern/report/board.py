"""The live board: a few moving lines at the bottom of a terminal while rows run, and the plain console above them.

Everything that stays on the screen is written by the plain console; the board is taken away before each of its lines and put
back after. A run of one row, or one whose output is streamed, shows no board.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO, cast

from kern.events import GOOD, CommandStarted, RowFinished, RunFinished, RunStarted, StepFinished, StepStarted
from kern.named_tuples import NamedTuple
from kern.report.plain import Console
from kern.report.text import command_line, elapsed, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console as RichConsole
    from rich.live import Live
    from rich.text import Text

    from kern.events import Event
    from kern.report.plain import Look
    from kern.report.sink import Writer

LINES = 8
_REFRESH = 5


class Step(NamedTuple):
    """Something that is under way; ``since`` is of the monotonic clock."""

    title: str
    since: float


class Progress:
    """What the board shows, kept up to date by events. Read by the thread that draws."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.running: dict[str, Step] = {}
        self.rows = 0
        self.done = 0
        self.bad = 0
        self.since = 0.0

    def follow(self, event: Event) -> None:
        """Take in an event."""
        match event:
            case RunStarted():
                self.rows, self.since = len(event.rows), time.monotonic()
            case StepStarted() if event.kind != "run":
                self.running[event.key] = Step(event.title, time.monotonic())
            case StepFinished():
                self.running.pop(event.key, None)
            case CommandStarted():
                line = f"{event.row} $ {command_line(event.argv)}"
                self.running[_key(event.row)] = Step(line, time.monotonic())
            case RowFinished():
                self.running.pop(_key(event.result.row), None)
                self.done += 1
                self.bad += event.result.outcome not in GOOD
            case _:
                pass

    def lines(self, now: float) -> list[str]:
        """The lines of the board at a time of the monotonic clock."""
        steps = list(self.running.values())
        shown = [f"{elapsed(now - step.since):>6}  {visible(step.title)}" for step in steps[:LINES]]
        if len(steps) > LINES:
            shown.append(f"  and {len(steps) - LINES} more")
        failed = f", {self.bad} failed" if self.bad else ""
        return [*shown, f"{self.done} of {self.rows} done{failed}, {elapsed(now - self.since)}"]


def _key(row: str) -> str:
    """The command of a row among the steps, whose keys have no space."""
    return f"row {row}"


class _Above:
    """A writer that has the board taken away before anything is written."""

    def __init__(self, sink: Writer, away: Callable[[], None]) -> None:
        self._sink = sink
        self._away = away

    @property
    def broken(self) -> bool:
        return self._sink.broken

    def write(self, data: bytes) -> None:
        if data:
            self._away()
            self._sink.write(data)


class _TextFile:
    """The part of a text file that rich uses, in front of a sink: it never raises in rich's thread."""

    def __init__(self, sink: Writer, encoding: str) -> None:
        self._sink = sink
        self.encoding = encoding

    def write(self, text: str) -> int:
        self._sink.write(text.encode(self.encoding, "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return True


class Board:
    """The reporter for a terminal; called by one thread at a time.

    Args:
        out: the terminal.
        err: where warnings go.
        look: how to write.
    """

    def __init__(self, out: Writer, err: Writer, look: Look) -> None:
        """Nothing is drawn before a run of several rows begins."""
        self._sink = out
        self._look = look
        self._console = Console(_Above(out, self._take_away), _Above(err, self._take_away), look)
        self._progress = Progress()
        self._wanted = False
        self._live: Live | None = None
        self._rich: RichConsole | None = None

    @property
    def broken(self) -> bool:
        """Whether the terminal went away."""
        return self._sink.broken

    def __call__(self, event: Event) -> None:
        """Write what stays above the board, and draw the board anew."""
        self._progress.follow(event)
        if isinstance(event, RunFinished):
            self._end()
        self._console(event)
        if isinstance(event, RunStarted):
            self._wanted = len(event.rows) > 1 and not event.stream
        if self._wanted and self._live is None and not self._sink.broken:
            self._put_back()

    def close(self) -> None:
        """Take the board away and give the cursor back, also after an interruption."""
        self._end()
        self._console.close()

    def _end(self) -> None:
        self._wanted = False
        self._take_away()

    def _take_away(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _put_back(self) -> None:
        from rich.live import Live

        # A new one each time: a stopped one still believes that its old lines are on the screen.
        self._live = Live(
            console=self._terminal(),
            get_renderable=self._render,
            transient=True,
            refresh_per_second=_REFRESH,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def _terminal(self) -> RichConsole:
        if self._rich is None:
            from rich.console import Console as RichConsole

            self._rich = RichConsole(
                file=cast("TextIO", _TextFile(self._sink, self._look.encoding)),
                force_terminal=True,
                color_system="standard" if self._look.color else None,
                highlight=False,
                markup=False,
            )
        return self._rich

    def _render(self) -> Text:
        from rich.text import Text

        text = "\n".join(self._progress.lines(time.monotonic()))
        return Text(text, style="dim", no_wrap=True, overflow="ellipsis")
