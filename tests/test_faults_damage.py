"""An environment, its record or its project is damaged between two runs: the next run heals it, or says in words why not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults import Trials, base_interpreter, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.faults import Trial

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="environments look different there")


@pytest.fixture(scope="module")
def healthy(
    tmp_path_factory: pytest.TempPathFactory, clean_environ: dict[str, str], kern_command: tuple[str, ...]
) -> tuple[Trial, Mapping[str, str]]:
    """A trial with a good environment, and what is in it."""
    trial = Trials(tmp_path_factory.mktemp("damage"), clean_environ, kern_command).make()
    trial.run()
    return trial, trial.manifest()


@pytest.fixture
def trial(healthy: tuple[Trial, Mapping[str, str]]) -> Iterator[Trial]:
    """The same, healthy again after the test, whose damage reached nothing else."""
    trial, golden = healthy
    before = base_interpreter()
    yield trial
    assert base_interpreter() == before
    if trial.project.root.parent != trial.base or trial.manifest() != golden:
        trial.forget()
        trial.run()


def packages(trial: Trial) -> Path:
    return next(trial.project.environment("a").glob("lib/python*/site-packages"))


def lose_the_interpreter(trial: Trial) -> None:
    for path in (trial.project.environment("a") / "bin").glob("python*"):
        path.unlink()
    (trial.project.environment("a") / "bin/python").symlink_to("/nonexistent/python3")


def become_a_file(trial: Trial) -> None:
    shutil.rmtree(trial.project.environment("a"))
    trial.project.environment("a").write_text("hello")


def uninstall(trial: Trial) -> None:
    for path in packages(trial).glob("pear*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def with_records(change: Callable[[Path], object]) -> Callable[[Trial], None]:
    def damage(trial: Trial) -> None:
        records = list((trial.project.work / "records").rglob("*.json"))
        assert len(records) >= 4
        for path in records:
            change(path)

    return damage


def lose_pyvenv_cfg(trial: Trial) -> None:
    (trial.project.environment("a") / "pyvenv.cfg").unlink()


def cut(path: Path) -> None:
    """Cut a file to nothing, but not what is linked to it: an environment of another project, or a cache."""
    path.unlink()
    path.write_text("")


DAMAGES: dict[str, Callable[[Trial], object]] = {
    "the interpreter dangles": lose_the_interpreter,
    "site-packages is gone": lambda trial: shutil.rmtree(packages(trial)),
    "pyvenv.cfg is gone": lose_pyvenv_cfg,
    "the programs are gone": lambda trial: shutil.rmtree(trial.project.environment("a") / "bin"),
    "one program is gone": lambda trial: (trial.project.environment("a") / "bin/eat-apple").unlink(),
    "the environment is gone": lambda trial: shutil.rmtree(trial.project.environment("a")),
    "a distribution is gone": uninstall,
    "a file is gone": lambda trial: (packages(trial) / "demo/part_149.py").unlink(),
    "a file is cut": lambda trial: cut(packages(trial) / "apple.py"),
    "the records are gone": with_records(lambda path: path.unlink()),
    "the records are cut": with_records(lambda path: path.write_text(path.read_text()[:-20])),
    "the records are of another world": with_records(
        lambda path: path.write_text('{"schema": 99, "state": ["ready"]}')
    ),
    "the artifact is gone": lambda trial: shutil.rmtree(trial.project.work / "artifacts"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_environment_is_healed_in_the_same_run(
    trial: Trial, healthy: tuple[Trial, Mapping[str, str]], name: str
) -> None:
    DAMAGES[name](trial)
    trial.run()
    trial.assert_golden(healthy[1], why=name)
    assert trial.run().rows()["a"]["made"] == []


def test_a_file_in_place_of_an_environment_is_not_lost(trial: Trial, healthy: tuple[Trial, Mapping[str, str]]) -> None:
    become_a_file(trial)
    trial.run()
    trial.assert_golden(healthy[1])
    aside = [path for path in (trial.project.work / "envs").iterdir() if path.is_file()]
    assert [path.read_text() for path in aside] == ["hello"]
    aside[0].unlink()


def test_an_environment_that_became_a_link_is_made_anew_and_nothing_goes_through_the_link(
    trial: Trial, healthy: tuple[Trial, Mapping[str, str]]
) -> None:
    elsewhere = trial.base / "elsewhere"
    trial.project.environment("a").rename(elsewhere)
    trial.project.environment("a").symlink_to(elsewhere)
    before = snapshot(elsewhere)
    trial.run()
    assert snapshot(elsewhere) == before
    assert not trial.project.environment("a").is_symlink()
    trial.assert_golden(healthy[1])


def test_a_moved_project_makes_its_environment_anew(trial: Trial, healthy: tuple[Trial, Mapping[str, str]]) -> None:
    home = trial.project.root
    try:
        trial.project.root = home.rename(trial.base / "moved")
        trial.run()
        trial.assert_golden(healthy[1])
    finally:
        trial.project.root = trial.project.root.rename(home)


@pytest.mark.parametrize("original_is_gone", [False, True])
def test_a_copied_project_never_runs_in_the_environment_of_the_original(
    trial: Trial, healthy: tuple[Trial, Mapping[str, str]], original_is_gone: bool
) -> None:
    home, copy = trial.project.root, trial.base / "copy"
    shutil.copytree(home, copy, symlinks=True)
    try:
        trial.project.root = copy
        if original_is_gone:
            home.rename(trial.base / "gone")
        before = snapshot(trial.base / "gone" if original_is_gone else home)
        trial.run()
        trial.assert_golden(healthy[1])
        assert snapshot(trial.base / "gone" if original_is_gone else home) == before
    finally:
        trial.project.root = home
        shutil.rmtree(copy)
        if original_is_gone:
            (trial.base / "gone").rename(home)


def test_an_interpreter_that_is_replaced_is_noticed(trial: Trial, pythons: dict[str, str]) -> None:
    """The same path leads to another Python between two runs."""
    if len(pythons) < 2:
        pytest.skip("this machine has one Python only")
    (old, new) = sorted(set(pythons) - {"py37"}, key=lambda factor: int(factor[3:]))[-2:]
    link = trial.base / "bin/python"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    config = (trial.project / "kern.toml").read_text()
    trial.project.config(config.replace("[env]", f"[env]\nbase_python = ['{link}']"))
    for factor in (old, new):
        link.unlink(missing_ok=True)
        link.symlink_to(pythons[factor])
        trial.run()
        python = trial.project.environment("a") / "bin/python"
        said = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, check=True
        )
        assert said.stdout.decode().split() == [factor[2], factor[3:]]
    link.unlink()
    assert "Traceback" not in trial.project.kern("run", "a", code=3).screen
    trial.project.config(config)
