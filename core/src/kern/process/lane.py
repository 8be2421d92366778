"""A lane: the pipes through which one command at a time is steered and heard. Kern's side of it."""

from __future__ import annotations

import fcntl
import os
import select
from typing import TYPE_CHECKING

from kern.process.wire import LOST, Ends, Frame, Status, pack_frame, unpack_statuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

NUMBER_SIZE = 2
"""Bytes of a lane's number in a pipe."""

EXTRA = 0xFFFF
"""In place of the number of a lane that is to get a keeper: a new lane follows, see `kern.process.extra`."""

CHUNK = 1 << 18
"""Bytes read at once, and the size of the pipes for output where the system allows it."""

PIPES = 4
"""How many pipes a lane takes."""

Pipe = tuple[int, int]

_STATUS_CHUNK = 4096


class Lane:
    """Kern's ends of a lane's pipes; used by one thread at a time.

    Attributes:
        number: what kern and the server call it.
        status: to read what the keeper reports.
        stdout: to read what the command prints.
        stderr: the same for its standard error, where that is not merged into ``stdout``.
        sequence: number of the present or latest command.
        lost: its keeper has gone or can't be trusted: never to be used again.
        on_status: told each status that is read, by whoever reads it.
    """

    def __init__(self, number: int, control: int, status: int, stdout: int, stderr: int) -> None:
        """Take the ends; they never block."""
        self.number = number
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.sequence = 0
        self.lost = False
        self.on_status: Callable[[Status], object] | None = None
        self._control = control
        self._opened = False
        for end in (control, status, stdout, stderr):
            os.set_blocking(end, False)

    @classmethod
    def in_use(cls, number: int, control: int, status: int, stdout: int, stderr: int) -> Self:
        """A lane that has a keeper already."""
        lane = cls(number, control, status, stdout, stderr)
        lane._enlarge_output()
        return lane

    def open(self, requests: int) -> None:
        """Have the server start a keeper, when the lane is used for the first time.

        Raises:
            BrokenPipeError: there is no server any more.
        """
        if self._opened:
            return
        os.write(requests, self.number.to_bytes(NUMBER_SIZE, "big"))
        self._enlarge_output()

    def send(self, frame: Frame) -> None:
        """Say something to the keeper; in vain if it has gone, which `read_statuses` tells."""
        data = memoryview(pack_frame(frame))
        while data:
            try:
                data = data[os.write(self._control, data) :]
            except BlockingIOError:
                if self._status_comes_first():
                    return
            except BrokenPipeError:
                return

    def read_statuses(self) -> list[Status]:
        """What the keeper has reported since; `LOST` if neither it nor the server can report any more."""
        try:
            data = os.read(self.status, _STATUS_CHUNK)
        except BlockingIOError:
            return []
        statuses = unpack_statuses(data) if data else [Status(LOST)]
        if self.on_status is not None:
            for status in statuses:
                self.on_status(status)
        return statuses

    def close(self) -> None:
        """Close kern's ends: the keeper kills what still runs, and goes."""
        for end in (self._control, self.status, self.stdout, self.stderr):
            os.close(end)

    def _enlarge_output(self) -> None:
        self._opened = True
        _enlarge(self.stdout)
        _enlarge(self.stderr)

    def _status_comes_first(self) -> bool:
        """Wait until the keeper takes more; true if instead it, or the server, has something to say: it will take no more."""
        poller = select.poll()
        poller.register(self._control, select.POLLOUT)
        poller.register(self.status, select.POLLIN)
        return any(end == self.status for end, _ in poller.poll())


def make_lane(number: int, pipes: list[Pipe]) -> tuple[Lane, Ends]:
    """The two sides of a new lane, from `PIPES` pipes."""
    control, status, stdout, stderr = pipes
    lane = Lane(number, control[1], status[0], stdout[0], stderr[0])
    return lane, Ends(control[0], status[1], stdout[1], stderr[1])


def make_pipes(count: int) -> list[Pipe]:
    """New pipes, reading and writing end each; all or none.

    Raises:
        OSError: too many files are open.
    """
    pipes: list[Pipe] = []
    try:
        while len(pipes) < count:
            pipes.append(os.pipe())
    except OSError:
        close_pipes(pipes)
        raise
    return pipes


def close_pipes(pipes: Iterable[Pipe]) -> None:
    """Close both ends of each pipe."""
    for pipe in pipes:
        for end in pipe:
            os.close(end)


def _enlarge(pipe: int) -> None:
    """Fewer switches between writer and reader; not the largest size, since a user's pipes share a quota."""
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK)
    except (AttributeError, OSError):  # no Linux, or the quota is used up
        pass
