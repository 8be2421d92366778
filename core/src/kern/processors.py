"""How many processors this process may really use."""

from __future__ import annotations

import os

CPU_MAX = "cpu.max"
QUOTA_V1 = ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")


def usable_processors() -> int:
    """The processors of this process: its affinity, and what its control group (version 2 or 1) grants it."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    granted = _granted()
    return max(1, min(count, granted) if granted else count)


def _granted() -> int:
    """Whole processors of the tightest quota up the control group's tree, 0 for no bound."""
    bounds = [_quota(_read(os.path.join(folder, CPU_MAX))) for folder in _groups()]
    bounds.append(_quota(" ".join(_read(f"/sys/fs/cgroup/{name}") for name in QUOTA_V1)))
    return min((bound for bound in bounds if bound), default=0)


def _groups() -> list[str]:
    for line in _read("/proc/self/cgroup").splitlines():
        if line.startswith("0::"):
            parts = line[3:].strip("/").split("/")
            return ["/".join(["/sys/fs/cgroup", *parts[:depth]]) for depth in range(len(parts) + 1)]
    return []


def _quota(text: str) -> int:
    """``200000 100000`` is 2 processors, ``150000 100000`` rounds up to 2, ``max 100000`` is no bound."""
    words = text.split()
    if len(words) != 2 or not all(word.isdigit() for word in words) or words[1] == "0":  # noqa: PLR2004
        return 0
    return -(-int(words[0]) // int(words[1]))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""
