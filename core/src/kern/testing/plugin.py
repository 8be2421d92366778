"""The pytest plugin: fixtures for tests of plugins. pytest finds it by its entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kern.testing.projects import KernProject
    from kern.testing.workbench import Workbench


@pytest.fixture(scope="class")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A place to test one driver at, shared by the tests of a class; see `kern.testing.Workbench`."""
    from kern.testing.workbench import Workbench

    bench = Workbench(str(tmp_path_factory.mktemp("workbench")))
    yield bench
    bench.close()


@pytest.fixture
def kern_project(tmp_path: Path) -> KernProject:
    """A project to run kern on: write files, run kern, look at the outcome; see `kern.testing.KernProject`."""
    from kern.testing.projects import KernProject

    root = tmp_path / "project"
    root.mkdir()
    return KernProject(str(root), {"KERN_CACHE_DIR": str(tmp_path / "cache")})
