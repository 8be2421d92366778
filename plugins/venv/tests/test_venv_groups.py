from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.errors import ConfigError
from kern_venv.groups import canonical, group_contents, group_requirements

if TYPE_CHECKING:
    from pathlib import Path

GROUPS = """
[dependency-groups]
test = ["pytest", {include-group = "Type_Checks"}]
type-checks = ["mypy"]
lint = ["ruff"]
loop = [{include-group = "loop"}]
lost = [{include-group = "tpye-checks"}]
odd = [{wrong = 1}]
"""


@pytest.fixture
def project(tmp_path: Path) -> str:
    (tmp_path / "pyproject.toml").write_text(GROUPS)
    return str(tmp_path)


def test_includes_are_followed(project: str) -> None:
    assert group_requirements(["test", "lint"], project) == ["pytest", "mypy", "ruff"]
    assert group_requirements([], "/nowhere") == []


def test_the_fingerprint_has_only_what_is_reached(project: str) -> None:
    assert set(group_contents(["TEST"], project)) == {"test", "type-checks"}
    assert group_contents(["lint"], project) == {"lint": ["ruff"]}


def test_a_missing_group_is_said_with_what_was_meant(project: str) -> None:
    with pytest.raises(ConfigError) as caught:
        group_contents(["tset"], project)
    assert "'tset'" in caught.value.message
    assert "pyproject.toml" in caught.value.message
    assert caught.value.hint == "did you mean 'test'?"


def test_a_missing_include_names_the_group_that_includes_it(project: str) -> None:
    with pytest.raises(ConfigError, match="'lost' names the group 'tpye-checks'"):
        group_contents(["lost"], project)


@pytest.mark.parametrize("name", ["loop", "odd"])
def test_a_group_that_makes_no_sense_is_an_error(project: str, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        group_requirements([name], project)


def test_no_file_broken_file_no_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        group_contents(["test"], str(tmp_path))
    (tmp_path / "pyproject.toml").write_text("= broken")
    with pytest.raises(ConfigError, match="not valid TOML"):
        group_contents(["test"], str(tmp_path))
    (tmp_path / "pyproject.toml").write_text("dependency-groups = 1")
    with pytest.raises(ConfigError, match="not a table"):
        group_contents(["test"], str(tmp_path))
    (tmp_path / "pyproject.toml").write_text("")
    with pytest.raises(ConfigError) as caught:
        group_contents(["test"], str(tmp_path))
    assert caught.value.hint == "it has none"


@given(st.from_regex(r"[A-Za-z0-9]+([-_.]+[A-Za-z0-9]+)*", fullmatch=True))
def test_canonical_names_agree_with_packaging(name: str) -> None:
    from packaging.utils import canonicalize_name

    assert canonical(name) == canonicalize_name(name)
