"""All processes that one command has brought into being, as its keeper sees them."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from kern.process import tree

if TYPE_CHECKING:
    from collections.abc import Callable

KILL_LIMIT = 2.0
"""Seconds after which what has not died of SIGKILL is given up: another user's process, or one stuck in the system."""

_KILL_AGAIN = 0.002


class Brood:
    """A command and its descendants.

    Attributes:
        code: the exit code of the command itself, ``None`` while it runs.
    """

    def __init__(self, pid: int, *, leads: bool, adopts: bool) -> None:
        """Take charge of a command.

        Args:
            pid: the command.
            leads: whether it leads a process group of its own.
            adopts: whether orphans become children of this process (`tree.become_subreaper`).
        """
        self.code: int | None = None
        self._pid = pid
        self._leads = leads
        self._adopts = adopts

    def reap(self) -> bool:
        """Collect the dead; whether anything is left alive."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return not self._adopts and self._leads and tree.send(-self._pid, 0)
            if pid == 0:
                return True
            if pid == self._pid:
                self.code = os.waitstatus_to_exitcode(status)

    def signal(self, number: int) -> None:
        """Send a signal to the command's group, or to it alone if the group is not its own; not once it has ended."""
        if self.code is None:
            tree.send(-self._pid if self._leads else self._pid, number)

    def count(self) -> int:
        """How many processes of it are alive; where orphans can't be adopted the group counts as one."""
        alive = sum(map(tree.is_alive, tree.descendants(tree.children(os.getpid()))))
        return alive or int(self.reap())

    def kill(self, pause: Callable[[float], object]) -> int:
        """Kill until nothing is left, or nothing more can be done; how many are left.

        Args:
            pause: waits for a number of seconds, or until a child has ended.
        """
        limit = time.monotonic() + KILL_LIMIT
        while self.reap():
            for pid in self._targets():
                tree.send(pid, signal.SIGKILL)
            if time.monotonic() > limit:
                return self.count()
            pause(_KILL_AGAIN)
        return 0

    def _targets(self) -> list[int]:
        # The group's number may be somebody else's once the command is collected and its group proven empty.
        group = [-self._pid] if self._leads and (self.code is None or not self._adopts) else []
        return group + tree.descendants(tree.children(os.getpid()))
