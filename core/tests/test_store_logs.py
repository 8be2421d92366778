"""Logs: one directory a run, the last ones kept, none deleted that is in use or that kern did not make."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from kern import store
from kern.errors import KernError
from kern.store.layout import claim
from kern.store.logs import KEPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def work(tmp_path: Path) -> str:
    return str(tmp_path / ".kern")


@pytest.fixture
def runs() -> Iterator[list[store.RunDirectory]]:
    made: list[store.RunDirectory] = []
    yield made
    for run in made:
        os.close(run.descriptor)


def names(work: str) -> list[str]:
    return sorted(name for name in os.listdir(f"{work}/logs") if name != "latest")


def old_run(work: str, number: int) -> str:
    path = f"{work}/logs/20200101T0000{number:02}Z-{number}"
    store.make_directory(work, path)
    with open(f"{path}/py312.log", "w") as file:
        file.write("x")
    return path


def test_each_run_has_a_directory_of_its_own_and_latest_points_at_the_newest(
    work: str, runs: list[store.RunDirectory]
) -> None:
    runs += [store.new_run_directory(work) for _ in range(3)]
    assert len({run.path for run in runs}) == 3
    assert all(os.path.isdir(run.path) for run in runs)
    assert os.readlink(f"{work}/logs/latest") == os.path.basename(runs[-1].path)
    assert f"-{os.getpid()}" in runs[0].path


def test_the_last_runs_are_kept(work: str, runs: list[store.RunDirectory]) -> None:
    for number in range(30):
        old_run(work, number)
    runs.append(store.new_run_directory(work))
    left = names(work)
    assert len(left) == KEPT
    assert os.path.basename(runs[0].path) == left[-1]
    assert left[0] == f"20200101T0000{30 - KEPT + 1:02}Z-{30 - KEPT + 1}"


def test_a_run_that_goes_on_is_kept(work: str, runs: list[store.RunDirectory]) -> None:
    from kern.store.locks import hold

    held = old_run(work, 0)
    descriptor = os.open(held, os.O_RDONLY)
    hold(descriptor)
    for number in range(1, 30):
        old_run(work, number)
    runs.append(store.new_run_directory(work))
    assert os.path.exists(held)
    os.close(descriptor)
    for number in range(30, 60):
        old_run(work, number)
    runs.append(store.new_run_directory(work))
    assert not os.path.exists(held)


def test_nothing_else_is_deleted(work: str, runs: list[store.RunDirectory]) -> None:
    for number in range(30):
        old_run(work, number)
    os.makedirs(f"{work}/logs/20190101T000000Z-1/not-ours")
    os.makedirs(f"{work}/logs/20190101T000000Z-2")
    os.makedirs(f"{work}/logs/a-folder")
    os.symlink(work, f"{work}/logs/20190101T000000Z-3")
    runs.append(store.new_run_directory(work))
    left = names(work)
    assert "20190101T000000Z-1" in left
    assert "20190101T000000Z-2" not in left
    assert "20190101T000000Z-3" in left
    assert "a-folder" in left


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_latest_of_the_user_stays(work: str, kind: str, runs: list[store.RunDirectory]) -> None:
    claim(work)
    os.mkdir(f"{work}/logs")
    if kind == "folder":
        os.mkdir(f"{work}/logs/latest")
    else:
        with open(f"{work}/logs/latest", "w") as file:
            file.write("mine")
    runs.append(store.new_run_directory(work))
    assert os.path.isdir(runs[0].path)
    assert not os.path.islink(f"{work}/logs/latest")
    assert not [name for name in os.listdir(f"{work}/logs") if name.startswith(".")]


def test_a_log_is_private_appended_to_and_below_its_run(work: str, runs: list[store.RunDirectory]) -> None:
    run = store.new_run_directory(work)
    runs.append(run)
    for text in (b"one ", b"two"):
        descriptor = store.open_log(run.path, "(sdist) py312/../../x")
        os.write(descriptor, text)
        os.close(descriptor)
    path = store.log_path(run.path, "(sdist) py312/../../x")
    assert os.path.dirname(path) == run.path
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, "rb") as file:
        assert file.read() == b"one two"


def test_a_linked_log_is_refused(work: str, tmp_path: Path, runs: list[store.RunDirectory]) -> None:
    run = store.new_run_directory(work)
    runs.append(run)
    os.symlink(tmp_path / "victim", f"{run.path}/py312.log")
    with pytest.raises(KernError, match="symbolic link"):
        store.open_log(run.path, "py312")
    assert not (tmp_path / "victim").exists()


def test_a_linked_folder_of_logs_is_refused(work: str, tmp_path: Path) -> None:
    claim(work)
    (tmp_path / "victim").mkdir()
    os.symlink(tmp_path / "victim", f"{work}/logs")
    with pytest.raises(KernError, match="symbolic link"):
        store.new_run_directory(work)
    assert os.listdir(tmp_path / "victim") == []
