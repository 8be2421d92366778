"""The [build-system] table: defaults, and one clear error with file and key for each mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kern.api import ConfigError
from kern_wheel.build_system import read_build_system

if TYPE_CHECKING:
    from pathlib import Path

LEGACY = ("setuptools.build_meta:__legacy__", ("setuptools>=40.8.0",))


def test_a_tree_with_setup_py_alone_gets_the_standard_defaults(tmp_path: Path) -> None:
    (tmp_path / "setup.py").touch()
    assert read_build_system(str(tmp_path))[:2] == LEGACY


def test_a_pyproject_without_the_table_gets_the_standard_defaults(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.x]\n")
    assert read_build_system(str(tmp_path))[:2] == LEGACY


def test_the_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["a", "b>=1"]\nbuild-backend = "a.b:c"\nbackend-path = ["tools"]\n'
    )
    system = read_build_system(str(tmp_path))
    assert system[:3] == ("a.b:c", ("a", "b>=1"), ("tools",))


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("build-system = 3", "build-system"),
        ("[build-system]\n", "build-system.requires"),
        ('[build-system]\nrequires = "hatchling"', "build-system.requires"),
        ("[build-system]\nrequires = [1]", "build-system.requires"),
        ("[build-system]\nrequires = []\nbuild-backend = 1", "build-system.build-backend"),
        ('[build-system]\nrequires = []\nbuild-backend = " "', "build-system.build-backend"),
        ("[build-system]\nrequires = []\nbackend-path = 1", "build-system.backend-path"),
        ('[build-system]\nrequires = []\nbackend-path = ["none"]', "build-system.backend-path"),
        ('[build-system]\nrequires = []\nbackend-path = [".."]', "build-system.backend-path"),
        ('[build-system]\nrequires = []\nbackend-path = ["/"]', "build-system.backend-path"),
        ("[build-system", "pyproject.toml"),
    ],
)
def test_a_mistake_names_file_and_key(table: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(table)
    with pytest.raises(ConfigError) as caught:
        read_build_system(str(tmp_path))
    assert str(tmp_path / "pyproject.toml") in caught.value.where
    assert caught.value.where.endswith(key)


def test_an_empty_folder_is_nothing_to_build(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_build_system(str(tmp_path))
    assert caught.value.where == str(tmp_path)
    assert 'package = "none"' in caught.value.hint
