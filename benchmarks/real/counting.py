"""How many tests had which outcome, from what a test runner printed."""

from __future__ import annotations

import re
from typing import NamedTuple

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
PYTEST = re.compile(r"^=*\s*((?:\d+ [a-z]+(?: [a-z]+)?(?:, )?)+) in [\d.]+s.*$", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in [\d.]+s\s+(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?\s*$", re.MULTILINE)
SINGULAR = {"errors": "error", "failures": "failed", "expected failures": "xfailed", "unexpected successes": "xpassed"}
NOT_RESULTS = ("warning", "warnings", "deselected", "rerun", "reruns")


class Counts(NamedTuple):
    """Outcomes and how often each was seen, in alphabetical order, so that equal runs are equal values."""

    outcomes: tuple[tuple[str, int], ...] = ()

    def of(self, outcome: str) -> int:
        """How many tests had this outcome."""
        return dict(self.outcomes).get(outcome, 0)

    def __str__(self) -> str:
        """Passed and failed in short, errors with the failed; ``ran`` where passed is not known."""
        ran = f"{self.of('ran')} ran" if self.of("ran") else ""
        passed = str(self.of("passed")) if self.of("passed") or not ran else ""
        return f"{' + '.join(part for part in (passed, ran) if part)}/{self.of('failed') + self.of('error')}"


def count(text: str) -> Counts:
    """The outcomes in the last lines of all runs of pytest and unittest in this output, added up."""
    plain = ESCAPE.sub("", text).replace("\r\n", "\n")
    total: dict[str, int] = {}
    runs = [_pytest(match[1]) for match in PYTEST.finditer(plain)]
    runs += [_unittest(int(match[1]), match[2] or "") for match in UNITTEST.finditer(plain)]
    for run in runs:
        for outcome, number in run.items():
            total[outcome] = total.get(outcome, 0) + number
    return Counts(tuple(sorted((outcome, number) for outcome, number in total.items() if number)))


def _pytest(line: str) -> dict[str, int]:
    parts = (part.split(" ", 1) for part in line.split(", "))
    return {SINGULAR.get(word, word): int(number) for number, word in parts if word not in NOT_RESULTS}


def _unittest(ran: int, details: str) -> dict[str, int]:
    parts = (part.split("=") for part in details.split(", ") if part)
    # what it counts as skipped or failed may be parts of one test (subTest), so that passed is not ran without these
    return {"ran": ran, **{SINGULAR.get(word, word): int(number) for word, number in parts}}
