"""A process that goes on while other commands run, in a lane of its own and attended by a thread of its own."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

from kern.errors import KernError, StepFailed
from kern.process.attend import Sink, attend, end_unheard, judge
from kern.process.extra import open_lane
from kern.process.program import make_order
from kern.process.wire import RUN, STARTED, Frame, Status, pack_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.process.ending import Ending
    from kern.process.lane import Lane
    from kern.process.stops import Stops
    from kern.process.values import Ended, Request


def _start_deaf(thread: threading.Thread) -> None:
    """Start a thread that takes no signals: what the main thread holds back for `kern.process.relay` must wait there."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class Background:
    """A process in the background; used from any thread.

    Attributes:
        over: set when nothing is left of it.
    """

    def __init__(self, request: Request, ending: Ending, stops: Stops, told: tuple[Sink, Callable[[], object]]) -> None:
        """Start nothing yet.

        Args:
            request: what to start.
            ending: says nothing at an orderly stop.
            stops: the level of the stop.
            told: what to call with the output, and what in the end.
        """
        self.over = threading.Event()
        self._request = request
        self._ending = ending
        self._stops = stops
        self._on_output, self._on_end = told
        self._begun = threading.Event()
        self._runs = False
        self._ended: Ended | None = None
        self._error: KernError | None = None
        self._telling = threading.Lock()
        self._grace = 0.0

    def start(self, place: tuple[int, int], running: set[Background]) -> None:
        """Have a keeper start it, and a thread attend it; return when it runs.

        Args:
            place: a number for its lane, and the writing end of the pipe to the server.
            running: holds it as long as it runs.

        Raises:
            KernError: it could not be started.
        """
        order = make_order(self._request)._replace(announce=True)
        lane = self._open(place)
        lane.on_status = self._note
        lane.sequence += 1
        lane.send(Frame(RUN, lane.sequence, pack_order(order)))
        running.add(self)
        _start_deaf(threading.Thread(target=self._live, args=(lane, running), daemon=True))
        self._begun.wait()
        if not self._runs:
            self.wait(None)

    def wait(self, seconds: float | None) -> Ended | None:
        """Wait for its end; ``None`` if it still runs when the time is over.

        Raises:
            KernError: its keeper was killed, or its output could not be kept.
        """
        if not self.over.wait(seconds):
            return None
        if self._error is not None:
            raise self._error
        return self._ended

    def request_end(self, grace: float) -> None:
        """Have it end: by itself within the grace, then by SIGTERM, 3 seconds later by SIGKILL; return at once."""
        with self._telling:
            if not self.over.is_set():
                self._grace = grace
                os.write(self._tell, b".")

    def _open(self, place: tuple[int, int]) -> Lane:
        pipe: tuple[int, ...] = ()
        try:
            pipe = self._heard, self._tell = os.pipe()
            os.set_blocking(self._heard, False)
            return open_lane(*place)
        except OSError as error:
            for end in pipe:
                os.close(end)
            raise StepFailed(
                f"no process can be started in the background: {(error.strerror or str(error)).lower()}",
                where=self._request.argv[0],
                hint="raise the limits (ulimit -n, ulimit -u), or set TMPDIR to a directory on a disk of this machine",
            ) from None

    def _note(self, status: Status) -> None:
        if status.kind == STARTED:
            self._runs = True
            self._begun.set()

    def _hear(self, _: bytes) -> None:
        self._ending.request(time.monotonic(), self._grace)

    def _live(self, lane: Lane, running: set[Background]) -> None:
        try:
            self._ended = judge(self._request, self._attended(lane), self._ending)
            self._on_end()
        except KernError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001  (of a sink: this thread has nobody else to tell)
            self._error = StepFailed(f"what it printed could not be kept: {error}", where=self._request.argv[0])
        finally:
            lane.close()
            running.discard(self)
            self._finish()

    def _attended(self, lane: Lane) -> Status:
        try:
            sinks = {lane.stdout: self._on_output, self._heard: self._hear}
            return attend(lane, self._ending, self._stops, sinks)
        except BaseException:
            end_unheard(lane)
            raise

    def _finish(self) -> None:
        with self._telling:
            for end in (self._heard, self._tell):
                os.close(end)
            self.over.set()
        self._begun.set()
