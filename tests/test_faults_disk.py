"""The disk is full: kern says so in words; once there is room again, the same command puts everything right."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.faults import Trials, chance, times

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Result
    from tests.faults import Trial

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount a small disk")

CLONE_NEWNS = 0x00020000
SIZE = 64 << 20
WORDS = ("no space left", "disk is full", "no room")


def on_a_small_disk(folder: Path, work: Callable[[], None]) -> None:
    """Do ``work`` in a thread for which, and for whose children, a small file system is mounted on the folder."""

    def enter() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) != 0:
            pytest.skip(f"no private mounts here: {os.strerror(ctypes.get_errno())}")
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
        if subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode != 0:
            pytest.skip("a tmpfs cannot be mounted here")
        work()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(enter).result()


def free(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def leave(folder: Path, room: int) -> Path:
    """Fill the disk up to so many bytes; the file to take away again."""
    ballast = folder / "ballast"
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, free(folder) - room)
    return ballast


def fill_and_free(trial: Trial, disk: Path, shares: list[float]) -> list[float]:
    """Run with room for each of these shares of what a cold run needs; those that were too little for it."""
    before = free(disk)
    trial.run()
    needed = before - free(disk)
    golden = trial.manifest()
    too_little = []
    for share in shares:
        trial.forget()
        ballast = leave(disk, int(needed * share))
        try:
            done = trial.project.kern("run")
        finally:
            ballast.unlink()
        if done.code != 0:
            too_little.append(share)
            assert_said_in_words(done)
        trial.wait_for_nothing(1)
        trial.run()
        trial.assert_golden(golden, why=f"after a run with {share:.2f} of {needed} bytes")
    return too_little


def assert_said_in_words(done: Result) -> None:
    """One error, which says what is the matter; no traceback of anybody."""
    assert done.code in {1, 3}, str(done)
    assert len([line for line in done.screen.splitlines() if line.startswith("error: ")]) == 1, str(done)
    assert any(word in done.screen.lower() for word in WORDS), str(done)
    assert "Traceback" not in done.screen, str(done)


@pytest.mark.parametrize("caches", ["on the same disk", "elsewhere"])
def test_a_full_disk_is_said_in_words_and_healed_from(
    tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...], caches: str
) -> None:
    choices = chance(f"disk {caches}")
    levels = times(4)
    shares = [(level + choices.random()) / (levels + 1) for level in range(levels)]
    disk = tmp_path / "disk"
    disk.mkdir()

    def work() -> None:
        trial = Trials(disk, clean_environ, kern_command).make()
        if caches == "elsewhere":
            trial.project.environ = {
                **trial.project.environ,
                "KERN_CACHE_DIR": f"{tmp_path}/k",
                "UV_CACHE_DIR": f"{tmp_path}/u",
            }
            trial.run()
            trial.forget()
        assert len(fill_and_free(trial, disk, shares)) >= levels // 2

    on_a_small_disk(disk, work)
