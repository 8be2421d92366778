"""A keeper: a process that runs one command after the other, and answers for every descendant of each.

It is forked by the server when a lane is first used, and stays, so that a command costs one process start and no more.
It reports the end of a command only when nothing is left of it; so the next one starts with a clean slate, and
what was printed is complete in the pipes.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING

from kern.process.brood import Brood
from kern.process.spawn import start_command
from kern.process.wire import (
    ENDED,
    INTERRUPT,
    KILL,
    NO_DIRECTORY,
    NO_PROGRAM,
    RUN,
    SIGNAL,
    STARTED,
    TERMINATE,
    Frame,
    Order,
    Status,
    pack_status,
    take_frame,
    unpack_order,
)

if TYPE_CHECKING:
    from kern.process.wire import Ends

SETTLE = 0.2
"""Seconds that helpers of a command, which end because it has ended, may take before they count as left behind."""

_SIGNALS = {INTERRUPT: signal.SIGINT, TERMINATE: signal.SIGTERM}
_CHUNK = 1 << 16


def watch_children() -> int:
    """Have the end of each child write a byte into a pipe; its reading end, never blocking.

    A pipe instead of ``pidfd_open``: it exists on every system, and sees orphans too.
    """
    wake, awaken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(awaken, False)
    signal.set_wakeup_fd(awaken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _wake_up)
    return wake


def empty(pipe: int) -> None:
    """Read away what is in a non-blocking pipe."""
    try:
        while len(os.read(pipe, _CHUNK)) == _CHUNK:
            pass
    except BlockingIOError:
        pass


class Keeper:
    """The state of one keeper; `serve` is its whole life."""

    def __init__(self, ends: Ends, life: int, *, adopts: bool) -> None:
        """Set up in the keeper's own process.

        Args:
            ends: the lane to serve.
            life: reading end of a pipe that ends with the server.
            adopts: whether orphans become children of this process (`tree.become_subreaper`).
        """
        self._ends = ends
        self._life = life
        self._adopts = adopts
        self._null = os.open(os.devnull, os.O_RDWR)
        self._wake = watch_children()
        self._buffer = bytearray()
        self._poller = select.poll()
        for pipe in (ends.control, life, self._wake):
            self._poller.register(pipe, select.POLLIN)

    def serve(self) -> None:
        """Run what is ordered until kern, or the server, is no more; nothing is left running then."""
        try:
            while True:
                frame = take_frame(self._buffer)
                if frame is None:
                    self._listen(None)
                elif frame.kind == RUN and self._report(self._run(frame)).unkilled:
                    return
        except (EOFError, BrokenPipeError):
            return

    def _report(self, status: Status) -> Status:
        os.write(self._ends.status, pack_status(status))
        return status

    def _run(self, frame: Frame) -> Status:
        order = unpack_order(frame.body)
        try:
            os.chdir(order.cwd)
        except OSError as error:
            return Status(NO_DIRECTORY, frame.sequence, error.errno or 0)
        try:
            pid = start_command(order, self._files(order))
        except OSError as error:
            return Status(NO_PROGRAM, frame.sequence, error.errno or 0)
        finally:
            os.chdir("/")
        if order.announce:
            self._report(Status(STARTED))
        brood = Brood(pid, leads=not order.foreground, adopts=self._adopts)
        try:
            return self._see_to_its_end(brood, frame.sequence)
        except EOFError:
            brood.kill(self._pause)
            raise

    def _files(self, order: Order) -> tuple[int, int, int]:
        return self._null, self._ends.stdout, self._ends.stdout if order.merge else self._ends.stderr

    def _see_to_its_end(self, brood: Brood, sequence: int) -> Status:
        survivors = 0
        settled = None
        while brood.reap() and not self._obey(brood, sequence):  # words may have come together with the order
            now = time.monotonic()
            if brood.code is not None and settled is None:
                settled = now + SETTLE
            if settled is not None and now >= settled:
                survivors = brood.count()
                break
            self._listen(None if settled is None else settled - now)
        unkilled = brood.kill(self._pause)
        return Status(ENDED, sequence, -signal.SIGKILL if brood.code is None else brood.code, survivors, unkilled)

    def _obey(self, brood: Brood, sequence: int) -> bool:
        """Do what was said about this command, and forget what was said about an earlier one; whether to kill all."""
        while frame := take_frame(self._buffer):
            if frame.sequence != sequence:
                continue
            if frame.kind == KILL:
                return True
            brood.signal(frame.body[0] if frame.kind == SIGNAL else _SIGNALS[frame.kind])
        return False

    def _listen(self, seconds: float | None) -> None:
        """Wait for words or for the end of a child.

        Raises:
            EOFError: kern, or the server, is no more.
        """
        happened = dict(self._poller.poll(None if seconds is None else int(seconds * 1000) + 1))
        if self._wake in happened:
            empty(self._wake)
        if self._ends.control in happened:
            data = os.read(self._ends.control, _CHUNK)
            if not data:
                raise EOFError
            self._buffer += data
        if self._life in happened:
            raise EOFError

    def _pause(self, seconds: float) -> None:
        """Wait for the end of a child alone."""
        select.select([self._wake], [], [], seconds)
        empty(self._wake)


def _wake_up(number: int, frame: object) -> None:
    """Do nothing: what counts is the byte that the interpreter writes."""
