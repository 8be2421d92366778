"""What a factor or a ``base_python`` entry asks for: words turned into values, nothing looked up."""

# No `from __future__ import annotations`: named tuples compile annotations that are strings, at every start.
import os
from collections.abc import Sequence
from typing import NamedTuple

_PREFIXES = (
    ("python", "cpython"),
    ("cpython", "cpython"),
    ("pypy", "pypy"),
    ("graalpy", "graalpy"),
    ("py", "cpython"),
    ("cp", "cpython"),
)
_BARE_FACTORS = ("py", "pypy")
_MAJORS = (2, 3)


class Wanted(NamedTuple):
    """One wish.

    Attributes:
        implementation: ``cpython``, ``pypy``, ``graalpy``; empty where any will do.
        version: as many numbers as were given, none to three.
        free_threaded: whether the build without the global lock is meant (``py313t``).
        specifier: a version specifier (``>=3.11``) instead of a version, else empty.
        path: a path instead of all that, else empty.
    """

    implementation: str = ""
    version: tuple[int, ...] = ()
    free_threaded: bool = False
    specifier: str = ""
    path: str = ""


def parse_wanted(text: str) -> Wanted | None:
    """Read one wish: ``py312 python3.12 3.12 3.12.1 pypy310 py py3 py313t >=3.11`` or a path.

    Args:
        text: what the user wrote.

    Returns:
        The wish, or ``None`` if it is none of these.
    """
    if is_path(text):
        return Wanted(path=text)
    if text[:1] in "<>=!~" and text:
        return Wanted(specifier=text)
    return _parse_name(text.lower()) or _parse_bare_version(text)


def is_path(text: str) -> bool:
    """Whether a wish names a place instead of a version."""
    return os.sep in text or text in (".", "..")


def names_interpreter(factor: str) -> bool:
    """Whether a factor selects an interpreter: ``py``, ``py3``, ``py312``, ``py3.12``, ``pypy310``, ``py313t``..."""
    wanted = None if is_path(factor) else _parse_name(factor)
    if wanted is None or factor.startswith("cp"):
        return False
    return wanted.version[0] in _MAJORS if wanted.version else factor in _BARE_FACTORS


def wanted_interpreters(options: object, factors: Sequence[str]) -> tuple[str, ...]:
    """List what an environment wants, the best first.

    Args:
        options: of any provider; its ``base_python``, where it has one, comes before all.
        factors: of the environment's name.

    Returns:
        ``options.base_python``, else the factors that name an interpreter, else ``("py",)``.
    """
    stated = tuple(getattr(options, "base_python", ()))
    return stated or tuple(filter(names_interpreter, factors)) or ("py",)


def parse_version(text: str) -> tuple[int, ...] | None:
    """Read ``3``, ``312``, ``3.12`` or ``3.12.1``; ``None`` for anything else, nothing for nothing."""
    if not text:
        return ()
    parts = text.split(".")
    if len(parts) > 3 or not all(part.isascii() and part.isdigit() for part in parts):  # noqa: PLR2004
        return None
    if len(parts) == 1 and len(text) > 1:
        return int(text[0]), int(text[1:])
    return tuple(map(int, parts))


def _parse_name(text: str) -> Wanted | None:
    for prefix, implementation in _PREFIXES:
        if text.startswith(prefix):
            parsed = _parse_tail(text[len(prefix) :], implementation)
            if parsed is not None:
                return parsed
    return None


def _parse_tail(tail: str, implementation: str) -> Wanted | None:
    free_threaded = len(tail) > 1 and tail.endswith("t")
    version = parse_version(tail[:-1] if free_threaded else tail)
    if version is None:
        return None
    any_will_do = not version and implementation == "cpython"
    return Wanted("" if any_will_do else implementation, version, free_threaded)


def _parse_bare_version(text: str) -> Wanted | None:
    dotted = "." in text or text in ("2", "3")
    return _parse_tail(text, "cpython") if dotted else None
