"""One HTML page that needs nothing else: no script, no request, readable in light and in dark."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from kern import __version__
from kern.events import GOOD, SKIPPED
from kern.report import logs
from kern.report.document import OUTPUT_LIMIT, timestamp
from kern.report.text import amount, command_line, counts, elapsed, full_account, rerun, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.events import CommandResult, RowResult
    from kern.report.whole import Run

_STYLE = """
:root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --other: #9a6700; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #ff7b72; --other: #d29922; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.time { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .other { color: var(--other); }
code, pre { font-family: ui-monospace, monospace; font-size: .85rem; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); border-radius: .3rem; max-height: 40rem; }
footer { margin-top: 3rem; opacity: .7; font-size: .85rem; }
"""


def pieces(run: Run) -> Iterator[str]:
    """The page, a row at a time."""
    yield from _top(run)
    yield "<table><thead><tr><th>row<th>outcome<th>time<th>notes</tr></thead><tbody>\n"
    for result in run.finished.results:
        yield _table_row(result)
    yield "</tbody></table>\n"
    again = rerun(run.finished)
    if again:
        yield f"<p>Run the failed again: <code>{escape(again)}</code></p>\n"
    for result in run.finished.results:
        yield from _section(result)
    yield f"<footer>kern {escape(__version__)}, {timestamp(run.at)}, {escape(run.started.project_dir)}</footer>\n"
    yield "</body></html>\n"


def _top(run: Run) -> Iterator[str]:
    stopped = "" if run.complete else " (the run did not end)"
    title = escape(f"{counts(run.finished.results)} in {elapsed(run.finished.seconds)}{stopped}")
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>kern: {title}</title>\n<style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n"


def _kind(outcome: str) -> str:
    if outcome not in GOOD:
        return "bad"
    return "other" if outcome == SKIPPED else "good"


def _table_row(result: RowResult) -> str:
    return (
        f'<tr><td>{escape(result.row)}<td class="{_kind(result.outcome)}">{escape(result.outcome)}'
        f'<td class="time">{elapsed(result.seconds)}<td>{escape(full_account(result))}</tr>\n'
    )


def _section(result: RowResult) -> Iterator[str]:
    bad = result.outcome not in GOOD
    yield f"<details{' open' if bad else ''}><summary><b>{escape(result.row)}</b> {escape(result.outcome)}</summary>\n"
    for name, value in _facts(result):
        yield f"<div>{name}: <code>{escape(value)}</code></div>\n"
    for command in result.commands:
        yield _command(command)
    if bad and result.log:
        yield from _output(result.log)
    yield "</details>\n"


def _facts(result: RowResult) -> Iterator[tuple[str, str]]:
    artifact = dict(result.artifact)
    named = (
        ("hint", result.hint),
        ("existing environment", result.existing),
        ("drift", "; ".join(result.drift)),
        ("package", " ".join(filter(None, (artifact.get("kind"), artifact.get("version"), artifact.get("path"))))),
        ("interpreter", result.interpreter),
        ("installed", " ".join(f"{name} {version}" for name, version in result.installed)),
        ("log", result.log),
    )
    return ((name, value) for name, value in named if value)


def _command(command: CommandResult) -> str:
    kind = "good" if command.exit_code == 0 or command.ignored else "bad"
    line = escape(command_line(command.argv))
    return f'<div><code>$ {line}</code> <span class="{kind}">exit code {command.exit_code}</span>, {elapsed(command.seconds)}</div>\n'


def _output(log: str) -> Iterator[str]:
    excerpt = logs.tail(log, OUTPUT_LIMIT)
    text, lossy = logs.decode(excerpt.data)
    if excerpt.truncated:
        yield f"<p>the last {amount(len(excerpt.data))} of {amount(excerpt.size)}</p>\n"
    if lossy:
        yield "<p>bytes that are not UTF-8 are replaced</p>\n"
    lines = "\n".join(_line(line) for line in logs.without_colours(text).split("\n"))
    # A parser drops a newline right after the tag, so one is given to it (HTML, section 13.1.2.5).
    yield f"<pre>\n{lines}</pre>\n"


def _line(line: str) -> str:
    return "\t".join(map(escape, line.rstrip("\r").split("\t")))


def escape(text: str) -> str:
    """Text for an element or an attribute; what is not printable is shown as an escape."""
    return html.escape(visible(text))
