"""Files below the work directory: replaced atomically, read without trust, and what the system says when that fails."""

from __future__ import annotations

import errno
import json
import os
import stat
from typing import Any

from kern.errors import KernError, StepFailed

PREFIX = "kern-"
LOW_SPACE = 200 * 1024 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST_FILE = 64 * 1024 * 1024
_ELSEWHERE = "set KERN_WORK_DIR to a folder that can be written"


def random_name() -> str:
    """32 hexadecimal digits that nobody had before."""
    return os.urandom(16).hex()


def write_file(folder: int, name: str, data: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Replace a file atomically; nothing is left behind when that fails.

    Args:
        folder: descriptor of the folder.
        name: name of the file in it.
        data: all of its content.
        mode: permissions, before the umask.
        durable: wait until it would survive a power cut.

    Raises:
        OSError: it can't be written; the old file is as it was.
    """
    unfinished = f".{PREFIX}{random_name()}"
    try:
        create_file(folder, unfinished, data, mode=mode, durable=durable)
        os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        try:
            os.unlink(unfinished, dir_fd=folder)
        except OSError:
            pass
        raise
    if durable:
        os.fsync(folder)


def create_file(folder: int, name: str, data: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Write a file that must not exist before.

    Raises:
        OSError: it exists or can't be written; a part of it may be there.
    """
    descriptor = os.open(name, _CREATE, mode, dir_fd=folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_object(path: str, folder: int | None = None) -> dict[str, Any] | None:
    """The JSON object in a regular file; a link, another kind of file or other content gives ``None``.

    Raises:
        OSError: the file can't be read; a missing one gives ``None``.
    """
    try:
        descriptor = os.open(path, _READ, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG}:
            return None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST_FILE:
            return None
        data = _read_all(descriptor, status.st_size)
    finally:
        os.close(descriptor)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_all(descriptor: int, size: int) -> bytes:
    data = os.read(descriptor, size + 1)
    while more := os.read(descriptor, 65536):
        data += more
    return data


def free_bytes(path: str) -> int | None:
    """Bytes that a user may still write at ``path`` or, where it is missing, at the folder above; ``None`` if unknown."""
    while True:
        try:
            status = os.statvfs(path)
        except OSError:
            above = os.path.dirname(path)
            if above == path:
                return None
            path = above
        else:
            return status.f_bavail * status.f_frsize


def low_space(path: str) -> bool:
    """Whether so little space is left at ``path`` that making an environment there will likely fail."""
    free = free_bytes(path)
    return free is not None and free < LOW_SPACE


_PASSING = {
    errno.EMFILE: "kern has as many files open as it may have",
    errno.ENFILE: "this machine has as many files open as it can have",
    errno.ENOMEM: "there is no memory left",
}


def failure(error: OSError, path: str) -> KernError:
    """What the system said about ``path``, in words for the user; the caller raises it."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        what = "the disk is full" if error.errno == errno.ENOSPC else "the disk quota is used up"
        hint = "free some space there, or set KERN_WORK_DIR to a folder on another disk"
        return StepFailed(f"{what}, {_in_words(free_bytes(path))} left", where=path, hint=hint)
    if error.errno == errno.EROFS:
        free = _in_words(free_bytes(path))
        return StepFailed(
            f"the file system is read-only ({free} free), so nothing can be written", where=path, hint=_ELSEWHERE
        )
    if error.errno in _PASSING:  # says nothing of what stands at the path, so nobody may conclude anything from it
        return StepFailed(_PASSING[error.errno], where=path, hint="run fewer rows at once (-j), or raise the limit")
    if isinstance(error, PermissionError):
        return KernError("permission is denied", where=path, hint=f"give yourself access, or {_ELSEWHERE}")
    if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.EEXIST} or os.path.islink(path):
        return refusal(path)
    return KernError(f"this can't be used: {os.strerror(error.errno or 0).lower()}", where=path, hint=_ELSEWHERE)


def refusal(path: str) -> KernError:
    """Why kern does not go through what stands at ``path``; the caller raises it."""
    kind = "a symbolic link" if os.path.islink(path) else "in the way"
    hint = "move it away by hand, or set KERN_WORK_DIR to another folder"
    return KernError(f"this is {kind}, and kern did not make it, so kern leaves it alone", where=path, hint=hint)


def _in_words(free: int | None) -> str:
    return "an unknown amount is" if free is None else f"{free / 1024 / 1024:.1f} MiB"
