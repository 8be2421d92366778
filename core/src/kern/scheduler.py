"""Run a graph of steps on a few threads, within pools. What a step does is not known here."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


PATIENCE = 5.0
"""Seconds that what runs has to come to its end after the second `Scheduler.stop`."""


class Node(NamedTuple):
    """A step: its key, the keys it waits for, and the pools it takes one place of while it runs."""

    key: str
    after: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()


class Pools:
    """Named limits. A name without a size is no limit."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        """All places are free."""
        self._free = dict(sizes)
        self._changed = threading.Condition()

    def take(self, names: Iterable[str]) -> bool:
        """Take one place of each if all have one, without waiting."""
        counted = [name for name in names if name in self._free]
        with self._changed:
            if any(self._free[name] < 1 for name in counted):
                return False
            for name in counted:
                self._free[name] -= 1
            return True

    def give(self, names: Iterable[str]) -> None:
        """Give the places back."""
        with self._changed:
            for name in names:
                if name in self._free:
                    self._free[name] += 1
            self._changed.notify_all()

    @contextmanager
    def hold(self, names: tuple[str, ...]) -> Iterator[None]:
        """Wait for one place of each and keep it."""
        limited = [name for name in names if name in self._free]
        if limited:
            with self._changed:
                self._changed.wait_for(lambda: self.take_locked(limited))
        try:
            yield
        finally:
            if limited:
                self.give(limited)

    def take_locked(self, names: list[str]) -> bool:
        """`take` for a caller that holds the lock."""
        if any(self._free[name] < 1 for name in names):
            return False
        for name in names:
            self._free[name] -= 1
        return True


class Scheduler:
    """Runs nodes in their order as far as dependencies, pools and the number of threads allow."""

    def __init__(self, nodes: Iterable[Node], work: Callable[[str], None], jobs: int, pools: Pools) -> None:
        """Prepare; ``work`` gets a node's key, in some thread, and must not raise."""
        self._waiting = {node.key: node for node in nodes}
        self._unfinished = set(self._waiting)
        self._work = work
        self._jobs = min(jobs, len(self._waiting))
        self._pools = pools
        self._changed = threading.Condition()
        self._stopped = False
        self._deadline = 0.0
        self.abandoned = False
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Run everything; returns when all has ended, or what was running when `stop` was called.

        After a `stop` with level 2 it waits `PATIENCE` seconds for that and no longer; ``abandoned`` says then that
        something still runs.

        Raises:
            BaseException: what a ``work`` raised although it must not.
        """
        threads = [threading.Thread(target=self._loop, name=f"kern-{n}", daemon=True) for n in range(self._jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and not self.abandoned:
                thread.join(1.0)  # a signal handler may run in between, and set the deadline
                self.abandoned = thread.is_alive() and 0 < self._deadline < time.monotonic()
        if self._failure is not None:
            raise self._failure

    def stop(self, level: int = 1) -> None:
        """Start nothing more; with level 2 give up what does not end. May be called from a signal handler: takes no lock."""
        self._stopped = True
        if level > 1 and not self._deadline:
            self._deadline = time.monotonic() + PATIENCE

    def _loop(self) -> None:
        while True:
            with self._changed:
                node = self._next()
                while node is None and self._waiting and not self._stopped:
                    self._changed.wait(0.5)  # stop() does not notify
                    node = self._next()
                if node is None:
                    return
            try:
                self._work(node.key)
            except BaseException as error:  # noqa: BLE001 - carried into the thread that called run
                self._failure = self._failure or error
                self._stopped = True
            self._finish(node)

    def _next(self) -> Node | None:
        if self._stopped:
            return None
        for node in self._waiting.values():
            if self._unfinished.isdisjoint(node.after) and self._pools.take(node.pools):
                del self._waiting[node.key]
                return node
        return None

    def _finish(self, node: Node) -> None:
        self._pools.give(node.pools)
        with self._changed:
            self._unfinished.discard(node.key)
            self._changed.notify_all()
