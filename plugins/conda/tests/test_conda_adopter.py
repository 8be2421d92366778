"""Existing conda environments are found by path and by name, and never asked about with conda."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import StepFailed
from kern.process import Supervisor
from kern_conda import finding
from kern_conda.adopter import CondaAdopter
from plugins.shell.tests.shell_place import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kern.api import Adopted


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any conda, on a machine without any."""
    monkeypatch.setattr(finding, "_MACHINE_ROOTS", ())
    monkeypatch.setattr("kern_conda.condarc._SYSTEM", ())
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def adopt(tmp_path: Path, home: Path) -> Iterator[Callable[..., Adopted | None]]:
    """Ask the adopter, with variables of one's own."""
    (tmp_path / "project").mkdir()
    with Supervisor(1) as supervisor:
        place = Place(tmp_path / "project", supervisor)
        supervisor.stop(2)  # no process is ever started

        def ask(location: str, **environ: str) -> Adopted | None:
            return CondaAdopter().adopt(location, place.lend({"HOME": str(home), "PATH": "/usr/bin", **environ}))

        yield ask


def make(path: Path, *packages: str) -> str:
    (path / "conda-meta").mkdir(parents=True)
    (path / "conda-meta" / "history").touch()
    (path / "bin").mkdir()
    for package in packages:
        (path / "conda-meta" / f"{package}.json").write_text("{}")
    return str(path)


def location(found: Adopted | None) -> str:
    return found.environment.location if found else ""


def test_what_is_in_it(tmp_path: Path, adopt: Any) -> None:
    prefix = make(tmp_path / "e nv", "python-3.12.1-h1_0", "ca-certificates-2026.1-0", "pytest-9.0-py_0", "odd")
    (tmp_path / "e nv" / "bin" / "python").write_text("#!/bin/sh\n")
    (tmp_path / "e nv" / "bin" / "python").chmod(0o755)
    for name in ("pytest-8.0.dist-info", "Own.Thing-1.2.dist-info"):
        (tmp_path / "e nv" / "lib" / "python3.12" / "site-packages" / name).mkdir(parents=True)
    for place in (prefix, f"{prefix}/bin/python", f"{prefix}/"):
        found = adopt(place)
        assert found.certainty == 3
        assert "conda-meta/history" in found.why
        assert (found.environment.location, found.environment.activator) == (prefix, "conda")
        assert found.environment.interpreter == f"{prefix}/bin/python"
        assert found.environment.watch == ()
        assert found.environment.facts["version"] == "3.12.1"
        assert found.installed == {
            "python": "3.12.1",
            "ca-certificates": "2026.1",
            "pytest": "9.0",
            "own-thing": "1.2",
        }


def test_what_is_none(tmp_path: Path, adopt: Any) -> None:
    (tmp_path / "other" / "conda-meta").mkdir(parents=True)
    for place in (str(tmp_path / "other"), str(tmp_path), "/nowhere", "unknown", "base", "..", ".", ""):
        assert adopt(place) is None


def test_an_environment_without_python(tmp_path: Path, adopt: Any) -> None:
    found = adopt(make(tmp_path / "env", "zlib-1.3-h0_0"))
    assert found.environment.interpreter is None
    assert found.installed == {"zlib": "1.3"}


def test_every_place_where_names_are_kept(tmp_path: Path, home: Path, adopt: Any) -> None:
    places = {
        "dirs": tmp_path / "a" / "dirs",
        "path": tmp_path / "b" / "path",
        "rc": tmp_path / "c" / "rc",
        "root": tmp_path / "conda" / "envs" / "root",
        "user": home / ".conda" / "envs" / "user",
        "mamba": tmp_path / "mamba" / "envs" / "mamba",
        "usual": home / "miniforge3" / "envs" / "usual",
        "pixi": tmp_path / "project" / ".pixi" / "envs" / "pixi",
        "noted": tmp_path / "far" / "noted",
    }
    prefixes = {name: make(path) for name, path in places.items()}
    (home / ".condarc").write_text(f"envs_dirs:\n  - {tmp_path}/c\n")
    (home / ".conda" / "environments.txt").write_text(f"/gone\n{prefixes['noted']}\n\n")
    environ = {
        "CONDA_ENVS_DIRS": f"{tmp_path}/x:{tmp_path}/a",
        "CONDA_ENVS_PATH": f"{tmp_path}/b",
        "CONDA_EXE": f"{tmp_path}/conda/bin/conda",
        "MAMBA_ROOT_PREFIX": f"{tmp_path}/mamba",
    }
    assert {name: location(adopt(name, **environ)) for name in places} == prefixes
    assert adopt("absent", **environ) is None


def test_base(tmp_path: Path, adopt: Any) -> None:
    root = make(tmp_path / "conda")
    program = tmp_path / "conda" / "bin" / "conda"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "conda").symlink_to(program)
    for environ in ({"CONDA_EXE": str(program)}, {"PATH": f"{tmp_path}/links"}, {"CONDA": root}, {"CONDA_ROOT": root}):
        assert os.path.realpath(location(adopt("base", **environ))) == root


def test_several_of_one_name_are_an_error_that_names_both(tmp_path: Path, home: Path, adopt: Any) -> None:
    first, second = make(tmp_path / "a" / "twice"), make(home / ".conda" / "envs" / "twice")
    with pytest.raises(StepFailed) as failed:
        adopt("twice", CONDA_ENVS_DIRS=f"{tmp_path}/a")
    assert first in failed.value.message
    assert second in failed.value.message
    (tmp_path / "same").symlink_to(tmp_path / "a")
    assert location(adopt("twice", CONDA_ENVS_DIRS=f"{tmp_path}/a:{tmp_path}/same", HOME="/nowhere")) == first
