"""Split a command string into words, the same way on every operating system."""

from __future__ import annotations

from kern.errors import ConfigError

QUOTES = "\"'"


def split_words(text: str, where: str = "") -> tuple[str, ...]:
    """Split like a POSIX shell does (quotes, backslash), but expand nothing and keep ``{...}`` together.

    A backslash outside of quotes keeps its next character, so Windows paths belong into quotes or argument lists.

    Raises:
        ConfigError: a quote or a brace is not closed.
    """
    words: list[str] = []
    current: list[str] = []
    started, quote, depth, index = False, "", 0, 0
    while index < len(text):
        char = text[index]
        index += 1
        if char == "\\" and quote != "'" and index < len(text) and _escapes(text[index], quote):
            current.append(text[index])
            index += 1
            started = True
        elif quote:
            quote = _inside(char, quote, current)
        elif char in QUOTES and not depth:
            quote, started = char, True
        elif char.isspace() and not depth:
            _finish(words, current, started)
            started = False
        else:
            depth = max(0, depth + (char == "{") - (char == "}"))
            current.append(char)
            started = True
    if quote or depth:
        raise ConfigError(f"{'quote' if quote else 'brace'} is not closed in {text!r}", where=where)
    _finish(words, current, started)
    return tuple(words)


def _escapes(following: str, quote: str) -> bool:
    """Outside of quotes a backslash escapes anything but a brace (those are kern's), inside only what POSIX says."""
    return following in '"\\$`' if quote else following not in "{}"


def _inside(char: str, quote: str, current: list[str]) -> str:
    if char == quote:
        return ""
    current.append(char)
    return quote


def _finish(words: list[str], current: list[str], started: bool) -> None:
    if started:
        words.append("".join(current))
    current.clear()
