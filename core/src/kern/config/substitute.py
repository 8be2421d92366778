"""``{posargs:default}``, ``{env:NAME:default}``, ``{env_dir}`` and the like, in one pass over the configuration's text.

What is put in is never looked at again: a project folder called ``a{env_name}b`` stays what it is. A brace that is not
followed by a small name stays as it is too, and so does an unknown name with a colon and a blank behind it, so that
``python -c "print({1: {k: 3}})"`` needs no care; ``{{`` is a plain brace, and so is the ``}}`` that closes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.config.words import split_words
from kern.errors import ConfigError
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Names(NamedTuple):
    """What can stand in braces.

    Attributes:
        values: plain names to their values.
        environ: variables for ``{env:NAME}``.
        posargs: what the user gave after ``--``; ``None`` when there was no ``--``.
    """

    values: Mapping[str, str]
    environ: Mapping[str, str]
    posargs: tuple[str, ...] | None = None


def expand_words(words: Sequence[str], names: Names, where: str) -> tuple[str, ...]:
    """Substitute in an argument list; ``{posargs}`` alone in an argument becomes as many arguments as there are."""
    result: list[str] = []
    for word in words:
        inside = _whole(word)
        if inside is not None and _name_of(inside) == "posargs":
            result.extend(_posargs(inside, names, where))
        else:
            result.append(expand(word, names, where))
    return tuple(result)


def _whole(word: str) -> str | None:
    """What stands between the braces of an argument that is one substitution and nothing else."""
    if not word.startswith("{") or word.startswith("{{") or _closing(word, 0) != len(word) - 1:
        return None
    return word[1:-1]


def _posargs(inside: str, names: Names, where: str) -> tuple[str, ...]:
    if names.posargs is not None:
        return names.posargs
    default = inside.partition(":")[2]
    return expand_words(split_words(default, where), names, where)


def expand(text: str, names: Names, where: str) -> str:
    """Substitute in one string.

    Raises:
        ConfigError: an unknown name, or a variable that is not set and has no default.
    """
    if "{" not in text:
        return text
    result: list[str] = []
    opened: list[str] = []
    index = 0
    while index < len(text):
        piece, index = _step(text, index, opened, names, where)
        result.append(piece)
    return "".join(result)


def _step(text: str, index: int, opened: list[str], names: Names, where: str) -> tuple[str, int]:
    """What stands at an index, substituted, and the index behind it; ``opened`` holds the plain braces that are open."""
    char = text[index]
    if char == "}":
        return char, index + _width(text, index, opened)
    if char != "{":
        return char, index + 1
    if text.startswith("{{", index):
        opened.append("{{")
        return char, index + 2
    end = _closing(text, index)
    inside = text[index + 1 : end] if end > index else ""
    if _is_ours(inside, names):
        return _value(inside, names, where), end + 1
    opened.append("{")
    return char, index + 1


def _width(text: str, index: int, opened: list[str]) -> int:
    """How long a closing brace is: two for the partner of a ``{{``, else one."""
    last = opened[-1] if opened else ""
    doubled = last == "{{" and text.startswith("}}", index)
    if doubled or last == "{":
        opened.pop()
    return 1 + doubled


def _closing(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return index
    return -1


def _name_of(inside: str) -> str:
    """The small name that makes a pair of braces a substitution, empty where it is something else."""
    name = inside.partition(":")[0]
    fits = name.replace("_", "").isalpha() and name.islower() and name.isascii()
    return name if fits else ""


def _is_ours(inside: str, names: Names) -> bool:
    """Whether it is a substitution: ``{k: 1 for k in x}`` is none, since kern knows no k."""
    name = _name_of(inside)
    spaced = inside[len(name) + 1 : len(name) + 2].isspace()
    return bool(name) and (not spaced or name in ("posargs", "env") or name in names.values)


def _value(inside: str, names: Names, where: str) -> str:
    name, colon, rest = inside.partition(":")
    if name == "posargs":
        return " ".join(_posargs(inside, names, where))
    if name == "env":
        return _variable(rest, names, where)
    if name in names.values and not colon:
        return names.values[name]
    from kern.config.suggest import did_you_mean

    known = [*names.values, "posargs", "env"]
    raise ConfigError(
        f"unknown substitution {{{inside}}}",
        where=where,
        hint=did_you_mean(name, known) or "write {{ for a plain brace",
    )


def _variable(rest: str, names: Names, where: str) -> str:
    name, colon, default = rest.partition(":")
    if name in names.environ:
        return names.environ[name]
    if colon:
        return expand(default, names, where)
    raise ConfigError(
        f"the variable {name} is not set", where=where, hint=f"set it, or give a default: {{env:{name}:default}}"
    )


def expand_deep(value: object, names: Names, where: str) -> object:
    """Substitute in every string of a JSON-like value, argument lists included."""
    if isinstance(value, str):
        return expand(value, names, where)
    if isinstance(value, (list, tuple)):
        return tuple(expand_deep(item, names, where) for item in value)
    if isinstance(value, dict):
        return {key: expand_deep(item, names, where) for key, item in value.items()}
    return value
