"""Markdown (GitHub's flavour) for a step summary or a comment: a table, and the end of the output of what failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kern.events import GOOD, PASSED
from kern.report import logs
from kern.report.text import amount, counts, elapsed, full_account, rerun, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.events import RowResult
    from kern.report.whole import Run

_TAIL = 8 * 1024
_BUDGET = 800 * 1024
"""A step summary may have 1 MiB; beyond this, outputs are left out."""

_SPECIAL = re.compile(r"([\\`*_\[\]{}|~#@!])")


def pieces(run: Run) -> Iterator[str]:
    """The page, a row at a time."""
    stopped = "" if run.complete else " (the run did not end)"
    yield f"### kern: {counts(run.finished.results)} in {elapsed(run.finished.seconds)}{stopped}\n\n"
    yield "| row | outcome | time | notes |\n|---|---|--:|---|\n"
    for result in run.finished.results:
        yield _table_row(result)
    again = rerun(run.finished)
    if again:
        yield f"\nRun the failed again: `{again}`\n"
    yield from _outputs([result for result in run.finished.results if result.outcome not in GOOD and result.log])


def _table_row(result: RowResult) -> str:
    outcome = result.outcome if result.outcome == PASSED else f"**{result.outcome}**"
    return f"| {escape(result.row)} | {outcome} | {elapsed(result.seconds)} | {escape(_notes(result))} |\n"


def _notes(result: RowResult) -> str:
    return full_account(result) + (f" (hint: {result.hint})" if result.hint else "")


def _outputs(results: list[RowResult]) -> Iterator[str]:
    left = _BUDGET
    for index, result in enumerate(results):
        text = _details(result)
        left -= len(text.encode("utf-8", "replace"))
        if left < 0:
            yield f"\nThe outputs of {len(results) - index} more rows are left out.\n"
            return
        yield text


def _details(result: RowResult) -> str:
    excerpt = logs.tail(result.log, _TAIL)
    text = logs.without_colours(logs.decode(excerpt.data)[0])
    shown = "\n".join(visible(line.rstrip("\r")).replace("\\t", "\t") for line in text.split("\n"))
    size = f"the last {amount(len(excerpt.data))} of {amount(excerpt.size)}" if excerpt.truncated else "all of it"
    fence = _fence(shown)
    return (
        f"\n<details><summary>output of {escape(result.row)} ({size})</summary>\n\n"
        f"{fence}text\n{shown.rstrip()}\n{fence}\n\n</details>\n"
    )


def _fence(text: str) -> str:
    """A fence that is longer than any in the text (CommonMark 0.31, section 4.5)."""
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    return "`" * (longest + 1)


def escape(text: str) -> str:
    """Text inside a paragraph or a table cell that means nothing but itself (CommonMark, section 2.4)."""
    text = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)
