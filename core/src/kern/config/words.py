"""Split a command string into words, the same way on every operating system."""

from __future__ import annotations

from kern.errors import ConfigError

QUOTES = "\"'"
SPACE = " \t\n\r"


def split_words(text: str, where: str = "") -> tuple[str, ...]:
    """Split like a POSIX shell does (quotes, backslash), but expand nothing and keep ``{...}`` together, as it is.

    A backslash outside of quotes keeps its next character, so Windows paths belong into quotes or argument lists; before
    the end of a line both are nothing. Only space, tab and the ends of lines split (POSIX, XCU 2.2 and 2.3).

    Raises:
        ConfigError: a quote or a brace is not closed.
    """
    words: list[str] = []
    current: list[str] = []
    started, quote, depth, index = False, "", 0, 0
    while index < len(text):
        char, following = text[index], text[index + 1 : index + 2]
        index += 1
        if depth:
            current.append(char)
            depth += (char == "{") - (char == "}")
        elif char == "\\" and _escapes(following, quote):
            started |= following != "\n"
            current.append(following.strip("\n"))
            index += 1
        elif quote:
            quote = _inside(char, quote, current)
        elif char in SPACE:
            _finish(words, current, started)
            started = False
        else:
            started = True
            quote, depth = _outside(char, current)
    if quote or depth:
        raise ConfigError(f"{'quote' if quote else 'brace'} is not closed in {text!r}", where=where)
    _finish(words, current, started)
    return tuple(words)


def _escapes(following: str, quote: str) -> bool:
    """Outside of quotes a backslash escapes anything but a brace (those are kern's), inside only what POSIX says."""
    if not following or quote == "'":
        return False
    return following in '"\\$`\n' if quote else following not in "{}"


def _inside(char: str, quote: str, current: list[str]) -> str:
    """Take a character in quotes; the quote that is open then."""
    if char == quote:
        return ""
    current.append(char)
    return quote


def _outside(char: str, current: list[str]) -> tuple[str, int]:
    """Take a character of a word; the quote and the brace that are open then."""
    if char in QUOTES:
        return char, 0
    current.append(char)
    return "", int(char == "{")


def _finish(words: list[str], current: list[str], started: bool) -> None:
    if started:
        words.append("".join(current))
    current.clear()
