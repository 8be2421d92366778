"""What is in a directory, down to the byte, so that a test can say that nothing has changed."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Node(NamedTuple):
    """One file, link or directory: its mode, its time of modification (0 for directories), and a digest or target."""

    mode: int
    modified: int
    content: str


def tree_of(directory: str, *, leave_out: Collection[str] = ()) -> dict[str, Node]:
    """Everything below a directory, by relative path.

    Args:
        directory: absolute path; one that is not there is empty.
        leave_out: names that are left out wherever they are, with all below them.
    """
    found: dict[str, Node] = {}
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(name for name in folders if name not in leave_out)
        for name in (*folders, *files):
            if name not in leave_out:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, directory)] = _node(path)
    return found


def changes_between(before: Mapping[str, Node], after: Mapping[str, Node]) -> list[str]:
    """What differs, in words: ``made: a/b``, ``changed: c``, ``gone: d``."""
    made = [f"made: {path}" for path in sorted(after.keys() - before.keys())]
    gone = [f"gone: {path}" for path in sorted(before.keys() - after.keys())]
    both = sorted(before.keys() & after.keys())
    return [*made, *gone, *(f"changed: {path}" for path in both if before[path] != after[path])]


def _node(path: str) -> Node:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return Node(status.st_mode, status.st_mtime_ns, os.readlink(path))
    if not stat.S_ISREG(status.st_mode):
        return Node(status.st_mode, 0, "")
    with open(path, "rb") as file:
        return Node(status.st_mode, status.st_mtime_ns, hashlib.file_digest(file, "sha256").hexdigest())
