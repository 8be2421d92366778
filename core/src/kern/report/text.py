"""Small pieces of text that every reporter needs; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from kern.events import ERROR, FAILED, GOOD, IGNORED, OUTCOMES, PASSED, TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kern.events import RowResult, RunFinished

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-")
_RAN = frozenset((PASSED, FAILED, TIMED_OUT, IGNORED))
_RERUN_LIMIT = 200
_MINUTE = 60.0
_HOUR = 3600.0


def visible(text: str) -> str:
    r"""Text that moves no cursor and hides nothing: what is not printable becomes ``\x1b``, ``\n``, ``\u202e``.

    A byte that was no UTF-8 (a lone surrogate, PEP 383) becomes the ``\xff`` that it was.
    """
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - the range of PEP 383
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("ascii", "backslashreplace").decode("ascii") if code > 0x7F else _control(char)  # noqa: PLR2004


def _control(char: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or f"\\x{ord(char):02x}"


def elapsed(seconds: float) -> str:
    """A length of time as a person reads it: ``0.3s``, ``1m05s``, ``2h03m``."""
    if round(seconds, 1) < _MINUTE:
        return f"{max(seconds, 0.0):.1f}s"
    if round(seconds) < _HOUR:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}m{rest:02d}s"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours}h{rest:02d}m"


def amount(size: int) -> str:
    """A number of bytes as a person reads it: ``512 bytes``, ``3.4 MiB``."""
    if size < 1 << 10:
        return f"{size} bytes"
    for shift, unit in ((30, "GiB"), (20, "MiB")):
        if size >= 1 << shift:
            return f"{size / (1 << shift):.1f} {unit}"
    return f"{size / (1 << 10):.1f} KiB"


def command_line(argv: Iterable[str]) -> str:
    """An argument list as a line that a shell would take."""
    return " ".join(map(_quoted, argv))


def _quoted(argument: str) -> str:
    if argument and _PLAIN.issuperset(argument):
        return argument
    import shlex

    return shlex.quote(argument)


def work(result: RowResult) -> str:
    """What was done for a row: ``built wheel, made environment``, ``reused``, or nothing where it never got that far."""
    reused = f"in {result.existing}" if result.existing else "reused"
    return ", ".join(result.made) or (reused if result.outcome in _RAN else "")


def account(result: RowResult) -> str:
    """What was done for a row, and why it did not pass, in one line."""
    return "; ".join(part for part in (work(result), result.reason) if part)


def full_account(result: RowResult) -> str:
    """The same, and what the existing environment lacked: for pages, which nobody sees warnings beside."""
    drift = "; ".join(result.drift)
    said = f"drift: {drift}" if drift and drift not in result.reason else ""
    return "; ".join(filter(None, (account(result), said)))


def survivors(result: RowResult) -> int:
    """How many processes the commands of a row left behind."""
    return sum(command.survivors for command in result.commands)


def totals(results: Iterable[RowResult]) -> dict[str, int]:
    """How many rows had each outcome; every outcome is there, in the order of `OUTCOMES`."""
    counts = dict.fromkeys(OUTCOMES, 0)
    for result in results:
        counts[result.outcome] = counts.get(result.outcome, 0) + 1
    return counts


def verdict(finished: RunFinished) -> str:
    """The one sentence at the end: ``3 passed, 1 failed in 4.2s``, with the command to run the failed ones again."""
    sentence = f"{counts(finished.results)} in {elapsed(finished.seconds)}"
    again = rerun(finished)
    return f"{sentence}; to run the failed again: {again}" if again else sentence


def counts(results: Iterable[RowResult]) -> str:
    """How many rows had each outcome that there was, ``3 passed, 1 failed, 2 errors``."""
    parts = [f"{count} {_plural(outcome, count)}" for outcome, count in totals(results).items() if count]
    return ", ".join(parts) or "nothing ran"


def _plural(outcome: str, count: int) -> str:
    return "errors" if outcome == ERROR and count > 1 else outcome


def rerun(finished: RunFinished) -> str:
    """The command that runs what did not pass once more; empty where all passed or the line would be too long."""
    names = dict.fromkeys(result.environment for result in finished.results if result.outcome not in GOOD)
    line = command_line(("kern", "run", *finished.options, *names))
    return line if names and len(line) <= _RERUN_LIMIT else ""


Colour = Literal["", "1", "2", "31", "32", "33"]
"""Parameters of the ANSI sequence: bold, dim, red, green, yellow."""

WORDS: dict[str, tuple[str, Colour]] = {
    "passed": ("ok", "32"),
    "failed": ("FAIL", "31"),
    "timed out": ("TIMEOUT", "31"),
    "error": ("ERROR", "31"),
    "skipped": ("skip", "33"),
    "blocked": ("blocked", "31"),
    "ignored": ("ignored", "33"),
    "interrupted": ("stopped", "33"),
}
"""What the line of a row begins with."""

Span = tuple[str, Colour]
Line = tuple[Span, ...]


def painted(line: Line, *, color: bool) -> str:
    """A line for the screen: each span escaped by `visible`, then coloured."""
    return "".join(_paint(visible(text), code if color else "") for text, code in line)


def _paint(text: str, code: Colour) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text
