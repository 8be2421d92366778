"""What pyenv itself would choose in a directory: its variable, its files, in its order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE = ".python-version"
_BEYOND = 65536
"""Characters of a version file that are read at most."""


class Selection(NamedTuple):
    """Versions as pyenv has them selected, and what says so."""

    names: tuple[str, ...]
    origin: str


def selected(project_dir: str, roots: Sequence[str], environ: Mapping[str, str]) -> Selection:
    """Read what ``pyenv version-name`` reads, in the same order.

    That is ``PYENV_VERSION``; else the nearest ``.python-version``, from the project's directory upwards; else the
    file ``version`` of the first root that has one. Where none says anything, pyenv's choice is ``system``.
    """
    stated = environ.get("PYENV_VERSION", "")
    if stated:
        return Selection(tuple(filter(None, stated.split(":"))), "PYENV_VERSION")
    everywhere = (_nearest(project_dir), *(os.path.join(root, "version") for root in roots))
    path = next((path for path in everywhere if path and os.path.isfile(path)), "")
    return Selection(_read(path) or ("system",), path or "no .python-version")


def _nearest(directory: str) -> str:
    while True:
        path = os.path.join(directory, FILE)
        if os.path.isfile(path):
            return path
        above = os.path.dirname(directory)
        if above == directory:
            return ""
        directory = above


def _read(path: str) -> tuple[str, ...]:
    """The first word of each line; comments and empty lines are none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read(_BEYOND).splitlines()
    except OSError:
        return ()
    words = (line.split(None, 1)[0] for line in lines if line.strip())
    return tuple(word for word in words if not word.startswith("#"))
