"""Lanes beyond those that kern begins with, one for each process in the background, made when it is started.

The server was forked long before, so the ends can't be inherited: named pipes in a private directory bring them over,
on every POSIX system, and are gone when both sides have opened them. A run that starts nothing pays nothing.
"""

from __future__ import annotations

import os
import select

from kern.process.lane import EXTRA, NUMBER_SIZE, Lane
from kern.process.wire import LOST, READY, Ends, Status, pack_status, unpack_statuses

_SERVER_ANSWERS = 10_000
_LISTEN = os.O_RDONLY | os.O_NONBLOCK


def open_lane(number: int, requests: int) -> Lane:
    """Make a lane and have the server start its keeper.

    Args:
        number: what nobody else calls a lane at present.
        requests: writing end of the pipe to the server.

    Raises:
        OSError: too many files or processes, or no place for named pipes; ``BrokenPipeError`` if there is no server.
    """
    from shutil import rmtree
    from tempfile import mkdtemp

    folder = mkdtemp(prefix="kern-")
    ends: list[int] = []
    try:
        control, *heard = _paths(folder)
        for path in (control, *heard):
            os.mkfifo(path, 0o600)
        # For reading and writing, so that it opens before the keeper's end does, and that end never sees an end of file.
        ends.append(os.open(control, os.O_RDWR | os.O_NONBLOCK))
        ends.extend(os.open(path, _LISTEN) for path in heard)
        os.write(requests, _pack(number, os.fsencode(folder)))
        _await_server(ends[1])
    except OSError:
        _close(ends)
        raise
    finally:
        rmtree(folder, ignore_errors=True)
    return Lane.in_use(number, *ends)


def read_lane(requests: int) -> tuple[int, Ends]:
    """The server's side, when `EXTRA` has been read: the lane's number and the keeper's ends.

    Raises:
        OSError: too many files are open; kern waits in vain then, and gives up.
    """
    number, length = (int.from_bytes(os.read(requests, NUMBER_SIZE), "big") for _ in range(2))
    control, *told = _paths(os.fsdecode(os.read(requests, length)))
    ends: list[int] = []
    try:
        ends.append(os.open(control, _LISTEN))
        ends.extend(os.open(path, os.O_WRONLY | os.O_NONBLOCK) for path in told)
        for end in ends:
            os.set_blocking(end, True)
        os.write(ends[1], pack_status(Status(READY)))
    except OSError:
        _close(ends)
        raise
    return number, Ends(*ends)


def _paths(folder: str) -> list[str]:
    return [os.path.join(folder, name) for name in Ends._fields]


def _pack(number: int, folder: bytes) -> bytes:
    """One piece, far shorter than ``PIPE_BUF``: threads may write at the same time."""
    head = (EXTRA, number, len(folder))
    return b"".join(value.to_bytes(NUMBER_SIZE, "big") for value in head) + folder


def _await_server(status: int) -> None:
    poller = select.poll()
    poller.register(status, select.POLLIN)
    if not poller.poll(_SERVER_ANSWERS):
        raise TimeoutError("the server does not answer")
    statuses = unpack_statuses(os.read(status, 1 << 12)) or [Status(LOST)]
    if any(found.kind == LOST for found in statuses):
        raise BrokenPipeError("there is no server, or it could not start a keeper")


def _close(ends: list[int]) -> None:
    for end in ends:
        os.close(end)
