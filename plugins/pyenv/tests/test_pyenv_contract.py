"""kern's contract, on a pyenv root of the running interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kern.testing import AdopterCase, AdopterContract, ProviderCase, ProviderContract
from kern_pyenv.adopter import PyenvAdopter
from kern_pyenv.provider import PyenvProvider

if TYPE_CHECKING:
    from pathlib import Path

    from kern.testing import Workbench

RUNNING = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with two versions, which are the same interpreter."""
    root = tmp_path_factory.mktemp("small root")
    (root / "versions/copy/bin").mkdir(parents=True)
    (root / "versions" / RUNNING).symlink_to(sys.base_prefix)
    (root / "versions/copy/bin/python").symlink_to(os.path.realpath(sys.executable))
    return root


class TestPyenvProvider(ProviderContract):
    @pytest.fixture
    def case(self, small_root: Path) -> ProviderCase:
        return ProviderCase(
            driver=PyenvProvider(),
            factors=("pyenv",),
            options={"version": ["local"]},
            changes=[
                {"version": ["copy"]},
                {"version": ["nowhere"]},
                {"extras": ["x"]},
                {"system_site_packages": True},
            ],
            files={".python-version": f"{RUNNING}\n"},
            file_changes={".python-version": "copy\n"},
            environ={"PYENV_ROOT": str(small_root), "PYENV_VERSION": ""},
        )


class TestPyenvAdopter(AdopterContract):
    @pytest.fixture
    def case(self, small_root: Path) -> AdopterCase:
        def location(bench: Workbench) -> str:
            place = small_root / "versions/copy/envs/kenv"
            subprocess.run([os.path.realpath(sys.executable), "-m", "venv", "--without-pip", place], check=True)
            return str(place)

        return AdopterCase(
            driver=PyenvAdopter(), location=location, name="kenv", environ={"PYENV_ROOT": str(small_root)}
        )
