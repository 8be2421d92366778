"""JUnit XML, the dialect that CI systems read: one suite for the run, one case for each row.

There is no one standard; this is the common core of the schemas of Jenkins and of the Maven Surefire plugin. Text follows XML 1.0:
what it can't hold (most control characters, lone surrogates) is replaced.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kern.events import BLOCKED, ERROR, FAILED, IGNORED, INTERRUPTED, SKIPPED, TIMED_OUT
from kern.report import logs
from kern.report.document import OUTPUT_LIMIT, timestamp
from kern.report.text import command_line, totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.events import RowResult
    from kern.report.whole import Run

_ELEMENTS = {
    FAILED: "failure",
    TIMED_OUT: "failure",
    ERROR: "error",
    BLOCKED: "error",
    INTERRUPTED: "error",
    SKIPPED: "skipped",
    IGNORED: "skipped",
}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def pieces(run: Run) -> Iterator[str]:
    """The XML, a row at a time."""
    counts = _counts(run)
    yield f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="kern" {counts}>\n'
    yield f'<testsuite name="kern" {counts} timestamp="{timestamp(run.at).removesuffix("Z")}">\n'
    for result in run.finished.results:
        yield from _case(result)
    if not run.complete:
        yield '<testcase name="kern" classname="kern" time="0"><error type="interrupted" message="the run did not end"/></testcase>\n'
    yield "</testsuite>\n</testsuites>\n"


def _counts(run: Run) -> str:
    sums = {"failure": 0, "error": 0, "skipped": 0}
    for outcome, count in totals(run.finished.results).items():
        if outcome in _ELEMENTS:
            sums[_ELEMENTS[outcome]] += count
    unfinished = 0 if run.complete else 1
    tests = len(run.finished.results) + unfinished
    return (
        f'tests="{tests}" failures="{sums["failure"]}" errors="{sums["error"] + unfinished}" '
        f'skipped="{sums["skipped"]}" time="{run.finished.seconds:.3f}"'
    )


def _case(result: RowResult) -> Iterator[str]:
    name, group = attribute(result.row), attribute(f"kern.{result.environment}")
    yield f'<testcase name="{name}" classname="{group}" time="{result.seconds:.3f}">\n'
    yield from _properties(result)
    element = _ELEMENTS.get(result.outcome)
    if element:
        yield _element(element, result)
    if result.log:
        yield from _system_out(result.log)
    yield "</testcase>\n"


def _properties(result: RowResult) -> Iterator[str]:
    facts = {
        "interpreter": result.interpreter,
        "made": ", ".join(result.made),
        "existing": result.existing,
        "drift": "; ".join(result.drift),
        **{f"artifact.{name}": value for name, value in result.artifact},
        "log": result.log,
    }
    lines = [
        f'<property name="{attribute(name)}" value="{attribute(value)}"/>' for name, value in facts.items() if value
    ]
    if lines:
        yield f"<properties>{''.join(lines)}</properties>\n"


def _element(element: str, result: RowResult) -> str:
    message, kind = attribute(result.reason or result.outcome), attribute(result.outcome)
    commands = [
        f"{command_line(command.argv)}: exit code {command.exit_code}"
        for command in result.commands
        if command.exit_code
    ]
    text = "\n".join(filter(None, (result.reason, *commands, result.hint and f"hint: {result.hint}")))
    return f'<{element} type="{kind}" message="{message}">{escape(text)}</{element}>\n'


def _system_out(log: str) -> Iterator[str]:
    excerpt = logs.tail(log, OUTPUT_LIMIT)
    text, _ = logs.decode(excerpt.data)
    cut = (
        f"(the last {len(excerpt.data)} of {excerpt.size} bytes; all of it is in {log})\n" if excerpt.truncated else ""
    )
    yield f"<system-out>{escape(cut + logs.without_colours(text))}</system-out>\n"


def escape(text: str) -> str:
    """Text for an element (XML 1.0, sections 2.2, 2.4 and 2.11)."""
    text = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")


def attribute(text: str) -> str:
    """Text for an attribute in double quotes, where a parser would turn bare newlines into spaces (section 3.3.3)."""
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
