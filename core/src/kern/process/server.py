"""The server: a single-threaded process, forked by kern, that forks the keepers.

Kern itself has threads and must not fork. The server also cleans up after a keeper that was killed (what the keeper owned
becomes the server's), and makes sure at kern's end, however it came, that everything has ended.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING

from kern.process import tree
from kern.process.brood import KILL_LIMIT
from kern.process.keeper import Keeper, empty, watch_children
from kern.process.lane import EXTRA, NUMBER_SIZE
from kern.process.wire import LOST, Status, pack_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.process.wire import Ends

_IGNORED = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGPIPE,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_KEEPERS_LEAVE = 0.5
_KILL_AGAIN = 0.002
_MOST_FILES = 4096


def settle_in(*, foreground: bool) -> None:
    """Turn a fresh fork of kern into a process that no terminal and no signal to kern's group can disturb.

    Args:
        foreground: stay in kern's session and group, so that a command can use the terminal.
    """
    signal.set_wakeup_fd(-1)
    for number in range(1, signal.NSIG):
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.chdir("/")
    if not foreground:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)


def keep_only(files: list[int]) -> None:
    """Close every file of this process but the standard ones and these: locks and pipes of kern must not live on here."""
    kept = {0, 1, 2, *files}
    for file in _open_files():
        if file not in kept:
            try:
                os.close(file)
            except OSError:  # the listing's own
                pass


class Server:
    """The state of the server; `serve` is its whole life."""

    def __init__(self, requests: int, lanes: list[Ends]) -> None:
        """Set up in the server's own process.

        Args:
            requests: reading end of the pipe through which kern asks for the keeper of a lane.
            lanes: the keepers' ends of all lanes.
        """
        keep_only([requests, *(end for ends in lanes for end in ends)])
        self._requests = requests
        self._lanes = dict(enumerate(lanes))
        self._inherited = len(lanes)
        self._keepers: dict[int, int] = {}
        self._prctl = tree.load_prctl()
        self._adopts = tree.become_subreaper(self._prctl)
        self._wake = watch_children()
        self._life, self._own_life = os.pipe()

    def serve(self) -> None:
        """Start keepers as they are asked for, until kern is no more; nothing is left running then."""
        poller = select.poll()
        poller.register(self._requests, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        while True:
            happened = dict(poller.poll())
            if self._wake in happened:
                empty(self._wake)
                self._mourn()
            if self._requests in happened:
                number = os.read(self._requests, NUMBER_SIZE)
                if not number:
                    return self._leave()
                self._serve_lane(int.from_bytes(number, "big"))

    def _serve_lane(self, number: int) -> None:
        if number == EXTRA:
            from kern.process.extra import read_lane

            try:
                number, ends = read_lane(self._requests)
            except OSError:  # kern waits for an answer, and not for ever
                return
            self._lanes[number] = ends
        self._start_keeper(number)

    def _start_keeper(self, number: int) -> None:
        try:
            pid = os.fork()
        except OSError:
            self._give_up_lane(number)
            return
        if pid:
            self._keepers[pid] = number
            return
        code = 1
        try:
            keep_only([self._life, *self._lanes[number]])
            adopts = tree.become_subreaper(self._prctl)
            Keeper(self._lanes[number], self._life, adopts=adopts).serve()
            code = 0
        finally:
            os._exit(code)

    def _mourn(self) -> None:
        """Collect keepers; one that did not leave by itself may have left its command running."""
        lost = self._reap()
        if lost and self._adopts:
            self._kill(self._strays)
        for number in lost:
            self._give_up_lane(number)

    def _forget(self, number: int) -> None:
        """Close the ends of an extra lane that has served its time."""
        if number >= self._inherited:
            for end in self._lanes.pop(number):
                os.close(end)

    def _reap(self) -> list[int]:
        """The lanes whose keepers were lost, among the children that have ended by now."""
        lost: list[int] = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return lost
            if pid == 0:
                return lost
            number = self._keepers.pop(pid, None)
            if number is None:
                continue
            if status != 0:
                lost.append(number)
            else:
                self._forget(number)

    def _give_up_lane(self, number: int) -> None:
        try:
            os.write(self._lanes[number].status, pack_status(Status(LOST)))
        except BrokenPipeError:
            pass
        self._forget(number)

    def _leave(self) -> None:
        limit = time.monotonic() + _KEEPERS_LEAVE
        while self._keepers and time.monotonic() < limit:
            self._pause(limit - time.monotonic())
            self._reap()
        self._kill(lambda: [*self._keepers, *self._strays()])

    def _strays(self) -> list[int]:
        return [pid for pid in tree.children(os.getpid()) if pid not in self._keepers]

    def _kill(self, find: Callable[[], list[int]]) -> None:
        limit = time.monotonic() + KILL_LIMIT
        while (roots := find()) and time.monotonic() < limit:
            for pid in tree.descendants(roots):
                tree.send(pid, signal.SIGKILL)
            self._pause(_KILL_AGAIN)
            self._reap()

    def _pause(self, seconds: float) -> None:
        select.select([self._wake], [], [], max(0.0, seconds))
        empty(self._wake)


def _open_files() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        return list(range(3, min(os.sysconf("SC_OPEN_MAX"), _MOST_FILES)))
