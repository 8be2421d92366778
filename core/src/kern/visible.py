"""Text that comes from elsewhere, made harmless to show."""

from __future__ import annotations


def visible(text: str) -> str:
    """A text whose control characters are written out: what it came from must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\t" else escaped(letter) for letter in text)


def visible_lines(text: str) -> str:
    """The same for a text of many lines, whose line ends are its own."""
    if text.replace("\n", "").isprintable():
        return text
    return "\n".join(visible(line) for line in text.split("\n"))


def escaped(letter: str) -> str:
    r"""A character as Python writes it in a string, ``\x1b``."""
    return letter.encode("unicode_escape").decode("ascii")
