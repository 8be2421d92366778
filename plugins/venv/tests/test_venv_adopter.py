"""What the adopters of this plugin recognise, by files alone."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import StepFailed
from kern_venv.adopter import SystemAdopter, VenvAdopter
from kern_venv.visible import in_environment, in_installation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


class Looking(SimpleNamespace):
    """A context that lends nothing that could start or write anything."""

    project_dir: str
    environ: dict[str, str]


@pytest.fixture
def context(tmp_path: Path) -> Any:
    """A context of a project in ``tmp_path``."""
    return Looking(project_dir=str(tmp_path), environ={"HOME": str(tmp_path / "home"), "PATH": "/nowhere"})


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.realpath(sys.executable))
    return path


def distribution(folder: Path, entry: str) -> None:
    (folder / entry).mkdir(parents=True)


@pytest.fixture
def environment(tmp_path: Path) -> Callable[..., Path]:
    """Makes the files of a virtual environment."""

    def make(name: str = "a b", cfg: str = f"version_info = {VERSION}.5.final.0\n") -> Path:
        folder = tmp_path / name
        program(folder / "bin" / "python")
        (folder / "pyvenv.cfg").write_text(f"home = {os.path.dirname(os.path.realpath(sys.executable))}\n{cfg}")
        distribution(folder / "lib" / f"python{VERSION}" / "site-packages", "Some_Thing-1.5.dist-info")
        return folder

    return make


@pytest.mark.parametrize("way", ["{0}", "{0}/bin/python", "a b", "./a b", "a b/bin/python"])
def test_a_virtual_environment(environment: Callable[..., Path], context: Any, way: str) -> None:
    folder = environment()
    found = VenvAdopter().adopt(way.format(folder), context)
    assert found is not None
    assert (found.certainty, found.why) == (2, "it has pyvenv.cfg")
    assert found.installed == {"some-thing": "1.5"}
    place = found.environment
    assert (place.location, place.activator, place.watch) == (str(folder), "venv", ())
    assert place.interpreter == str(folder / "bin" / "python")
    assert (place.facts["kind"], place.facts["version"]) == ("environment", f"{VERSION}.5")


def test_an_interpreter_is_the_least_certain_whatever_stands_beside_it(tmp_path: Path, context: Any) -> None:
    python = program(tmp_path / "installation" / "bin" / "python3")
    (tmp_path / "installation" / "conda-meta").mkdir()
    for location in (str(python), str(tmp_path / "installation")):
        found = VenvAdopter().adopt(location, context)
        assert found is not None
        assert (found.certainty, found.environment.facts["kind"]) == (1, "interpreter")
        assert found.environment.interpreter == str(python)
        assert "python3" in found.why


def test_what_is_none(tmp_path: Path, context: Any) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("#!/bin/sh\nexec python3\n")
    (tmp_path / "bin" / "python").chmod(0o755)
    (tmp_path / "other").write_text("")
    for location in (
        str(tmp_path),
        str(tmp_path / "bin" / "python"),
        str(tmp_path / "other"),
        "nowhere",
        "/bin/sh",
        "",
    ):
        assert VenvAdopter().adopt(location, context) is None


def test_the_machine_s_interpreter_is_none_of_an_environment_and_no_shim(
    tmp_path: Path, context: Any, environment: Callable[..., Path]
) -> None:
    inside = environment()
    program(inside / "bin" / "python3")
    shim = tmp_path / "shims" / "python3"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\n")
    shim.chmod(0o755)
    real = program(tmp_path / "usr" / "bin" / "python3")
    special = program(tmp_path / "usr" / "bin" / "python3.99")
    context.environ["PATH"] = os.pathsep.join((str(inside / "bin"), str(shim.parent), "", "bin", str(real.parent)))
    for location in ("system", "", "python3"):
        found = SystemAdopter().adopt(location, context)
        assert found is not None
        assert (found.environment.interpreter, found.certainty) == (str(real), 1)
        assert found.environment.location == str(tmp_path / "usr")
    found = SystemAdopter().adopt("python3.99", context)
    assert found is not None
    assert found.environment.interpreter == str(special)
    for location in (str(real), "python2.0", "sh", "py311", "lint"):
        assert SystemAdopter().adopt(location, context) is None


def test_the_python_of_an_active_conda_environment_is_the_machine_s_only_where_there_is_no_other(
    tmp_path: Path, context: Any
) -> None:
    active = program(tmp_path / "conda" / "bin" / "python3")
    (tmp_path / "conda" / "conda-meta").mkdir()
    real = program(tmp_path / "usr" / "bin" / "python3")
    for path, expected in ((f"{active.parent}:{real.parent}", real), (f"{active.parent}", active)):
        context.environ["PATH"] = path
        found = SystemAdopter().adopt("system", context)
        assert found is not None
        assert found.environment.interpreter == str(expected)
        assert ("conda" in found.why) == (expected == active)


def test_folders_of_other_versions_do_not_count(tmp_path: Path) -> None:
    for version in ("3.10", "3.11"):
        distribution(tmp_path / "lib" / f"python{version}" / "site-packages", f"p{version[-2:]}-1.dist-info")
    distribution(tmp_path / "lib64" / "python3.11" / "site-packages", "p64-2.dist-info")
    assert in_environment(str(tmp_path), None, "3.11.7", {}) == {"p11": "1", "p64": "2"}
    assert in_environment(str(tmp_path), None, "", {}) == {"p10": "1", "p11": "1", "p64": "2"}


def test_folders_of_debian_and_of_the_user_count_in_the_order_of_imports(tmp_path: Path) -> None:
    prefix, home = tmp_path / "usr", tmp_path / "home"
    python = program(prefix / "bin" / "python3")
    distribution(home / ".local/lib/python3.11/site-packages", "three-3.dist-info")
    distribution(prefix / "local/lib/python3.11/dist-packages", "two-2.dist-info")
    packages = prefix / "lib/python3/dist-packages"
    for entry in ("one-1.egg-info", "Two-1.dist-info", "three-1-py3.11.egg-info", "FigTree-6.0.dist-info", "nothing"):
        distribution(packages, entry)
    found = in_installation(str(python), "3.11.7", {"HOME": str(home)})
    assert {name: found[name] for name in ("one", "two", "three", "figtree")} == {
        "one": "1",
        "two": "2",
        "three": "3",
        "figtree": "6.0",
    }
    assert "nothing" not in found


def test_an_environment_that_sees_its_interpreter_has_what_that_has(
    tmp_path: Path, environment: Callable[..., Path], context: Any
) -> None:
    real = tmp_path / "real"
    python = real / "bin" / f"python{VERSION}"
    python.parent.mkdir(parents=True)
    python.write_bytes(b"\x7fELF")
    python.chmod(0o755)
    for entry in ("below-1.dist-info", "some_thing-0.dist-info"):
        distribution(real / "lib" / f"python{VERSION}" / "site-packages", entry)
    said = f"base-executable = {python}\nversion = {VERSION}.5\ninclude-system-site-packages = "
    for answer, expected in (("true", {"below": "1", "some-thing": "1.5"}), ("false", {"some-thing": "1.5"})):
        found = VenvAdopter().adopt(str(environment(answer, said + answer + "\n")), context)
        assert found is not None
        assert found.installed == expected


def test_one_whose_interpreter_is_gone_is_recognised(environment: Callable[..., Path], context: Any) -> None:
    place = environment()
    (place / "bin" / "python").unlink()
    (place / "bin" / "python").symlink_to("/nowhere/python3.9")
    for way in (place, place / "bin" / "python"):
        with pytest.raises(StepFailed) as caught:
            VenvAdopter().adopt(str(way), context)
    assert caught.value.message == f"the interpreter of the virtual environment {place} is gone: /nowhere/python3.9"
    assert caught.value.hint


def test_one_whose_interpreter_was_upgraded_has_what_that_sees(environment: Callable[..., Path], context: Any) -> None:
    place = environment(cfg="version_info = 3.1.5.final.0\n")
    distribution(place / "lib" / "python3.1" / "site-packages", "old-1.dist-info")
    found = VenvAdopter().adopt(str(place), context)
    assert found is not None
    assert found.environment.facts["version"].startswith(VERSION)
    assert found.environment.facts["made_for"] == "3.1.5"
    assert found.installed == {"some-thing": "1.5"}


@pytest.mark.parametrize("name", ["pip", "python-config", "pythonic"])
def test_another_program_of_an_environment_is_not_its_interpreter(
    environment: Callable[..., Path], context: Any, name: str
) -> None:
    program = environment() / "bin" / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert VenvAdopter().adopt(str(program), context) is None


def test_the_machine_says_which_interpreters_it_has(tmp_path: Path, context: Any) -> None:
    program(tmp_path / "bin" / f"python{VERSION}")
    program(tmp_path / "bin" / "python-config")
    (tmp_path / "bin" / "python3.99").write_text("#!/bin/sh\n")
    context.environ = {**context.environ, "PATH": f"{tmp_path}/none:{tmp_path}/bin"}
    assert f"such as python3, here python{VERSION}; a path" in SystemAdopter().offers(context)
