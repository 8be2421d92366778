"""The lanes that no command uses at present. No lock: threads and signal handlers can't lock each other out."""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING

from kern.errors import StepFailed
from kern.process.lane import NUMBER_SIZE, Lane
from kern.process.wire import LOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.process.lane import Pipe
    from kern.process.stops import Stops

SPARE_LANES = 2


class Pool:
    """Lends each lane to one thread at a time. The numbers of free lanes lie in a pipe, which can be waited for."""

    def __init__(self, lanes: list[Lane], requests: int, pipe: Pipe) -> None:
        """Take all lanes.

        Args:
            lanes: all of them; the last `SPARE_LANES` replace lost ones.
            requests: writing end of the pipe to the server, closed with the pool.
            pipe: where the numbers of free lanes shall lie.
        """
        self._lanes = {lane.number: lane for lane in lanes}
        self._spare = lanes[-SPARE_LANES:]
        self._fresh = lanes[-SPARE_LANES - 1 :: -1]
        self._requests = requests
        self._idle, self._return = pipe
        os.set_blocking(self._idle, False)
        self._fresh[-1].open(requests)  # the first keeper is nearly always needed: get it ready meanwhile

    def acquire(self, refuse: Callable[[], None], stops: Stops) -> Lane:
        """A lane with a keeper, first one that was used before, so that no more keepers are made than needed.

        Args:
            refuse: called before each attempt; its error ends the wait.
            stops: a stop wakes those who wait, so that they ask again.

        Raises:
            StepFailed: all lanes are lost.
        """
        while True:
            level = stops.level  # before asking: a stop in between must still ring
            refuse()
            lane = self._take_idle() or (self._fresh.pop() if self._fresh else None)
            if lane is None:
                self._wait(stops.bells(level))
            elif self._is_good(lane):
                return lane
            else:
                lane.lost = True
                self.release(lane)

    def release(self, lane: Lane) -> None:
        """Take a lane back, or a spare one in its stead; without any left, tell those who wait by an end of file."""
        if lane.lost:
            del self._lanes[lane.number]
            lane.close()
            if not self._spare:
                self._end_if_empty()
                return
            lane = self._spare.pop()
        os.write(self._return, lane.number.to_bytes(NUMBER_SIZE, "big"))

    def close(self, limit: float) -> None:
        """Close all lanes, so that keepers and server go.

        Args:
            limit: seconds to wait for lanes in use; those not given back by then stay open, and the server ends them.
        """
        for lane in self._collect(time.monotonic() + limit):
            lane.close()
        for end in (self._requests, self._idle, self._return):
            os.close(end)

    def _take_idle(self) -> Lane | None:
        try:
            data = os.read(self._idle, NUMBER_SIZE)
        except BlockingIOError:
            return None
        if not data:
            raise StepFailed(
                "kern has lost all processes that keep its commands", hint="was this machine short of memory?"
            )
        return self._lanes[int.from_bytes(data, "big")]

    def _wait(self, bells: list[int]) -> None:
        poller = select.poll()
        for pipe in (self._idle, *bells):
            poller.register(pipe, select.POLLIN)
        poller.poll()

    def _is_good(self, lane: Lane) -> bool:
        try:
            lane.open(self._requests)
        except BrokenPipeError:
            return False
        return not any(status.kind == LOST for status in lane.read_statuses())

    def _end_if_empty(self) -> None:
        if not self._lanes:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._return, inheritable=False)
            os.close(null)

    def _collect(self, limit: float) -> list[Lane]:
        home = {lane.number for lane in (*self._fresh, *self._spare)}
        while not self._lanes.keys() <= home and (left := limit - time.monotonic()) > 0:
            select.select([self._idle], [], [], left)
            lane = self._take_idle()
            if lane is not None:
                home.add(lane.number)
        return [lane for lane in self._lanes.values() if lane.number in home]
