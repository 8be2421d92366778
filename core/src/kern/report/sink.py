"""A stream that is written to at once and whose failing never ends a run.

A test run whose reader has gone away (``kern run | head``, a full disk, a closed terminal) still has a verdict: the sink
goes quiet and remembers it, and the exit code stays what the tests say.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Protocol

from kern.errors import KernError

if TYPE_CHECKING:
    from collections.abc import Callable

Stream = int | BinaryIO | None
"""Where bytes go: a file descriptor, a binary stream, or nothing (``sys.stdout`` of a process without one)."""


_ATOMIC = 4096
"""A pipe that has room has room for so much (``PIPE_BUF``)."""
_PATIENCE = 1.0
"""Seconds that a reader who takes nothing is waited for when the run is to end."""
_LOOK = 100
"""Milliseconds after which it is asked again whether the run is to end."""


class Writer(Protocol):
    """What the console writes to."""

    @property
    def broken(self) -> bool:
        """Whether something could not be written; nothing is tried after that."""

    def write(self, data: bytes) -> None:
        """Write all of it, or go quiet; never raises."""


class Sink:
    """Unbuffered writing to a descriptor or a binary stream.

    Args:
        stream: where to write; what is buffered in a stream goes out first, and from then on its descriptor is used.
        stopping: whether the run is to end: a reader of a pipe that takes nothing then (a pager, say) is not waited for.
    """

    def __init__(self, stream: Stream, stopping: Callable[[], bool] = lambda: False) -> None:
        """Find the descriptor; a stream without one (in memory) is written to as it is."""
        self.broken = stream is None
        self._stopping = stopping
        self.error: OSError | None = None
        self._stream: int | BinaryIO | None = stream
        if stream is not None and not isinstance(stream, int):
            self._stream = self._descriptor(stream)
        self._is_pipe = isinstance(self._stream, int) and _is_pipe(self._stream)

    def _descriptor(self, stream: BinaryIO) -> int | BinaryIO:
        try:
            stream.flush()
            return stream.fileno()
        except (OSError, ValueError, AttributeError):
            return stream

    def write(self, data: bytes) -> None:
        """Write all of it; an error makes the sink quiet for good and is kept in ``error``."""
        if self.broken or not data:
            return
        try:
            self._write(data)
        except (OSError, ValueError) as error:
            self.broken = True
            self.error = error if isinstance(error, OSError) else OSError(str(error))

    def _write(self, data: bytes) -> None:
        if isinstance(self._stream, int):
            if self._is_pipe:
                _write_to_pipe(self._stream, data, self._stopping)
            else:
                write_all(self._stream, data)
        elif self._stream is not None:
            self._stream.write(data)
            self._stream.flush()


def failure(place: str, error: OSError) -> KernError:
    """What to tell the user about a report that could not be written."""
    return KernError(
        f"the report can't be written: {error.strerror or error}",
        where=place,
        hint="the results of the run are not affected",
    )


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte, however few the system takes at once.

    A child may have made the shared terminal non-blocking; then this waits until there is room.

    Raises:
        OSError: the reader is gone, the disk is full, the descriptor is closed.
    """
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            _wait_for_room(descriptor)


def _is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _write_to_pipe(descriptor: int, data: bytes, stopping: Callable[[], bool]) -> None:
    """Write every byte without ever being stuck in the system, where no stop could reach whoever writes.

    Raises:
        OSError: as `write_all`; also if the run is to end and nobody reads.
    """
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    rest, waited = memoryview(data), 0.0
    while rest:
        if poll.poll(_LOOK):
            write_all(descriptor, rest[:_ATOMIC])
            rest, waited = rest[_ATOMIC:], 0.0
            continue
        waited += _LOOK / 1000 if stopping() else 0.0
        if waited >= _PATIENCE:
            raise TimeoutError("nobody reads")


def _wait_for_room(descriptor: int) -> None:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll(1000)
