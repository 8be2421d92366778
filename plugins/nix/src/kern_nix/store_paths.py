"""Store paths: what their names say, and how the loss of one is noticed."""

from __future__ import annotations

import os
from typing import NamedTuple

_HASH = 32
_ALPHABET = frozenset("0123456789abcdfghijklmnpqrsvwxyz")
"""Letters of the hash in a store path (https://nix.dev/manual/nix/latest/protocols/store-path)."""

LINK = "nix"
"""Name of the link, in an environment's directory, to the directory above the store."""


class Named(NamedTuple):
    """What the name of a store path says."""

    digest: str
    name: str
    version: str


def read_name(path: str) -> Named | None:
    """Read ``/nix/store/HASH-NAME-VERSION``; ``None`` for anything else.

    As nix itself has it, the version begins after the first dash that no letter follows.
    """
    digest, dash, rest = os.path.basename(path).partition("-")
    if not dash or len(digest) != _HASH or not _ALPHABET.issuperset(digest) or not rest:
        return None
    name, version = _split(rest)
    return Named(digest, _without_python(name), version)


def _split(text: str) -> tuple[str, str]:
    place = text.find("-")
    while place != -1:
        if not text[place + 1 : place + 2].isalpha():
            return text[:place], text[place + 1 :]
        place = text.find("-", place + 1)
    return text, ""


def _without_python(name: str) -> str:
    """Take away what nixpkgs puts before the names of Python packages: ``python3.11-requests``."""
    first, dash, rest = name.partition("-")
    version = first.removeprefix("python")
    return rest if dash and version != first and version.replace(".", "").isdecimal() else name


def store_path(path: str) -> str:
    """The store path that a path is, links followed; empty if it is none, or lies deeper in one."""
    real = os.path.realpath(path)
    return real if read_name(real) is not None and os.path.lexists(real) else ""


def watch_store(location: str, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Make the existence of store paths something that can be watched below an environment's directory.

    A link tells nothing about whether what it points to has been garbage collected, so there is a link to the directory
    above the store, and the paths are watched by their names behind it.

    Args:
        location: absolute path of the environment's directory.
        paths: store paths of one store, which are files, or directories of which one file is enough.

    Returns:
        What to add to `kern.api.Environment.watch`.
    """
    if not paths:
        return ()
    store = os.path.dirname(paths[0])
    link = os.path.join(location, LINK)
    if not os.path.lexists(link):
        os.symlink(os.path.dirname(store), link)
    files = filter(None, map(_any_file, paths))
    return tuple(os.path.join(LINK, os.path.basename(store), os.path.relpath(file, store)) for file in files)


def _any_file(path: str) -> str:
    """A file in a store path, which are never changed: only all of it can get lost."""
    if not os.path.isdir(path):
        return path
    for folder, folders, files in os.walk(path):
        folders.sort()
        if files:
            return os.path.join(folder, min(files))
    return ""
