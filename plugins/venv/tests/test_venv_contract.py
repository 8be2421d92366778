"""kern's contract, on every driver of kern-venv; no index is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kern.api import Artifact
from kern.testing import (
    ActivatorCase,
    ActivatorContract,
    AdopterCase,
    AdopterContract,
    LockerCase,
    LockerContract,
    ProviderCase,
    ProviderContract,
)
from kern_venv.activator import VenvActivator
from kern_venv.adopter import SystemAdopter, VenvAdopter
from kern_venv.locker import VenvLocker
from kern_venv.programs import find_uv
from kern_venv.provider import VenvProvider
from plugins.venv.tests.conftest import write_wheel

if TYPE_CHECKING:
    from kern.api import Environment
    from kern.testing import Workbench

UV = pytest.mark.skipif(find_uv(os.environ) is None, reason="uv is not installed")
OWN = f"py{sys.version_info[0]}{sys.version_info[1]}"
GROUPS = '[project]\nname = "tested"\nversion = "1"\n[dependency-groups]\ntwigs = ["twig"]\n'


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels that installers find instead of an index."""
    place = tmp_path_factory.mktemp("wheels of the contract")
    for name in ("leaf", "twig"):
        write_wheel(place, name)
    return place


@pytest.fixture(scope="session")
def offline(folder: Path) -> dict[str, str]:
    """Variables without any index."""
    configuration = folder / "pip.conf"
    configuration.write_text(f"[global]\nno-index = true\nfind-links = {folder.as_uri()}\n", encoding="utf-8")
    return {
        "PIP_CONFIG_FILE": str(configuration),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": folder.as_uri(),
        "UV_OFFLINE": "1",
    }


def packed(bench: Workbench) -> list[Artifact]:
    path = write_wheel(Path(bench.root, "built"), "tested", requires=("leaf",))
    digest = sha256(path.read_bytes()).hexdigest()
    return [Artifact("wheel", str(path), "tested", "1.0", digest, requirements=("leaf",))]


def provider_case(installer: str, environ: dict[str, str]) -> ProviderCase:
    return ProviderCase(
        driver=VenvProvider(),
        factors=(OWN,),
        options={
            "deps": ["-r more.txt"],
            "constraints": ["limits.txt"],
            "dependency_groups": ["twigs"],
            "installer": installer,
        },
        changes=[
            {"deps": ["leaf", "-r more.txt"]},
            {"constraints": []},
            {"dependency_groups": []},
            {"extras": ["x"]},
            {"system_site_packages": True},
        ],
        files={"more.txt": "leaf<9\n", "limits.txt": "leaf<8\n", "pyproject.toml": GROUPS},
        file_changes={
            "more.txt": "leaf<8\n",
            "limits.txt": "leaf<7\n",
            "pyproject.toml": GROUPS.replace('"twig"', '"leaf"'),
        },
        artifacts=packed,
        environ=environ,
    )


@UV
class TestUvInstaller(ProviderContract):
    @pytest.fixture
    def case(self, offline: dict[str, str]) -> ProviderCase:
        return provider_case("uv", offline)


class TestPipInstaller(ProviderContract):
    @pytest.fixture
    def case(self, offline: dict[str, str]) -> ProviderCase:
        return provider_case("pip", offline)


def made(bench: Workbench) -> Environment:
    provider = VenvProvider()
    return bench.make(provider, bench.spec(provider, (OWN,), {}), [])


class TestVenvActivator(ActivatorContract):
    @pytest.fixture
    def case(self) -> ActivatorCase:
        return ActivatorCase(driver=VenvActivator(), environment=made)


class TestVenvAdopter(AdopterContract):
    @pytest.fixture
    def case(self) -> AdopterCase:
        def location(bench: Workbench) -> str:
            place = os.path.join(bench.root, "of the usér")
            subprocess.run([os.path.realpath(sys.executable), "-m", "venv", "--without-pip", place], check=True)
            return place

        return AdopterCase(driver=VenvAdopter(), location=location)


class TestSystemAdopter(AdopterContract):
    @pytest.fixture
    def case(self) -> AdopterCase:
        programs = os.path.dirname(os.path.realpath(sys.executable))
        name = f"python3.{sys.version_info[1]}"
        return AdopterCase(driver=SystemAdopter(), location=lambda _: "system", name=name, environ={"PATH": programs})


@UV
class TestVenvLocker(LockerContract):
    @pytest.fixture
    def case(self, offline: dict[str, str]) -> LockerCase:
        return LockerCase(
            driver=VenvLocker(),
            provider=VenvProvider(),
            factors=("py311",),
            options={"deps": ["twig", "-r more.txt"], "constraints": ["limits.txt"]},
            changes=[{"deps": ["leaf"]}, {"extras": ["x"]}, {"constraints": []}, {"base_python": ["3.12"]}],
            files={
                "more.txt": "leaf<9\n",
                "limits.txt": "leaf<8\n",
                "pyproject.toml": '[project]\nname = "tested"\nversion = "1.0"\ndependencies = ["leaf"]\n',
            },
            file_changes={"more.txt": "leaf<8\n", "limits.txt": "leaf<7\n"},
            artifact=lambda bench: packed(bench)[0],
            environ=offline,
        )
