"""Run commands, many at a time, and own whatever comes of them."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from itertools import cycle
from typing import TYPE_CHECKING

from kern.errors import StepFailed, Stopped
from kern.process.attend import Sink, attend, end_unheard, ignore, is_unusable, judge
from kern.process.ending import AT_ONCE, ORDERLY, Ending
from kern.process.lane import EXTRA, PIPES, close_pipes, make_lane, make_pipes
from kern.process.pool import SPARE_LANES, Pool
from kern.process.program import make_order
from kern.process.stops import BELLS, Stops
from kern.process.wire import RUN, SIGNAL, Frame, pack_order

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType
    from typing import Self

    from kern.process.background import Background
    from kern.process.lane import Lane
    from kern.process.values import Ended, Request
    from kern.process.wire import Ends

_CLOSE_LIMIT = 5.0
_LAST_STANDARD_FILE = 2
_HELD = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Runs commands in a fixed number of lanes, and leaves nothing behind: however it, or kern, ends.

    `start` forks, so it must be called before kern has a second thread. `run` may then be called from any thread, `stop`
    from any thread and from signal handlers.
    """

    def __init__(self, lanes: int, grace: float = 10.0) -> None:
        """Start nothing yet.

        Args:
            lanes: how many commands may run at the same time.
            grace: seconds that a command has to end by itself after SIGINT, before it gets SIGTERM.
        """
        self._count = lanes
        self._grace = grace
        self._stops = Stops()
        self._pool: Pool | None = None
        self._server = 0
        self._requests = -1
        self._foreground: Lane | None = None
        self._early: list[int] = []
        self._extra = cycle(range(lanes + SPARE_LANES, EXTRA))
        self._behind: set[Background] = set()

    @property
    def stopping(self) -> int:
        """The highest level that `stop` was called with."""
        return self._stops.level

    def start(self, *, foreground: bool = False) -> None:
        """Fork the server. Output that kern has buffered is safe: the server never writes any of it.

        Args:
            foreground: stay in the session and process group of the terminal, so that requests with ``foreground``
                can be run.

        Raises:
            StepFailed: the system has no room for it.
        """
        try:
            self._open(foreground=foreground)
        except OSError as error:
            raise StepFailed(
                f"this machine has no room for {self._count} commands at once: {(error.strerror or str(error)).lower()}",
                hint="run fewer jobs at once with -j, or raise the limits (ulimit -n, ulimit -u)",
            ) from None

    def run(self, request: Request, on_stdout: Sink, on_stderr: Sink | None = None) -> Ended:
        """Run a command to its end and the end of all its descendants; wait for a lane first if none is free.

        An error of a sink ends the command at once and is passed on.

        Args:
            request: what to run.
            on_stdout: called in this thread with each piece that the command prints; with ``merge`` also its errors.
            on_stderr: the same for standard error without ``merge``; ``None`` to throw it away.

        Raises:
            StepFailed: the command can't be started, or its keeper was killed.
            Stopped: kern is stopping; nothing was started.
        """
        if self._pool is None:
            raise RuntimeError("the supervisor has not been started")
        self._refuse(request)
        body = pack_order(make_order(request))
        lane = self._pool.acquire(lambda: self._refuse(request), self._stops)
        sinks = {lane.stdout: on_stdout, lane.stderr: ignore if on_stderr is None else on_stderr}
        try:
            with _TerminalSignals(active=request.foreground):
                return self._converse(lane, request, body, {} if request.foreground else sinks)
        finally:
            self._pool.release(lane)

    def start_background(self, request: Request, on_output: Sink, on_end: Callable[[], object]) -> Background:
        """Start a command that goes on beside those that `run` runs, and takes none of their lanes.

        An orderly stop says nothing to it.

        Args:
            request: what to run; its output is merged.
            on_output: called with each piece that it prints, in a thread of its own.
            on_end: called there when nothing is left of it.

        Raises:
            StepFailed: the command can't be started.
            Stopped: kern is stopping; nothing was started.
        """
        from kern.process.background import Background

        self._refuse(request)
        ending = Ending(time.monotonic(), timeout=request.timeout, grace=self._grace, always=False, background=True)
        place = (next(self._extra), self._requests)
        one = Background(request, ending, self._stops, (on_output, on_end))
        one.start(place, self._behind)
        return one

    def stop(self, level: int) -> None:
        """Stop what runs and let nothing more start; may be called again to raise the level. It returns at once.

        Args:
            level: 1: each command gets SIGINT, after ``grace`` seconds SIGTERM, 3 seconds later SIGKILL with all its
                descendants; requests with ``always`` still start, and have that time too, but get no SIGINT. 2: SIGKILL
                at once.
        """
        self._stops.rise(level)

    def forward(self, number: int) -> None:
        """Send a signal to the command in the foreground, at once or as soon as there is one."""
        lane = self._foreground
        if lane is None:
            self._early.append(number)
        else:
            lane.send(Frame(SIGNAL, lane.sequence, bytes((number,))))

    def close(self) -> None:
        """End everything at once, the server and the keepers too. A closed supervisor can't be used again."""
        self.stop(AT_ONCE)
        if not self._server or self._pool is None:
            return
        server, self._server = self._server, 0
        for one in tuple(self._behind):
            one.over.wait(_CLOSE_LIMIT)
        self._pool.close(_CLOSE_LIMIT)
        try:
            os.waitpid(server, 0)
        except ChildProcessError:  # whoever started kern ignored SIGCHLD
            pass
        self._stops.close()

    def __enter__(self) -> Self:
        if not self._server:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, *, foreground: bool) -> None:
        _fill_standard_files()
        number = self._count + SPARE_LANES
        ask, pool, *pipes = all_pipes = make_pipes(2 + BELLS + PIPES * number)
        bells, pipes = pipes[:BELLS], pipes[BELLS:]
        pairs = [make_lane(each, pipes[each * PIPES :][:PIPES]) for each in range(number)]
        theirs = (ask[0], *(end for _, ends in pairs for end in ends))
        try:
            self._server = _fork_server(ask[0], [ends for _, ends in pairs], foreground=foreground)
        except OSError:
            close_pipes(all_pipes)
            raise
        for end in theirs:
            os.close(end)
        self._stops.open(bells)
        self._pool = Pool([lane for lane, _ in pairs], ask[1], pool)
        self._requests = ask[1]

    def _refuse(self, request: Request) -> None:
        if self.stopping >= AT_ONCE or (self.stopping >= ORDERLY and not request.always):
            raise Stopped("kern is stopping", where=" ".join(request.argv[:1]))

    def _converse(self, lane: Lane, request: Request, body: bytes, sinks: dict[int, Sink]) -> Ended:
        ending = Ending(time.monotonic(), timeout=request.timeout, grace=self._grace, always=request.always)
        lane.sequence += 1
        try:
            lane.send(Frame(RUN, lane.sequence, body))
            if request.foreground:
                self._come_to_front(lane)
            status = attend(lane, ending, self._stops, sinks)
        except BaseException:
            end_unheard(lane)
            raise
        finally:
            self._foreground = None if self._foreground is lane else self._foreground
        lane.lost = is_unusable(status)
        return judge(request, status, ending)

    def _come_to_front(self, lane: Lane) -> None:
        self._foreground = lane
        while self._early:
            self.forward(self._early.pop(0))


class _TerminalSignals:
    r"""While a foreground command runs, the terminal's Ctrl-C and Ctrl-\ are the command's alone.

    Signals belong to the main thread; from another one, leave it to kern to have them ignored.
    """

    def __init__(self, *, active: bool) -> None:
        self._active = active and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        signals = (signal.SIGINT, signal.SIGQUIT) if self._active else ()
        self._handlers = {number: signal.signal(number, signal.SIG_IGN) for number in signals}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)


def _fill_standard_files() -> None:
    """Have 0, 1 and 2 open, so that no pipe gets one of these numbers, which mean something else in a command."""
    while (file := os.open(os.devnull, os.O_RDWR)) <= _LAST_STANDARD_FILE:
        pass
    os.close(file)


def _fork_server(requests: int, lanes: list[Ends], *, foreground: bool) -> int:
    """Fork the server, sharing memory well: what lives now is left alone by the garbage collector from now on."""
    from kern.process import server  # here: in the fork every page that importing touches would be copied first

    gc.freeze()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        pid = os.fork()
        if pid == 0:
            _serve(server, requests, lanes, foreground=foreground)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return pid


def _serve(server: ModuleType, requests: int, lanes: list[Ends], *, foreground: bool) -> None:
    try:
        server.settle_in(foreground=foreground)
        server.Server(requests, lanes).serve()
    finally:
        os._exit(0)
