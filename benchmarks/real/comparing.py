"""Two runs of kern and one by hand, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from by_hand import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from counting import Counts
    from with_kern import Row

SAME = "the same"
DIFFERENT = "DIFFERENT"
NO_MEASURE = "no measure"
"""There is nothing to compare with: it can't be had, or does not pass by hand either."""
NO_TESTS = "a step, no tests"


class Line(NamedTuple):
    """One line of the table; ``remark`` is told below it."""

    project: str
    version: str
    environment: str = ""
    package: str = ""
    kern: str = ""
    hand: str = ""
    verdict: str = NO_MEASURE
    remark: str = ""


def compare(row: Row, again: Row, hand: Outcome | str) -> dict[str, str]:
    """The fields of a line that belong to a row.

    Args:
        row: the first run of kern.
        again: the second run of kern.
        hand: how it went by hand, or why it was not tried; `NO_TESTS` where there is nothing to try.
    """
    own = list(_own(row, again))
    if isinstance(hand, Outcome):
        against = list(_against(row, hand))
        comparable = hand.passed
        said = {"kern": _words(row.outcome == "passed", row.counts), "hand": _words(hand.passed, hand.counts)}
    else:
        against = [] if row.outcome == "passed" else [f"{row.outcome}: {row.reason}"]
        comparable = hand == NO_TESTS or row.outcome != "skipped"
        said = {"kern": row.outcome, "hand": hand}
    said["verdict"] = DIFFERENT if own or (against and comparable) else SAME if comparable else NO_MEASURE
    return {"environment": row.environment, "package": row.package, "remark": "; ".join([*against, *own]), **said}


def _words(passed: bool, counts: Counts) -> str:
    return str(counts) if passed else f"{counts} failed"


def _against(row: Row, hand: Outcome) -> Iterator[str]:
    """What is not the same with kern as by hand."""
    if not hand.passed:
        yield f"does not pass by hand, see {hand.log}"
    elif row.outcome != "passed":
        yield f"passes by hand, with kern: {row.outcome}, {row.reason}"
    if not hand.counts.outcomes:
        yield "no tests were counted by hand"
    if row.counts != hand.counts:
        yield f"{dict(row.counts.outcomes)} with kern, {dict(hand.counts.outcomes)} by hand"
    if row.python != hand.python:
        yield f"Python {row.python} with kern, Python {hand.python} by hand"


def _own(row: Row, again: Row) -> Iterator[str]:
    """What is not as it should be between two runs of kern."""
    if (again.outcome, again.counts) != (row.outcome, row.counts):
        yield f"the second run of kern: {again.outcome}, {dict(again.counts.outcomes)} {again.reason}"
    if again.made:
        yield f"the second run of kern made: {', '.join(again.made)}"
