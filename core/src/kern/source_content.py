"""What is in the files of a source tree: only needed when something has changed; see `kern.sources`."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any

from kern.source_patterns import unreadable
from kern.sources import signature

RULES = "r"
"""Mark of a file that only says which others count."""
_LINK, _EXECUTABLE, _PLAIN = "l", "x", "-"
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 1024 * 1024


def read(
    root: str, directory: str, name: str, taken: int, seen: list[Any] | None = None, *, rules: bool = False
) -> list[Any] | None:
    """One file: name, signature, mark, content hash; ``None`` if it vanished or is no file but a socket or the like."""
    path = os.path.join(root, directory, name)
    try:
        status = os.lstat(path)
        now = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        if seen is not None and seen[1] == now and (seen[2] == RULES) == rules:
            return seen
        if stat.S_ISLNK(status.st_mode):
            return [name, signature(status, taken), RULES if rules else _LINK, _hash_text(os.readlink(path))]
        if not stat.S_ISREG(status.st_mode):
            return None
        return _regular_file(path, name, taken, rules=rules)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(error, path) from None


def _regular_file(path: str, name: str, taken: int, *, rules: bool) -> list[Any]:
    descriptor = os.open(path, _FILE)
    try:
        status = os.fstat(descriptor)  # before it is read: a change meanwhile makes it differ the next time
        mark = _EXECUTABLE if status.st_mode & stat.S_IXUSR else _PLAIN
        return [name, signature(status, taken), RULES if rules else mark, _hash(descriptor)]
    finally:
        os.close(descriptor)


def _hash(descriptor: int) -> str:
    content = hashlib.blake2b(digest_size=20)
    while chunk := os.read(descriptor, _CHUNK):
        content.update(chunk)
    return content.hexdigest()


def _hash_text(text: str) -> str:
    return hashlib.blake2b(os.fsencode(text), digest_size=20).hexdigest()


def contents(tree: dict[str, Any]) -> dict[str, str]:
    """Path to mark and content hash, for all that counts."""
    return {
        f"{path}/{file[0]}" if path else file[0]: file[2] + file[3]
        for path, (_, files, _) in tree.items()
        for file in files
        if file[2] != RULES
    }


def digest(tree: dict[str, Any]) -> str:
    """Hash of all that counts: of paths, marks and contents, in the order of the paths."""
    whole = hashlib.blake2b(digest_size=32)
    for path, content in sorted(contents(tree).items()):
        whole.update(os.fsencode(path) + b"\0" + content.encode() + b"\0")
    return whole.hexdigest()
