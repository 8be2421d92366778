"""Which interpreter an environment has: among pyenv's, by reading the file system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from kern_pyenv.naming import LOCAL, is_name, version_of
from kern_pyenv.roots import describe, numbers_in, resolve, roots
from kern_pyenv.selection import Selection, selected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import EnvSpec
    from kern_venv.api import Interpreter


class Wishes(NamedTuple):
    """What an environment asks of pyenv.

    Attributes:
        names: versions as pyenv names them, the best first.
        roots: where to look.
        selection: what pyenv's own choice is, if that was asked for.
        factors: those of the environment's name that name an interpreter.
    """

    names: tuple[str, ...]
    roots: tuple[str, ...]
    selection: Selection | None
    factors: tuple[str, ...]


_cache: dict[Wishes, Interpreter | None] = {}


def wishes_of(spec: EnvSpec, environ: Mapping[str, str]) -> Wishes:
    """List what an environment wants: the option ``version``, else what its name says, else pyenv's own choice."""
    places = tuple(roots(spec.options.pyenv_root, spec.project_dir, environ))
    named = {factor: version_of(factor) for factor in spec.factors}
    factors = tuple(factor for factor, version in named.items() if version)
    texts = spec.options.version or tuple(named[factor] for factor in factors) or (LOCAL,)
    selection = selected(spec.project_dir, places, environ) if LOCAL in texts else None
    own = selection.names if selection is not None else ()
    names = (name for text in texts for name in (own if text == LOCAL else (text,)))
    return Wishes(tuple(dict.fromkeys(names)), places, selection, factors)


def find(spec: EnvSpec, environ: Mapping[str, str]) -> Interpreter | None:
    """Find the interpreter that an environment wants; looked up once a process for equal wishes."""
    wishes = wishes_of(spec, environ)
    if wishes not in _cache:
        _cache[wishes] = _find(wishes)
    return _cache[wishes]


def expected_interpreter(spec: EnvSpec, environ: Mapping[str, str]) -> Interpreter | None:
    """Find it, or describe the one that ``pyenv install`` will bring, as far as its name tells.

    That one has no identity. Only of a CPython 3 the name tells all that a plan needs to know.
    """
    found = find(spec, environ)
    if found is not None or spec.options.install != "missing":
        return found
    wishes = wishes_of(spec, environ)
    name = to_install(wishes)
    version, free_threaded = numbers_in(name)
    if version[:1] != (3,) or len(version) < 2 or name.startswith("pypy"):  # noqa: PLR2004
        return None
    from kern_venv.api import Interpreter

    path = os.path.join(root_to_install(wishes), "versions", name, "bin", "python")
    return Interpreter(path, "cpython", version, free_threaded, identity="")


def to_install(wishes: Wishes) -> str:
    """Name the version that would be installed: the best that pyenv could know; empty if there is none."""
    return next((name for name in wishes.names if name != "system" and is_name(name)), "")


def root_to_install(wishes: Wishes) -> str:
    """Name the root that a version would be installed into: the first, whether it exists or not."""
    return wishes.roots[0] if wishes.roots else ""


def forget() -> None:
    """Look again: a version was installed."""
    _cache.clear()


def _find(wishes: Wishes) -> Interpreter | None:
    """The first that fits the environment's name too, else the first, which an obstacle will be made of."""
    found = _all(wishes.names, wishes.roots)
    return next((each for each in found if contradiction(each, wishes.factors) == ""), found[0] if found else None)


def contradiction(found: Interpreter, factors: Sequence[str]) -> str:
    """Name the factor that an interpreter does not fit; empty if it fits all."""
    from kern_venv.api import fits, parse_wanted

    for factor in factors if found.version else ():
        wish = parse_wanted(factor)
        if wish is not None and not fits(wish, found):
            return factor
    return ""


def _all(names: Sequence[str], places: Sequence[str]) -> list[Interpreter]:
    versions = (resolve(name, root) for name in names for root in places)
    return [found for version in versions if version is not None for found in (describe(version),) if found is not None]
