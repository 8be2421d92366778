"""What files an environment has, and whether they are all still there as they were: one ``stat`` a file.

This finds what people and tools do to an environment behind kern's back: files deleted, truncated, replaced, edited,
links bent. It doesn't read contents. What was added is no damage, and neither is what comes and goes (``volatile``).
"""

from __future__ import annotations

import os
import stat
from typing import Any

MARKER = ".kern-owned"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LINK_FIELDS = 3
_A_DIRECTORY: list[Any] = [None]
_KIND = 0o170000 | stat.S_IXUSR
"""What is kept of a file's mode: its type, and whether its owner may execute it."""


def take(
    location: str, watch: tuple[str, ...], volatile: tuple[str, ...], without: frozenset[str] = frozenset()
) -> list[list[Any]]:
    """List the files of an environment.

    Args:
        location: absolute path of its directory.
        watch: directories and files below it, relative to it; ``"."`` is everything. The proof that kern made it is
            always part of the list.
        volatile: names of files and directories that are left out wherever they are.
        without: paths of files that are left out, relative to ``location``.

    Returns:
        A JSON value for `damage`: for each directory its path relative to ``location`` and a list of its files, each
        as name, type and executable bit, size and time of modification in nanoseconds; a link as name, type, target.

    Raises:
        OSError: something can't be read.
    """
    left_out = frozenset(volatile)
    found: dict[str, list[list[Any]]] = {}
    waiting = []
    for path in (MARKER, *(os.path.normpath(path) for path in watch)):
        directory, _, name = path.rpartition("/")
        if name not in left_out:
            waiting += [""] if path == "." else _note(location, directory, [name], without, found)
    while waiting:
        directory = waiting.pop()
        waiting += _note(location, directory, None, without, found, left_out)
    return [[directory, sorted(_once(files))] for directory, files in sorted(found.items()) if files]


def _note(
    location: str,
    directory: str,
    names: list[str] | None,
    without: frozenset[str],
    found: dict[str, list[list[Any]]],
    left_out: frozenset[str] = frozenset(),
) -> list[str]:
    """Note files of a directory, by default all of them; return the directories among them.

    Everything is looked at from the open directory: to look up each path from the root would take twice as long.
    """
    below = []
    try:
        descriptor = os.open(f"{location}/{directory}", _DIRECTORY)
    except FileNotFoundError:
        return []
    try:
        for name in os.listdir(descriptor) if names is None else names:
            path = f"{directory}/{name}" if directory else name
            if name in left_out or path in without:
                continue
            file = _looked_at(name, descriptor)
            if file == _A_DIRECTORY:
                below.append(path)
            elif file:
                found.setdefault(directory, []).append(file)
    finally:
        os.close(descriptor)
    return below


def _looked_at(name: str, descriptor: int) -> list[Any]:
    """What is kept of a file; nothing for one that is not there."""
    try:
        status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return []
    if stat.S_ISDIR(status.st_mode):
        return _A_DIRECTORY
    kind = status.st_mode & _KIND
    if stat.S_ISLNK(status.st_mode):
        return [name, kind, os.readlink(name, dir_fd=descriptor)]
    return [name, kind, status.st_size, status.st_mtime_ns]


def _once(files: list[list[Any]]) -> list[list[Any]]:
    """Files without those that two watched paths have in common."""
    return list({file[0]: file for file in files}.values())


def paths(inventory: list[list[Any]]) -> frozenset[str]:
    """The files that `take` found, relative to the environment's directory."""
    return frozenset(_join(directory, file[0]) for directory, files in inventory for file in files)


def damage(location: str, inventory: list[list[Any]]) -> str | None:
    """Compare an environment with what `take` found in it.

    Args:
        location: absolute path of its directory; it may be another one than then.
        inventory: what `take` returned.

    Returns:
        The first difference in words, ``lib/python3.12/site-packages/pytest/__init__.py is missing``; ``None`` if
        everything is as it was.
    """
    try:
        for directory, files in inventory:
            problem = _damage_in(location, directory, files)
            if problem is not None:
                return problem
    except (AttributeError, IndexError, TypeError, ValueError):
        return "the list of its files is damaged"
    return None


def _damage_in(location: str, directory: str, files: list[list[Any]]) -> str | None:
    try:
        descriptor = os.open(f"{location}/{directory}", _DIRECTORY)
    except OSError as error:
        return _in_words(error, _join(directory, files[0][0]))
    name = ""
    look = os.stat
    try:
        for file in files:
            name = file[0]
            if len(file) == _LINK_FIELDS:
                if os.readlink(name, dir_fd=descriptor) != file[2]:
                    return f"{_join(directory, name)} points elsewhere"
                continue
            now = look(name, dir_fd=descriptor, follow_symlinks=False)
            if now.st_mtime_ns != file[3] or now.st_size != file[2] or now.st_mode & _KIND != file[1]:
                return f"{_join(directory, name)} has changed"
    except OSError as error:
        return _in_words(error, _join(directory, name))
    finally:
        os.close(descriptor)
    return None


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _in_words(error: OSError, path: str) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"{path} is missing"
    if isinstance(error, PermissionError):
        return f"{path} can't be read"
    return f"{path} has changed"
