"""Versions and environments of pyenv as existing environments: by name and by path, never changed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kern.api import StepFailed
from kern_pyenv.adopter import PyenvAdopter
from kern_venv import api as venv

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RealContext

RUNNING = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions, an environment with its alias, and one of the same name below each version, as pyenv-virtualenv has it."""
    root = tmp_path_factory.mktemp("layout")
    python = os.path.realpath(sys.executable)
    for version, name in (("one", "twin"), ("two", "twin"), ("one", "kenv")):
        directory = root / "versions" / version
        (directory / "bin").mkdir(parents=True, exist_ok=True)
        if not (directory / "bin/python").exists():
            (directory / "bin/python").symlink_to(python)
        subprocess.run([python, "-m", "venv", "--without-pip", directory / "envs" / name], check=True)
    (root / "versions/kenv").symlink_to(root / "versions/one/envs/kenv")
    site = next((root / "versions/one/envs/kenv/lib").glob("python*/site-packages"))
    (site / "thing-1.0.dist-info").mkdir()
    (root / "versions" / RUNNING).symlink_to(sys.base_prefix)
    (root / "versions/one/envs/of-conda/conda-meta").mkdir(parents=True)
    (root / "versions/one/envs/of-conda/bin").mkdir()
    (root / "versions/one/envs/of-conda/bin/python").symlink_to(python)
    (root / "shims").mkdir()
    (root / "shims/python").write_text("#!/bin/sh\n")
    (root / "shims/python").chmod(0o755)
    return root


@pytest.fixture
def root(layout: Path, context: RealContext) -> Path:
    """The same as the root of the test's context."""
    context.environ = {**context.environ, "PYENV_ROOT": str(layout)}
    return layout


def test_an_environment_by_its_name(root: Path, context: RealContext) -> None:
    before = tree(root)
    for name in ("kenv", "one/envs/kenv"):
        adopted = PyenvAdopter().adopt(name, context)
        assert adopted is not None
        assert adopted.certainty == 3
        assert "pyenv-virtualenv" in adopted.why
        assert os.path.realpath(adopted.environment.location) == str(root / "versions/one/envs/kenv")
        assert adopted.environment.activator == "venv"
        assert adopted.environment.facts["kind"] == "environment"
        assert adopted.environment.facts["version"].startswith(RUNNING.rpartition(".")[0])
        assert adopted.installed == {"thing": "1.0"}
    assert tree(root) == before


def test_several_of_one_name_are_an_error(root: Path, context: RealContext) -> None:
    with pytest.raises(StepFailed, match="one/envs/twin and two/envs/twin") as caught:
        PyenvAdopter().adopt("twin", context)
    assert "X/envs/NAME" in caught.value.hint
    adopted = PyenvAdopter().adopt("two/envs/twin", context)
    assert adopted is not None
    assert adopted.environment.location == str(root / "versions/two/envs/twin")


def test_a_version_by_its_prefix(root: Path, context: RealContext) -> None:
    adopted = PyenvAdopter().adopt(RUNNING.rpartition(".")[0], context)
    assert adopted is not None
    assert adopted.certainty == 2
    assert adopted.environment.facts["kind"] == "interpreter"
    assert f"of pyenv in {root}" in adopted.why
    assert adopted.environment.interpreter is not None
    assert adopted.environment.interpreter.startswith(str(root / "versions"))


@pytest.mark.parametrize(
    ("path", "certainty"),
    [
        ("versions/one", 2),
        ("versions/one/bin/python", 2),
        ("versions/one/envs/kenv", 3),
        ("versions/one/envs/kenv/bin/python", 3),
        ("versions/kenv", 3),
        ("versions/kenv/bin/python", 3),
        ("versions/one/envs/of-conda", None),
        ("versions/one/envs", None),
        ("versions", None),
        (".", None),
    ],
)
def test_a_path_below_the_root(root: Path, context: RealContext, path: str, certainty: int | None) -> None:
    adopted = PyenvAdopter().adopt(str(root / path), context)
    assert (adopted.certainty if adopted is not None else None) == certainty


@pytest.mark.parametrize("name", ["nothing", "", "3.99", "/usr", "system", "..", "one/envs", "../versions/one"])
def test_what_is_not_pyenv_s_is_left_to_others(root: Path, context: RealContext, name: str) -> None:
    assert PyenvAdopter().adopt(name, context) is None


def test_it_is_what_the_adopter_of_kern_venv_sees(root: Path, context: RealContext) -> None:
    ours = PyenvAdopter().adopt(str(root / "versions/one/envs/kenv"), context)
    theirs = venv.VenvAdopter().adopt(str(root / "versions/one/envs/kenv"), context)
    assert ours is not None
    assert theirs is not None
    assert ours.environment == theirs.environment


def tree(root: Path) -> set[tuple[str, int, int]]:
    paths = (os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names)
    return {(path, os.lstat(path).st_size, os.lstat(path).st_mtime_ns) for path in paths}


def test_a_shim_is_said_to_be_one(root: Path, context: RealContext) -> None:
    with pytest.raises(StepFailed, match="is a shim of pyenv"):
        PyenvAdopter().adopt(str(root / "shims/python"), context)


def test_what_there_is_can_be_listed(root: Path, context: RealContext) -> None:
    said = PyenvAdopter().offers(context)
    assert said == f"{root} has one, two, {RUNNING}, the environment kenv, the environment twin"
