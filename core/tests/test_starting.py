"""A first configuration: it is TOML that kern itself takes, for any project."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.config.project import load
from kern.errors import KernError
from kern.expression import names, parse
from kern.matrix import environments
from kern.settings import Settings
from kern.starting import first_configuration

if TYPE_CHECKING:
    from pathlib import Path

TRY = ["python", "-m", "pytest", "{posargs}"]


def written(tmp_path: Path, pyproject: str | None = None) -> dict[str, Any]:
    if pyproject is not None:
        (tmp_path / "pyproject.toml").write_text(pyproject)
    return tomllib.loads(first_configuration(str(tmp_path)))


def test_without_anything(tmp_path: Path) -> None:
    assert written(tmp_path) == {
        "env_list": ["py"],
        "env": {"package": "none", "deps": ["pytest"], "commands": [TRY]},
    }


def test_a_package_with_everything(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        """
[project]
name = "x"
classifiers = ["Programming Language :: Python :: 3", "Programming Language :: Python :: 3.12", "Topic :: X",
  "Programming Language :: Python :: 3.11", "Programming Language :: Python :: 3 :: Only"]
[dependency-groups]
test = []
[tool.ruff]
""",
    )
    assert found["env_list"] == ["py3{11-12}", "lint"]
    assert found["env"]["package"] == "wheel"
    assert found["env"]["dependency_groups"] == ["test"]
    assert found["env"]["lint"] == {
        "package": "none",
        "deps": ["ruff"],
        "commands": [["ruff", "check", "."]],
        "dependency_groups": [],
    }


def test_an_extra_and_a_file_of_ruff(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").touch()
    found = written(tmp_path, "[project]\nname = 'x'\n[project.optional-dependencies]\ntests = []")
    assert found["env"]["extras"] == ["tests"]
    assert found["env"]["lint"]["extras"] == []


@pytest.mark.parametrize(
    ("minors", "expected"),
    [
        ([], "py"),
        ([12], "py312"),
        ([11, 12, 13], "py3{11-13}"),
        ([13, 11, 12], "py3{11-13}"),
        ([9, 11], "py3{9,11}"),
        ([12, 12], "py312"),
        ([11, 12, 12], "py3{11,12}"),
        ([2, 7, 99], "py"),
        ([8, 12], "py312"),
    ],
)
def test_the_pythons(tmp_path: Path, minors: list[int], expected: str) -> None:
    classifiers = [f"Programming Language :: Python :: 3.{minor}" for minor in minors]
    assert written(tmp_path, f"[project]\nname = 'x'\nclassifiers = {classifiers}")["env_list"] == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "project = 1",
        "tool = 1",
        "[project]\nclassifiers = 5",
        "[project]\nclassifiers = 'Programming Language :: Python :: 3.12'",
        "[project]\nclassifiers = [1, ['Programming Language :: Python :: 3.12'], '12']",
        "[project]\nclassifiers = {}",
        "dependency-groups = 1",
    ],
)
def test_a_strange_pyproject(tmp_path: Path, text: str) -> None:
    assert written(tmp_path, text)["env_list"] == ["py"]


def test_a_damaged_pyproject(tmp_path: Path) -> None:
    with pytest.raises(KernError):
        written(tmp_path, "[project")


GROUPS = st.lists(st.sampled_from(["test", "tests", "testing", "dev", "docs"]), unique=True)


@given(st.lists(st.integers(0, 16), max_size=6), GROUPS, GROUPS, st.booleans(), st.booleans())
def test_kern_takes_what_it_writes(
    tmp_path: Path, minors: list[int], groups: list[str], extras: list[str], ruff: bool, project: bool
) -> None:
    classifiers = [f"Programming Language :: Python :: 3.{minor}" for minor in minors]
    lines = [f"[project]\nname = 'x'\nclassifiers = {classifiers}"] if project else []
    lines += ["[project.optional-dependencies]", *(f"{name} = []" for name in extras)] if project else []
    lines += ["[dependency-groups]", *(f"{name} = []" for name in groups)]
    lines += ["[tool.ruff]"] if ruff else []
    (tmp_path / "pyproject.toml").write_text("\n".join(lines))
    (tmp_path / "kern.toml").write_text(first_configuration(str(tmp_path)))
    found = load(str(tmp_path))
    pythons = sorted(f"py3{minor}" for minor in set(minors) if 9 <= minor <= 14) if project else []
    assert sorted(names(parse(found.env_list[0]))) == (pythons or ["py"])
    assert list(environments(found, ("venv",))) == [name for text in found.env_list for name in names(parse(text))]
    if ruff:
        assert Settings(found).value("lint", ("lint",), "commands") == (("ruff", "check", "."),)
