"""The text of a factor expression to its values; `kern.expression` says what they mean.

An expression stays factored (alternatives of terms of choices of atoms), so its size is that of its text and not that
of the matrix it stands for.
"""

from itertools import pairwise
from typing import NoReturn

from kern.errors import ConfigError
from kern.named_tuples import NamedTuple

LARGEST = 1_000_000
"""How many names one expression may stand for."""
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-")
"""What names are made of; the dash separates their factors."""

_LANGUAGE = LETTERS | frozenset(" \t\r\n{},!*")
_DEEPEST = 20
_DIGITS = 9
_SHOWN = 60


class Atom(NamedTuple):
    """One factor: ``pieces`` is its text split at the wildcards, empty where there is none."""

    text: str
    negated: bool
    pieces: tuple[str, ...]


class Term(NamedTuple):
    """What stands between two dashes: choices, one of which must hold (or none of them, if negated).

    Attributes:
        negated: whether the whole term is.
        texts: the choices in order, as they appear in a name; ``""`` adds nothing to it.
        plain: the choices that are a single literal factor.
        mixed: all other choices, as the atoms that must hold together.
    """

    negated: bool
    texts: tuple[str, ...]
    plain: frozenset[str]
    mixed: tuple[tuple[Atom, ...], ...]


class Alternative(NamedTuple):
    """What stands between two commas: terms that must all hold, sorted here by how cheaply that is seen.

    Attributes:
        terms: all of them, in order.
        all_of: literals that must be present.
        none_of: literals that must be absent.
        any_of: sets of which one literal each must be present.
        others: the terms that the three fields above don't cover.
    """

    terms: tuple[Term, ...]
    all_of: frozenset[str]
    none_of: frozenset[str]
    any_of: tuple[frozenset[str], ...]
    others: tuple[Term, ...]


class Expression(NamedTuple):
    """A parsed expression: ``text`` is without white space, ``generative`` means neither ``!`` nor ``*`` in it."""

    text: str
    alternatives: tuple[Alternative, ...]
    generative: bool


class _Source(NamedTuple):
    text: str
    where: str


def parse(text: str, where: str = "") -> Expression:
    """Parse an expression.

    Args:
        text: the expression.
        where: the place it was read from, for messages.

    Raises:
        ConfigError: it is empty, holds a stray character, an empty name, an unbalanced brace or a stray ``!``, or
            stands for more than `LARGEST` names.
    """
    source = _Source(_without_space(text, where), where)
    _check_braces(source)
    alternatives = []
    position = 0
    for part in _split(source.text, ","):
        alternatives.append(_alternative(source, part, position))
        position += len(part) + 1
    generative = "!" not in source.text and "*" not in source.text
    if generative:
        _check_size(source, sum(_count(alternative) for alternative in alternatives))
    return Expression(source.text, tuple(alternatives), generative)


def show(text: str) -> str:
    """Text as a message may hold it: quoted, control characters escaped, not too long."""
    return repr(text) if len(text) <= _SHOWN else repr(text[:_SHOWN]) + "..."


def _fail(source: _Source, position: int, problem: str, hint: str) -> NoReturn:
    message = f"{problem} at position {position + 1} of the expression {show(source.text)}"
    raise ConfigError(message, where=source.where, hint=hint)


def _without_space(text: str, where: str) -> str:
    """Drop white space where it means nothing, and make sure there is nothing else foreign."""
    letters = frozenset(text)
    if not letters <= _LANGUAGE:
        position = next(position for position, letter in enumerate(text) if letter not in _LANGUAGE)
        hint = "a factor has letters, digits, '_', '.' and '+'; '-' is and, '{a,b}' or, '!' not, '*' any text"
        _fail(_Source(text, where), position, f"illegal character {text[position]!r}", hint)
    words = text.split()
    if not words:
        raise ConfigError(
            "the expression is empty", where=where, hint="name a factor, as in 'py312' or 'py3{11-13}-lint'"
        )
    position = text.index(words[0])
    for left, right in pairwise(words):
        position += len(left)
        if left[-1] not in "{}," and right[0] not in "{},":
            _fail(_Source(text, where), position, "white space", "it may stand beside a comma or a brace only")
        position = text.index(right, position)
    return "".join(words)


def _check_braces(source: _Source) -> None:
    """Make sure that every brace has its partner and that they don't nest deeper than anyone can read."""
    opened: list[int] = []
    for position, letter in enumerate(source.text):
        if letter == "{":
            opened.append(position)
            if len(opened) > _DEEPEST:
                _fail(source, position, "too many nested braces", f"braces nest {_DEEPEST} deep at most")
        elif letter == "}":
            if not opened:
                _fail(source, position, "unbalanced '}'", "put a '{' before it or take it away")
            opened.pop()
    if opened:
        _fail(source, opened[-1], "unbalanced '{'", "close it with a '}'")


def _check_size(source: _Source, size: int) -> None:
    if size > LARGEST:
        raise ConfigError(
            f"the expression {show(source.text)} stands for more than {LARGEST:,} names",
            where=source.where,
            hint="make the ranges smaller or generate the parts that are needed one by one",
        )


def _split(text: str, separator: str) -> list[str]:
    """Split at the separators that are outside all braces."""
    if "{" not in text:
        return text.split(separator)
    parts = []
    depth = start = 0
    for position, letter in enumerate(text):
        if letter == separator and not depth:
            parts.append(text[start:position])
            start = position + 1
        depth += (letter == "{") - (letter == "}")
    parts.append(text[start:])
    return parts


def _alternative(source: _Source, text: str, position: int) -> Alternative:
    if not text:
        _fail(source, position, "empty name", "take a comma away")
    terms = []
    start = position
    for part in _split(text, "-"):
        terms.append(_term(source, part, start))
        start += len(part) + 1
    if all(term.texts == ("",) for term in terms):
        _fail(source, position, "empty name", "put a factor between the braces")
    return _arrange(tuple(terms))


def _arrange(terms: tuple[Term, ...]) -> Alternative:
    """Sort the terms by how they are matched."""
    literals = [term for term in terms if not term.mixed]
    positive = [term.plain for term in literals if not term.negated]
    return Alternative(
        terms,
        frozenset(factor for plain in positive if len(plain) == 1 for factor in plain),
        frozenset(factor for term in literals if term.negated for factor in term.plain),
        tuple(plain for plain in positive if len(plain) > 1),
        tuple(term for term in terms if term.mixed),
    )


def _term(source: _Source, text: str, position: int) -> Term:
    negated = text.startswith("!")
    body = text[negated:]
    if not text:
        _fail(source, position, "empty factor", "take a dash away")
    if body.startswith("!"):
        _fail(source, position, "'!' twice", "one '!' negates, two mean nothing")
    texts: list[str] = []
    plain: list[str] = []
    mixed: list[tuple[Atom, ...]] = []
    for choice in dict.fromkeys(_expand(source, body)):
        parts = [part for part in choice.split("-") if part]
        texts.append("-".join(parts))
        if len(parts) == 1 and "!" not in choice and "*" not in choice:
            plain.append(parts[0])
        else:
            mixed.append(tuple(_atom(source, part, position) for part in parts))
    if negated and "" in texts:
        _fail(source, position, "'!' with nothing to negate", "put a factor after it")
    return Term(negated, tuple(texts), frozenset(plain), tuple(mixed))


def _atom(source: _Source, text: str, position: int) -> Atom:
    negated = text.startswith("!")
    body = text[negated:]
    if not body:
        _fail(source, position, "'!' with nothing to negate", "put a factor after it")
    if "!" in body:
        _fail(source, position, "'!' inside a factor", "it stands once, before what it negates")
    return Atom(body, negated, tuple(body.split("*")) if "*" in body else ())


def _expand(source: _Source, text: str) -> list[str]:
    """Write out all braces of a text; the rightmost choice changes fastest."""
    found = [""]
    position = 0
    while (opening := text.find("{", position)) >= 0:
        closing = _closing(text, opening)
        choices = _choices(source, text[opening + 1 : closing])
        _check_size(source, len(found) * len(choices))
        head = text[position:opening]
        found = [before + head + choice for before in found for choice in choices]
        position = closing + 1
    tail = text[position:]
    return [before + tail for before in found]


def _closing(text: str, opening: int) -> int:
    """Position of the brace that closes the one at ``opening``."""
    depth = 0
    for position in range(opening, len(text)):
        depth += (text[position] == "{") - (text[position] == "}")
        if not depth:
            return position
    raise AssertionError("braces are checked before")  # pragma: no cover


def _choices(source: _Source, inner: str) -> list[str]:
    """Write out what stands between two braces."""
    found: list[str] = []
    for item in _split(inner, ","):
        first, _, last = item.partition("-")
        found += _range(source, first, last) if first.isdigit() and last.isdigit() else _expand(source, item)
        _check_size(source, len(found))
    return found


def _range(source: _Source, first: str, last: str) -> list[str]:
    if max(len(first), len(last)) > _DIGITS:
        _fail(
            source, source.text.index(f"{first}-{last}"), "number too long for a range", f"use {_DIGITS} digits at most"
        )
    low, high = int(first), int(last)
    _check_size(source, abs(high - low) + 1)
    padded = any(len(number) > 1 and number[0] == "0" for number in (first, last))
    width = max(len(first), len(last)) if padded else 0
    step = 1 if low <= high else -1
    return [str(number).zfill(width) for number in range(low, high + step, step)]


def _count(alternative: Alternative) -> int:
    total = 1
    for term in alternative.terms:
        total *= len(term.texts)
    return total
