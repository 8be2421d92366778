"""What kern, the server and the keepers say to each other through pipes, as bytes. Pure.

kern to a keeper: *frames*, a kind, the number of the command it is about, and a body. A keeper to kern: *statuses*,
short lines, each written at once, so that a reader never meets half of one.
"""

from __future__ import annotations

import marshal

from kern.named_tuples import NamedTuple

RUN = b"R"
INTERRUPT = b"I"
TERMINATE = b"T"
KILL = b"K"
SIGNAL = b"S"

ENDED = "ended"
STARTED = "started"
READY = "ready"
NO_DIRECTORY = "no-directory"
NO_PROGRAM = "no-program"
LOST = "lost"

_HEAD = 9


class Frame(NamedTuple):
    """One thing said to a keeper.

    `RUN` has an order as its body, `SIGNAL` the number of a signal; `INTERRUPT`, `TERMINATE` and `KILL` are bare.
    """

    kind: bytes
    sequence: int
    body: bytes = b""


class Order(NamedTuple):
    """What a keeper needs to start a command.

    ``program`` is the path that was found for ``argv[0]``; with ``announce`` the keeper says when it has been started.
    """

    program: bytes
    argv: list[bytes]
    cwd: bytes
    environ: dict[bytes, bytes]
    merge: bool
    foreground: bool
    announce: bool = False


class Ends(NamedTuple):
    """The keeper's ends of a lane's pipes: it reads control and writes the others."""

    control: int
    status: int
    stdout: int
    stderr: int


class Status(NamedTuple):
    """What a keeper, or the server in its place, says about a command.

    Attributes:
        kind: `ENDED`; `NO_DIRECTORY` or `NO_PROGRAM`: not started; `LOST`: the keeper has gone and took its command along;
            `STARTED`: it runs, where that was to be announced; `READY`: an extra lane has been opened.
        sequence: number of the command; 0 with `LOST`, `STARTED` and `READY`.
        code: the exit code; with ``NO_...`` the ``errno``.
        survivors: as in `Ended`.
        unkilled: as in `Ended`.
    """

    kind: str
    sequence: int = 0
    code: int = 0
    survivors: int = 0
    unkilled: int = 0


def pack_frame(frame: Frame) -> bytes:
    """The bytes of a frame."""
    return frame.kind + frame.sequence.to_bytes(4, "big") + len(frame.body).to_bytes(4, "big") + frame.body


def take_frame(buffer: bytearray) -> Frame | None:
    """Remove the first frame from a buffer and return it; ``None`` while it is not whole yet."""
    if len(buffer) < _HEAD:
        return None
    end = _HEAD + int.from_bytes(buffer[5:_HEAD], "big")
    if len(buffer) < end:
        return None
    frame = Frame(bytes(buffer[:1]), int.from_bytes(buffer[1:5], "big"), bytes(buffer[_HEAD:end]))
    del buffer[:end]
    return frame


def pack_order(order: Order) -> bytes:
    """The body of a `RUN` frame. Both ends are one and the same interpreter, so marshal is safe and the quickest."""
    return marshal.dumps(tuple(order))


def unpack_order(body: bytes) -> Order:
    """The order in the body of a `RUN` frame."""
    return Order(*marshal.loads(body))  # noqa: S302  (written by this very program)


def pack_status(status: Status) -> bytes:
    """The line of a status, far shorter than ``PIPE_BUF``, so that its write is atomic."""
    return " ".join(map(str, status)).encode() + b"\n"


def unpack_statuses(data: bytes) -> list[Status]:
    """All statuses in what was read from a status pipe."""
    return [_unpack_status(line) for line in data.decode().splitlines()]


def _unpack_status(line: str) -> Status:
    kind, *numbers = line.split()
    return Status(kind, *map(int, numbers))
