"""How lines of the console look: the line of a row, the table at the end, the frame of an output. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.events import PASSED
from kern.report.text import WORDS, Line, Span, account, amount, elapsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.events import RowResult, StepFinished
    from kern.report.logs import Log

TABLE_LIMIT = 30
"""A longer table leaves out what passed."""

_ROW_WIDTH = 40
_WORD_WIDTH = max(len(word) for word, _ in WORDS.values())
_RULE_WIDTH = 72


def width_of(rows: Sequence[str]) -> int:
    """How wide the column of row names is; one long name does not push everything to the right."""
    return min(max(map(len, rows), default=0), _ROW_WIDTH)


def ended(result: RowResult, width: int) -> Line:
    """The line of a row that has just ended."""
    word, color = WORDS.get(result.outcome, (result.outcome, ""))
    return (
        (f"{word:{_WORD_WIDTH}}", color),
        (f"  {result.row:{width}}  ", ""),
        (f"{elapsed(result.seconds):>6}", "2"),
        _account(result),
    )


def table(results: Sequence[RowResult], *, whole: bool) -> list[Line]:
    """The table at the end: all rows, or of many rows those that did not pass and how many did."""
    many = len(results) > TABLE_LIMIT and not whole
    shown = [result for result in results if not many or result.outcome != PASSED]
    width = width_of([result.row for result in shown])
    outcome = max((len(result.outcome) for result in shown), default=0)
    lines = [_table_line(result, width, outcome) for result in shown]
    hidden = len(results) - len(shown)
    return [*lines, ((f"{hidden} passed and are not listed", "2"),)] if hidden else lines


def _table_line(result: RowResult, width: int, outcome: int) -> Line:
    _, color = WORDS.get(result.outcome, ("", ""))
    return (
        (f"{result.row:{width}}  ", ""),
        (f"{result.outcome:{outcome}}", color),
        (f"  {elapsed(result.seconds):>6}", "2"),
        _account(result),
    )


def _account(result: RowResult) -> Span:
    text = account(result)
    return (f"  {text}" if text else "", "")


def hint(text: str) -> Line:
    """A line that says how to mend what the line above says."""
    return (("  hint: ", "2"), (text, ""))


def failed_step(event: StepFinished) -> Line:
    """The line of a step that failed."""
    return (("error: ", "31"), (": ".join(filter(None, (event.title, event.reason))), "1"))


def evidence(event: StepFinished) -> list[Line]:
    """Where the whole log of a failed step is, and how to mend it."""
    lines: list[Line] = [(("  log: ", "2"), (event.log, ""))] if event.log else []
    return [*lines, hint(event.hint)] if event.hint else lines


def head(row: str, log: Log, path: str) -> list[Line]:
    """The lines before the output of a row; they say so where it is not the whole output."""
    lines: list[Line] = [((_rule(f"output of {row}"), "2"),)]
    if log.start:
        size = f"the last {amount(log.size - log.start)} of {amount(log.size)}"
        lines.append(((f"({size}; all of it is in {path})", "2"),))
    return lines


def foot(row: str) -> list[Line]:
    """The line after the output of a row."""
    return [((_rule(f"end of {row}"), "2"),)]


def _rule(title: str) -> str:
    return f"--- {title} ".ljust(_RULE_WIDTH, "-")
