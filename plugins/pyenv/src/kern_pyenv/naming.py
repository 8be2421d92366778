"""pyenv's names of versions: what a factor means there, and which version a prefix stands for; nothing looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCAL = "local"
"""Not a version: whatever pyenv itself would choose in a directory."""

_IMPLEMENTATIONS = (("pypy", "pypy"), ("python", ""), ("py", ""))
_UNFINISHED = ("-dev", "-src", "-latest")
_STAGES = ("a", "b", "rc")


def version_of(factor: str) -> str:
    """Say what a factor asks of pyenv, in its words; empty if it asks for nothing.

    ``py39`` is ``3.9``, ``py3.12.1`` and ``3.12.1`` are ``3.12.1``, ``py313t`` is ``3.13t``, ``pypy310`` is
    ``pypy3.10``; ``py``, which names no version, leaves it to pyenv.
    """
    for prefix, name in _IMPLEMENTATIONS:
        if factor.startswith(prefix):
            return _named(name, factor[len(prefix) :])
    return factor if "." in factor and _is_version(factor) else ""


def ranked(prefix: str, names: Iterable[str]) -> list[str]:
    """List the versions that a prefix may stand for, the best first, as ``pyenv latest`` chooses (pyenv 2.6).

    ``3.8`` stands for the newest 3.8.x; unfinished releases and builds without the global lock are never meant unless
    the name says so.

    Args:
        prefix: what the user wrote.
        names: of the versions there are.
    """
    if prefix in names:
        return [prefix]
    free_threaded = len(prefix) > 1 and prefix[-1] == "t" and prefix[-2].isdigit()
    beginning = prefix[:-1] if free_threaded else prefix
    fitting = (
        name
        for name in names
        if name.startswith(beginning)
        and name[len(beginning) : len(beginning) + 1] in ("-", ".")
        and not _is_unfinished(name)
        and _is_free_threaded(name) == free_threaded
    )
    return _newest_first(fitting)


def is_name(text: str) -> bool:
    """Whether a text can be the name of a version: pyenv would take a path for a definition, a dash for an option."""
    return bool(text) and "/" not in text and text[0] not in ".-" and text.isprintable() and not text.isspace()


def _named(implementation: str, tail: str) -> str:
    if not tail:
        return "pypy3" if implementation else LOCAL
    digits = tail.removesuffix("t")
    if digits.isascii() and digits.isdigit() and len(digits) > 1:
        tail = f"{digits[0]}.{tail[1:]}"
    return implementation + tail if _is_version(tail) and tail[0] in "23" else ""


def _is_version(text: str) -> bool:
    """Whether a text is ``3``, ``3.12``, ``3.12.1``, ``3.13.0t`` or ``3.14.0rc1``."""
    *numbers, last = text.removesuffix("t").split(".")
    if not text.isascii() or len(numbers) > 2 or not last[-1:].isdigit() or not last[0].isdigit():  # noqa: PLR2004
        return False
    stage = last.strip("0123456789")
    return all(map(_is_number, numbers)) and stage in ("", *_STAGES)


def _is_number(text: str) -> bool:
    return text.isdigit()


def _is_unfinished(name: str) -> bool:
    stem = name.rstrip("0123456789")
    return name.endswith(_UNFINISHED) or (stem != name and stem.endswith(_STAGES))


def _is_free_threaded(name: str) -> bool:
    return len(name) > 1 and name[-1] == "t" and name[-2].isdigit()


def _newest_first(names: Iterable[str]) -> list[str]:
    """Sort as pyenv does: by the text before the first dot downwards, then by three numbers, each biggest first."""
    keyed = sorted((*_sort_key(name), name) for name in names)
    keyed.sort(key=lambda key: key[1], reverse=True)
    keyed.sort(key=lambda key: key[0], reverse=True)
    return [name for _, _, _, name in keyed]


def _sort_key(name: str) -> tuple[str, tuple[int, ...], str]:
    length = next((place for place, letter in enumerate(name) if not letter.isalnum()), len(name))
    # ``miniconda3-4.7`` counts as ``miniconda.4.7``: pyenv cuts off the digit with the dash.
    line = f"{name[: length - 1]}.{name[length + 1 :]}..|" if name[length : length + 1] == "-" else f"{name}...|"
    fields = f"{line}{name}".split(".")
    return fields[0], tuple(map(_leading_number, fields[1:4])), line


def _leading_number(text: str) -> int:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    end = next((place for place, letter in enumerate(digits) if not letter.isdigit()), len(digits))
    return sign * int(digits[:end] or "0")
