"""Locks between processes and between threads: the kernel's own, gone with whoever holds them.

A lock is ``flock`` on a file that is never deleted. What stands in the file only tells a waiter whom it waits for; it
decides nothing. Each holder opens the file anew, so threads of one process exclude each other as well; a thread that
asks twice for the same exclusive lock waits for itself. Shared holders may keep an exclusive one waiting: no queue.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import sys
import time
from typing import TYPE_CHECKING

from kern.errors import KernError, LockTimeout, Stopped
from kern.named_tuples import NamedTuple
from kern.store.files import failure, read_object, refusal
from kern.store.layout import DIRECTORY, make_folder, safe_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SIGNATURE = b'{"kern_lock"'
_FIRST_PAUSE, _LONGEST_PAUSE, _SILENT = 0.01, 0.1, 1.0
_YOUNG_SECONDS = 3600.0
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


class _Request(NamedTuple):
    """Who wants what. See `lock`."""

    work: str
    name: str
    exclusive: bool
    timeout: float
    on_wait: Callable[[str], None] | None
    stopped: Callable[[], bool] | None

    @property
    def path(self) -> str:
        """Absolute path of the lock file."""
        return f"{self.work}/locks/{safe_name(self.name)}.lock"


def lock(
    work: str,
    name: str,
    *,
    exclusive: bool = True,
    timeout: float = 600.0,
    on_wait: Callable[[str], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> AbstractContextManager[None]:
    """Hold a lock on a name for the length of a ``with`` block.

    Args:
        work: absolute path of the work directory (or of any directory that holds a folder ``locks``).
        name: what to lock, any text.
        exclusive: alone, or together with others that ask for it shared.
        timeout: seconds to wait at most; 0 tries once.
        on_wait: told once, after a second, which other process kern is waiting for.
        stopped: asked while waiting; true ends the waiting.

    Raises:
        LockTimeout: somebody else held it for too long; names them.
        Stopped: ``stopped`` said so.
        StepFailed: the lock file can't be made: disk full or read-only.
        KernError: the file system has no locks, or the lock file is a link.
    """
    return _Lock(_Request(work, name, exclusive, timeout, on_wait, stopped))


class _Lock:
    """What `lock` gives out; taken on entering, let go on leaving."""

    def __init__(self, request: _Request) -> None:
        self._request = request
        self._descriptor = -1

    def __enter__(self) -> None:
        self._descriptor = _acquire(self._request)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Unlocked before it is closed: a child between fork and exec still has the descriptor, and would keep the lock.
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)
        self._descriptor = -1


def _acquire(request: _Request) -> int:
    started = time.monotonic()
    pause, told = _FIRST_PAUSE, False
    while (descriptor := _try(request)) is None:
        waited = time.monotonic() - started
        if request.stopped is not None and request.stopped():
            raise Stopped(f"stopped while waiting for the lock on {request.name}", where=request.path)
        if waited >= request.timeout:
            raise _timed_out(request)
        if not told and waited >= _SILENT and request.on_wait is not None and not _is_own(request.path):
            told = True
            request.on_wait(f"waiting for {request.name}, held by {_holder(request.path)}")
        time.sleep(min(pause, request.timeout - waited))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return descriptor


def _try(request: _Request) -> int | None:
    """Take the lock if it is free; opened anew each time, so that a lock file which somebody deleted is no trap."""
    descriptor = _open(request)
    taken = False
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if request.exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        taken = _still_there(descriptor, request.path)
        if taken:
            _sign(descriptor)
    except BlockingIOError:
        pass
    except OSError as error:
        raise _unusable(error, request.path) from None
    finally:
        if not taken:
            os.close(descriptor)
    return descriptor if taken else None


def _open(request: _Request) -> int:
    folder = make_folder(request.work, "locks")
    try:
        descriptor = os.open(os.path.basename(request.path), _FLAGS, 0o600, dir_fd=folder)
    except OSError as error:
        raise failure(error, request.path) from None
    finally:
        os.close(folder)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    raise refusal(request.path)


def _still_there(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    """Say who holds the lock, for those who wait; a file with other content is somebody's and stays as it is."""
    present = os.pread(descriptor, len(_SIGNATURE), 0)
    if present not in {b"", _SIGNATURE}:
        return
    note = {"kern_lock": 1, "pid": os.getpid(), "command": _command(), "time": time.time()}
    data = json.dumps(note).encode()
    try:
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
    except OSError:
        pass  # a full disk: the lock holds all the same


def _command() -> str:
    """Program and verb; further arguments may hold secrets."""
    words = [os.path.basename(sys.argv[0] or "kern") if sys.argv else "kern"]
    if len(sys.argv) > 1 and sys.argv[1].isalpha():
        words.append(sys.argv[1])
    return " ".join(words)[:80]


def _is_own(path: str) -> bool:
    """Whether it is this very process that holds a lock, in another thread: nobody needs to hear that."""
    try:
        return (read_object(path) or {}).get("pid") == os.getpid()
    except OSError:
        return False


def _holder(path: str) -> str:
    try:
        note = read_object(path) or {}
        pid, command = int(note["pid"]), str(note["command"])
        since = time.strftime("%H:%M:%S", time.localtime(float(note["time"])))
        os.kill(max(pid, 1), 0)
    except PermissionError:
        return "a process of another user"
    except (OSError, KeyError, TypeError, ValueError, OverflowError):
        return "another process"
    printable = "".join(letter if letter.isprintable() else "?" for letter in command)
    return f"process {pid} ({printable}) since {since}"


def hold(folder: int) -> None:
    """Mark an open directory as in use for as long as its descriptor is open, where the file system can."""
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        pass


def in_use(parent: int, name: str) -> bool:
    """Whether anybody holds a directory with `hold`."""
    try:
        folder = os.open(name, DIRECTORY, dir_fd=parent)
    except OSError:
        return True
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return time.time() - os.fstat(folder).st_mtime < _YOUNG_SECONDS  # no locks here: age decides
    finally:
        os.close(folder)
    return False


def _timed_out(request: _Request) -> LockTimeout:
    return LockTimeout(
        f"{request.name} is still held by {_holder(request.path)} after {request.timeout:g} seconds",
        where=request.path,
        hint="wait for it or end it, or give more time with --lock-timeout",
    )


def _unusable(error: OSError, path: str) -> KernError:
    if error.errno in _UNSUPPORTED:
        return KernError(
            "the file system has no locks, as some network file systems have none",
            where=path,
            hint="set KERN_WORK_DIR to a folder on a local disk",
        )
    return failure(error, path)
