"""A process tree: who descends from whom, and how orphans stay inside it.

On Linux a *subreaper* (``prctl(2)``, PR_SET_CHILD_SUBREAPER) inherits every orphan among its descendants, however it
was made: by a double fork, in a session of its own, as a daemon. So "no child left" proves "no descendant left".

Elsewhere there is no such thing: `become_subreaper` says no, and all that can be owned is the process group of the
command. A descendant that leaves the group (a daemon) is then not found; one that stays in it, is.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_CHILD_SUBREAPER = 36


def load_prctl() -> Callable[..., object] | None:
    """The C function ``prctl``; ``None`` where there is none, or no ``/proc`` to find orphans in."""
    if not sys.platform.startswith("linux") or not os.path.exists("/proc/self/stat"):
        return None
    try:
        # All that `ctypes` would do here, without the 3 ms that it takes to import.
        from _ctypes import call_function, dlopen, dlsym

        address = dlsym(dlopen(None, 0), "prctl")  # type: ignore[arg-type]
    except (ImportError, OSError):
        return _load_prctl_by_ctypes()
    return lambda *numbers: call_function(address, numbers)


def become_subreaper(prctl: Callable[..., object] | None) -> bool:
    """Have the orphans among the descendants of this process become its children; ``False`` where that can't be."""
    return prctl is not None and prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def children(pid: int) -> list[int]:
    """The children of a process, zombies included; none for a process that has gone.

    One of them may be missed while others end, and new ones may come: ask again until there is none.
    """
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        return [int(child) for task in tasks for child in _read(f"/proc/{pid}/task/{task}/children").split()]
    except ProcessLookupError:
        return []
    except FileNotFoundError:
        return _children_by_scan(pid) if os.path.exists(f"/proc/{pid}") else []


def descendants(roots: list[int]) -> list[int]:
    """These processes and all that descend from them, parents first."""
    found = list(roots)
    for pid in found:
        found += children(pid)
    return found


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    return _stat(pid)[:1] not in ([], [b"Z"], [b"X"])


def send(pid: int, number: int) -> bool:
    """Send a signal to a process, or to a process group given as ``-pid``; ``False`` if there is none or it is not ours."""
    try:
        os.kill(pid, number)
    except OSError as error:
        if error.errno in (errno.ESRCH, errno.EPERM):
            return False
        raise
    return True


def _children_by_scan(parent: int) -> list[int]:
    """For kernels without ``/proc/PID/task/TID/children`` (CONFIG_PROC_CHILDREN)."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if _stat(pid)[1:2] == [str(parent).encode()]]


def _stat(pid: int) -> list[bytes]:
    """State, parent and so on, as in ``proc_pid_stat(5)`` from its third field on."""
    try:
        data = _read(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return data[data.rindex(b")") + 2 :].split()


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.readall()


def _load_prctl_by_ctypes() -> Callable[..., object] | None:
    try:
        import ctypes

        function: Callable[..., object] = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return function
