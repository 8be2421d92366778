"""Work that is killed half-way, as a machine that loses its power does it, or a user who has no time."""

from __future__ import annotations

import os
import signal
import time
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.testing.workbench import Workbench

MOMENTS = (0.1, 0.4, 0.8)
"""Parts of the usual time after which work is killed."""

_LONGEST = 1200.0


def kill_half_way(bench: Workbench, work: Callable[[], object], seconds: float) -> None:
    """Do some work in a child process and kill it, and all that it started, after so many seconds."""
    bench.close()  # the child starts a supervisor of its own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking while there are threads
        child = os.fork()
    if child == 0:
        _live(bench, work)
    _wait(child, seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    _settle(bench)


def _live(bench: Workbench, work: Callable[[], object]) -> None:
    code = 1
    try:
        work()
        code = 0
    finally:
        bench.close()
        os._exit(code)


def _wait(child: int, seconds: float) -> None:
    """Sleep, and notice an early end without collecting the child."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.005)


def _settle(bench: Workbench) -> None:
    """Wait until what the child started is gone too: its keepers see to that."""
    limit = time.monotonic() + _LONGEST / 10
    while bench.left_behind() and time.monotonic() < limit:
        time.sleep(0.01)
    assert bench.left_behind() == [], "processes outlive kern"
