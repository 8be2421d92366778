"""Killed at any point, kern finds its way: every system call that changes something is a place to die at."""

from __future__ import annotations

import functools
import os
import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import kern.store.directories
import kern.store.locks
import kern.store.records
import kern.store.removal  # noqa: F401 - nothing may be imported between two counted calls
from kern import store
from kern.errors import LockTimeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHANGES = ("mkdir", "open", "write", "pwrite", "replace", "rename", "unlink", "rmdir", "ftruncate", "fchmod", "close")


def remake(work: str) -> None:
    """Make an environment anew the way kern does."""
    path = store.environment_path(work, "py312")
    with store.lock(work, "py312", timeout=30):
        token = store.remake_directory(work, "env", "py312", path)
        for number in range(2):
            os.makedirs(f"{path}/lib/{number}")
            with open(f"{path}/lib/{number}/module.py", "w") as file:
                file.write("x")
        store.write_record(work, "env", "py312", {"state": "ready", "token": token})


def check(work: str) -> None:
    """A record that says ready tells the truth."""
    record = store.read_record(work, "env", "py312")
    if record is not None and record["state"] == "ready":
        path = store.environment_path(work, "py312")
        assert store.belongs_here(path, record["token"])
        assert os.path.exists(f"{path}/lib/1/module.py")


def die_at(count: int, action: Callable[[], None]) -> bool:
    """Run something in a child that kills itself at its count-th change; whether it came to its end before."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in {0, -signal.SIGKILL}
        return status == 0
    left = [count]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    code = 1
    try:
        for name in CHANGES:
            setattr(os, name, counted(getattr(os, name)))
        action()
        code = 0
    finally:
        os._exit(code)


@pytest.mark.parametrize("way", ["trash", "in place"])
def test_every_place_to_die_is_survived(tmp_path: Path, way: str) -> None:
    def remake_there(work: str) -> None:
        if way == "in place":
            os.rename = refuse
        remake(work)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(18, "another file system")

    count, ended = 0, False
    while not ended:
        count += 1
        work = str(tmp_path / str(count) / ".kern")
        if count % 2:  # the other half starts from nothing
            remake(work)
        ended = die_at(count, functools.partial(remake_there, work))
        check(work)
        remake(work)
        check(work)
        record = store.read_record(work, "env", "py312")
        assert record is not None
        assert record["state"] == "ready"
        assert os.listdir(f"{work}/envs") == ["py312"]
        store.tidy(work)
        assert not os.path.exists(f"{work}/trash")
    assert count > 50


def test_no_place_to_die_makes_a_directory_the_property_of_nobody(tmp_path: Path) -> None:
    """As above, but the folder of records is lost as well."""
    count, ended = 0, False
    while not ended:
        count += 1
        work = str(tmp_path / str(count) / ".kern")
        remake(work)
        ended = die_at(count, functools.partial(remake, work))
        path = store.environment_path(work, "py312")
        check(work)
        store.remove_record(work, "env", "py312")
        store.remove_directory(work, path, None)
        assert not os.path.exists(path)


LOOP = """
import os, sys
from kern import store
work, rounds, files = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
path = store.environment_path(work, "py312")
print("go", flush=True)
for _ in range(rounds):
    with store.lock(work, "py312", timeout=60):
        token = store.remake_directory(work, "env", "py312", path)
        for number in range(files):
            os.makedirs(f"{path}/lib/{number}")
            with open(f"{path}/lib/{number}/module.py", "x") as file:
                file.write(token)
        store.write_record(work, "env", "py312", {"state": "ready", "token": token})
    with store.lock(work, "py312", exclusive=False, timeout=60):
        token = store.read_record(work, "env", "py312")["token"]
        for number in range(files):
            with open(f"{path}/lib/{number}/module.py") as file:
                assert file.read() == token
"""


def test_every_place_to_die_while_cleaning_is_survived(tmp_path: Path) -> None:
    count, ended = 0, False
    while not ended:
        count += 1
        work = str(tmp_path / str(count) / ".kern")
        remake(work)
        path = store.environment_path(work, "py312")
        ended = die_at(count, functools.partial(store.discard_directory, work, "env", "py312", path))
        check(work)
        store.discard_directory(work, "env", "py312", path)
        assert store.read_record(work, "env", "py312") is None
        assert os.listdir(f"{work}/envs") == []


def test_killed_at_any_time_by_somebody_else(tmp_path: Path) -> None:
    work = str(tmp_path / ".kern")
    dice = random.Random(7)
    for _ in range(12):
        script = [sys.executable, "-c", LOOP, work, "1000", "300"]
        with subprocess.Popen(script, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                process.wait(timeout=dice.uniform(0, 0.15))
            except subprocess.TimeoutExpired:
                process.kill()
        check(work)
        with store.lock(work, "py312", timeout=0):
            pass
    remake(work)
    check(work)
    assert os.listdir(f"{work}/envs") == ["py312"]


def test_many_at_once_take_turns(tmp_path: Path) -> None:
    work = str(tmp_path / ".kern")
    script = [sys.executable, "-c", LOOP, work, "10", "5"]
    processes = [
        subprocess.Popen(script, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(6)
    ]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    check(work)
    with pytest.raises(LockTimeout), store.lock(work, "py312"):
        store.lock(work, "py312", timeout=0).__enter__()
