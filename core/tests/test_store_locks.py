"""Locks: between threads and between processes, held by the kernel, told in words."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kern import store
from kern.errors import KernError, LockTimeout, Stopped
from kern.store.layout import claim
from kern.store.locks import hold, in_use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDER = """
import sys, time
sys.argv[0] = "/usr/bin/kern"
from kern import store
with store.lock(sys.argv[2], "py312", exclusive=sys.argv[3] == "exclusive"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def work(tmp_path: Path) -> str:
    return str(tmp_path / ".kern")


@pytest.fixture
def holders(work: str) -> Iterator[list[subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def hold_elsewhere(holders: list[subprocess.Popen[str]], work: str, how: str = "exclusive") -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, "run", work, how], stdout=subprocess.PIPE, text=True)
    holders.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_is_free_again_after_its_block(work: str) -> None:
    for _ in range(3):
        with store.lock(work, "py312", timeout=0):
            pass
    with pytest.raises(ZeroDivisionError), store.lock(work, "py312", timeout=0):
        raise ZeroDivisionError
    with store.lock(work, "py312", timeout=0):
        pass


def test_the_lock_file_is_private_and_stays(work: str) -> None:
    with store.lock(work, "py312"):
        pass
    status = os.stat(f"{work}/locks/py312.lock")
    assert stat.S_IMODE(status.st_mode) == 0o600
    with store.lock(work, "py312"):
        assert os.stat(f"{work}/locks/py312.lock").st_ino == status.st_ino


def test_another_process_waits_and_the_holder_is_named(work: str, holders: list[subprocess.Popen[str]]) -> None:
    process = hold_elsewhere(holders, work)
    with pytest.raises(LockTimeout) as caught, store.lock(work, "py312", timeout=0.05):
        pass
    assert f"process {process.pid} (kern run) since" in caught.value.message
    assert "0.05 seconds" in caught.value.message
    assert "--lock-timeout" in caught.value.hint
    with store.lock(work, "py311", timeout=0):
        pass


def test_killing_the_holder_frees_the_lock(work: str, holders: list[subprocess.Popen[str]]) -> None:
    for _ in range(5):
        process = hold_elsewhere(holders, work)
        with pytest.raises(LockTimeout), store.lock(work, "py312", timeout=0):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        with store.lock(work, "py312", timeout=0):
            pass


def test_a_waiter_gets_the_lock_when_the_holder_is_killed(work: str, holders: list[subprocess.Popen[str]]) -> None:
    process = hold_elsewhere(holders, work)
    told: list[str] = []

    def end_the_holder(text: str) -> None:
        told.append(text)
        process.kill()

    with store.lock(work, "py312", timeout=60, on_wait=end_the_holder):
        pass
    assert len(told) == 1
    assert f"waiting for py312, held by process {process.pid} (kern run)" in told[0]


def test_shared_holders_share_and_keep_an_exclusive_one_out(work: str, holders: list[subprocess.Popen[str]]) -> None:
    hold_elsewhere(holders, work, "shared")
    with store.lock(work, "py312", exclusive=False, timeout=0), store.lock(work, "py312", exclusive=False, timeout=0):
        pass
    with pytest.raises(LockTimeout), store.lock(work, "py312", timeout=0):
        pass


def test_an_exclusive_holder_keeps_shared_ones_out(work: str, holders: list[subprocess.Popen[str]]) -> None:
    hold_elsewhere(holders, work)
    with pytest.raises(LockTimeout), store.lock(work, "py312", exclusive=False, timeout=0):
        pass


def test_threads_of_one_process_exclude_each_other(work: str) -> None:
    inside: list[int] = []
    most: list[int] = []

    def enter() -> None:
        for _ in range(5):
            with store.lock(work, "py312", timeout=60):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 30


def test_who_is_told_to_stop_does(work: str) -> None:
    answers = iter([False, False, True])
    with store.lock(work, "py312"), pytest.raises(Stopped), store.lock(work, "py312", stopped=lambda: next(answers)):
        pass
    with store.lock(work, "py312", timeout=0, stopped=lambda: True):
        pass


def test_a_slow_lock_tells_once(work: str, holders: list[subprocess.Popen[str]]) -> None:
    hold_elsewhere(holders, work)
    told: list[str] = []
    asked: list[int] = []

    def stopped() -> bool:
        asked.extend([1] if told else [])
        return len(asked) == 4

    with pytest.raises(Stopped), store.lock(work, "py312", timeout=60, on_wait=told.append, stopped=stopped):
        pass
    assert len(told) == 1


def test_a_fast_lock_tells_nobody(work: str) -> None:
    told: list[str] = []
    with store.lock(work, "py312", on_wait=told.append), pytest.raises(LockTimeout):
        store.lock(work, "py312", timeout=0.1, on_wait=told.append).__enter__()
    assert told == []


def test_a_deleted_lock_file_is_no_trap(work: str) -> None:
    with store.lock(work, "py312"):
        os.unlink(f"{work}/locks/py312.lock")
    with store.lock(work, "py312", timeout=0), pytest.raises(LockTimeout), store.lock(work, "py312", timeout=0):
        pass


def test_a_lock_on_a_file_that_was_replaced_meanwhile_is_taken_again(
    work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{work}/locks/py312.lock"
    with store.lock(work, "py312"):
        pass
    real = fcntl.flock
    calls: list[int] = []

    def replace_first(descriptor: int, operation: int) -> None:
        if not calls:
            os.unlink(path)
        calls.append(operation)
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", replace_first)
    with store.lock(work, "py312", timeout=10), pytest.raises(LockTimeout), store.lock(work, "py312", timeout=0):
        pass


@pytest.mark.parametrize("make", [os.symlink, os.link])
def test_a_linked_lock_file_is_refused_and_its_target_untouched(work: str, tmp_path: Path, make: object) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    claim(work)
    os.mkdir(f"{work}/locks")
    assert callable(make)
    make(victim, f"{work}/locks/py312.lock")
    with pytest.raises(KernError) as caught, store.lock(work, "py312", timeout=0):
        pass
    assert not isinstance(caught.value, LockTimeout)
    assert caught.value.where == f"{work}/locks/py312.lock"
    assert victim.read_text() == ""


def test_a_linked_folder_of_locks_is_refused(work: str, tmp_path: Path) -> None:
    claim(work)
    (tmp_path / "outside").mkdir()
    os.symlink(tmp_path / "outside", f"{work}/locks")
    with pytest.raises(KernError, match="symbolic link"), store.lock(work, "py312", timeout=0):
        pass
    assert os.listdir(tmp_path / "outside") == []


def test_a_pipe_in_the_place_of_the_lock_file_is_refused(work: str) -> None:
    claim(work)
    os.mkdir(f"{work}/locks")
    os.mkfifo(f"{work}/locks/py312.lock")
    with pytest.raises(KernError), store.lock(work, "py312", timeout=0):
        pass


def test_a_file_with_content_of_its_own_is_locked_but_not_changed(work: str) -> None:
    claim(work)
    os.mkdir(f"{work}/locks")
    with open(f"{work}/locks/py312.lock", "w") as file:
        file.write("my notes")
    with store.lock(work, "py312", timeout=0), pytest.raises(LockTimeout, match="another process"):
        store.lock(work, "py312", timeout=0).__enter__()
    with open(f"{work}/locks/py312.lock") as file:
        assert file.read() == "my notes"


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_named(work: str, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(KernError, match="network file systems") as caught, store.lock(work, "py312"):
        pass
    assert "KERN_WORK_DIR" in caught.value.hint


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{",
        "[]",
        '{"kern_lock": 1, "pid": "x"}',
        '{"kern_lock": 1, "pid": 4194305, "command": "kern", "time": 1}',
        '{"kern_lock": 1, "pid": 1e400, "command": "kern", "time": 1}',
        '{"kern_lock": 1, "pid": 99999999999999999999, "command": "kern", "time": 1}',
        '{"kern_lock": 1, "pid": PID, "command": "kern", "time": 1e300}',
    ],
)
def test_a_note_that_names_nobody_is_no_trouble(work: str, note: str) -> None:
    with store.lock(work, "py312"):
        with open(f"{work}/locks/py312.lock", "w") as file:
            file.write(note.replace("PID", str(os.getpid())))
        with pytest.raises(LockTimeout, match="another process"), store.lock(work, "py312", timeout=0):
            pass


def test_the_note_holds_no_secrets_and_no_escapes(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/ke\x1brn", "run", "--token=secret"])
    with store.lock(work, "py312"):
        with open(f"{work}/locks/py312.lock") as file:
            note = json.load(file)
        with pytest.raises(LockTimeout) as caught, store.lock(work, "py312", timeout=0):
            pass
    assert note["command"] == "ke\x1brn run"
    assert note["pid"] == os.getpid()
    assert "(ke?rn run)" in caught.value.message


def test_a_child_does_not_inherit_the_lock(work: str) -> None:
    with store.lock(work, "py312"):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with store.lock(work, "py312", timeout=0):
            pass
    finally:
        child.kill()
        child.wait()


def test_a_forked_child_that_still_has_the_descriptor_does_not_keep_the_lock(work: str) -> None:
    lock = store.lock(work, "py312")
    lock.__enter__()
    copy = os.dup(lock._descriptor)  # type: ignore[attr-defined]
    lock.__exit__(None, None, None)
    try:
        with store.lock(work, "py312", timeout=0):
            pass
    finally:
        os.close(copy)


def test_a_directory_is_in_use_while_it_is_held(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    folder = os.open(tmp_path, os.O_RDONLY)
    run = os.open(tmp_path / "run", os.O_RDONLY)
    assert not in_use(folder, "run")
    hold(run)
    assert in_use(folder, "run")
    os.close(run)
    assert not in_use(folder, "run")
    assert in_use(folder, "missing")
    os.close(folder)


def test_without_locks_a_young_directory_counts_as_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    (tmp_path / "run").mkdir()
    folder = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(fcntl, "flock", refuse)
    hold(folder)
    assert in_use(folder, "run")
    os.utime(tmp_path / "run", (0, 0))
    assert not in_use(folder, "run")
    os.close(folder)
