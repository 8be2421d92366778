"""How many processors there are for kern: affinity and both versions of control groups."""

from __future__ import annotations

import os

import pytest

from kern import processors

ROOT = "/sys/fs/cgroup"


def pretend(monkeypatch: pytest.MonkeyPatch, count: int, files: dict[str, str]) -> int:
    """The answer on a machine with these files."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(count)), raising=False)
    monkeypatch.setattr(processors, "_read", lambda path: files.get(path, ""))
    return processors.usable_processors()


@pytest.mark.parametrize(
    ("count", "files", "expected"),
    [
        (8, {}, 8),
        (8, {"/proc/self/cgroup": "0::/"}, 8),
        (8, {"/proc/self/cgroup": "0::/", f"{ROOT}/cpu.max": "200000 100000"}, 2),
        (8, {"/proc/self/cgroup": "0::/", f"{ROOT}/cpu.max": "max 100000"}, 8),
        (8, {"/proc/self/cgroup": "0::/", f"{ROOT}/cpu.max": "150000 100000"}, 2),
        (8, {"/proc/self/cgroup": "0::/", f"{ROOT}/cpu.max": "10000 100000"}, 1),
        (1, {"/proc/self/cgroup": "0::/", f"{ROOT}/cpu.max": "400000 100000"}, 1),
        (8, {"/proc/self/cgroup": "0::/", f"{ROOT}/cpu.max": "nonsense"}, 8),
        (8, {"/proc/self/cgroup": "0::/", f"{ROOT}/cpu.max": "1 0"}, 8),
        (8, {"/proc/self/cgroup": "0::/", f"{ROOT}/cpu.max": "-1 100000"}, 8),
        (8, {"/proc/self/cgroup": "0::/a/b", f"{ROOT}/a/cpu.max": "300000 100000"}, 3),
        (
            8,
            {
                "/proc/self/cgroup": "1:name=x:/\n0::/a/b\n",
                f"{ROOT}/a/b/cpu.max": "500000 100000",
                f"{ROOT}/a/cpu.max": "300000 100000",
                f"{ROOT}/cpu.max": "max 100000",
            },
            3,
        ),
        (
            8,
            {
                "/proc/self/cgroup": "2:cpu:/x",
                f"{ROOT}/cpu/cpu.cfs_quota_us": "400000",
                f"{ROOT}/cpu/cpu.cfs_period_us": "100000",
            },
            4,
        ),
        (8, {f"{ROOT}/cpu/cpu.cfs_quota_us": "-1", f"{ROOT}/cpu/cpu.cfs_period_us": "100000"}, 8),
    ],
)
def test_quotas(monkeypatch: pytest.MonkeyPatch, count: int, files: dict[str, str], expected: int) -> None:
    assert pretend(monkeypatch, count, files) == expected


def test_without_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(processors, "_read", lambda _: "")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert processors.usable_processors() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors.usable_processors() == 1


def test_files_that_can_not_be_read(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "x")
    assert processors._read(path) == ""
    with open(path, "wb") as file:
        file.write(b"\xff\xfe")
    assert processors._read(path) == ""
    with open(path, "wb") as file:
        file.write(b" max 1\n")
    assert processors._read(path) == "max 1"


def test_here_there_is_at_least_one() -> None:
    assert 1 <= processors.usable_processors() <= (os.cpu_count() or 1)
