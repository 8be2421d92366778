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
_KIND = 0o170000 | stat.S_IXUSR
"""What is kept of a file's mode: its type, and whether its owner may execute it."""


def take(location: str, watch: tuple[str, ...], volatile: tuple[str, ...]) -> list[list[Any]]:
    """List the files of an environment.

    Args:
        location: absolute path of its directory.
        watch: directories and files below it, relative to it; ``"."`` is everything. The proof that kern made it is
            always part of the list.
        volatile: names of files and directories that are left out wherever they are.

    Returns:
        A JSON value for `damage`: for each directory its path relative to ``location`` and a list of its files, each
        as name, type and executable bit, size and time of modification in nanoseconds; a link as name, type, target.

    Raises:
        OSError: something can't be read.
    """
    left_out = frozenset(volatile)
    found: dict[str, dict[str, list[Any]]] = {}
    waiting = [MARKER, *(os.path.normpath(path) for path in watch)]
    while waiting:
        path = waiting.pop()
        if os.path.basename(path) not in left_out:
            waiting += _visit(location, path, found)
    return [[directory, [files[name] for name in sorted(files)]] for directory, files in sorted(found.items())]


def _visit(location: str, path: str, found: dict[str, dict[str, list[Any]]]) -> list[str]:
    """Note a file; of a directory, return the paths in it."""
    absolute = os.path.join(location, path)
    try:
        status = os.lstat(absolute)
    except FileNotFoundError:
        return []
    if stat.S_ISDIR(status.st_mode):
        return [name if path == "." else f"{path}/{name}" for name in os.listdir(absolute)]
    directory, _, name = path.rpartition("/")
    kind = status.st_mode & _KIND
    is_link = stat.S_ISLNK(status.st_mode)
    rest = [os.readlink(absolute)] if is_link else [status.st_size, status.st_mtime_ns]
    found.setdefault(directory, {})[name] = [name, kind, *rest]
    return []


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
