from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kern.api import Command
from kern.errors import StepFailed
from kern_venv import bootstrap
from kern_venv.bootstrap import virtualenv_ceiling, virtualenv_command
from kern_venv.identity import identify, verify_prefix
from kern_venv.interpreters import Interpreter
from kern_venv.making import make_and_identify, make_virtual_environment
from kern_venv.programs import choose_installer, find_uv, is_too_old, tool_environ, uv_serves

Find = Callable[[str], Interpreter]
ALL = ["py36", "py37", "py38", "py39", "py310", "py311", "py312", "py313", "py314", "py313t", "pypy310"]


def program_of(command: Command) -> str:
    return " ".join(command.argv[:2])


@pytest.mark.parametrize("wanted", ALL)
def test_uv_makes_an_environment_of_every_interpreter_it_serves(
    wanted: str, context: Any, interpreter: Find, tmp_path: Path
) -> None:
    found = interpreter(wanted)
    location = str(tmp_path / "with space and ümlaut" / "env")
    os.makedirs(location)
    made = make_and_identify(location, found, context)
    assert made.python == os.path.join(location, "bin", "python")
    assert made.identity.version[:2] == found.version[:2]
    assert made.identity.prefix == location
    assert made.identity.facts["version"].startswith(".".join(map(str, found.version[:2])))
    assert context.ran[0].argv[1] == "venv"
    assert not os.path.exists(os.path.join(location, "bin", "pip"))


@pytest.mark.parametrize("wanted", ["py39", "py311", "py312", "py313"])
def test_virtualenv_seeds_a_pip_without_any_index(wanted: str, context: Any, interpreter: Find, tmp_path: Path) -> None:
    location = str(tmp_path / "env é")
    python = make_virtual_environment(location, interpreter(wanted), context, seed_pip=True)
    assert context.ran[0].argv[:3] == (sys.executable, "-m", "virtualenv")
    assert context.run(Command(argv=(python, "-m", "pip", "--version"))).stdout.startswith("pip ")


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["py27", "py36", "py37", "py38"])
def test_an_older_virtualenv_seeds_a_pip_that_runs(
    wanted: str, online_context: Any, interpreter: Find, tmp_path: Path
) -> None:
    """Needs a package index, for the older virtualenv."""
    found = interpreter(wanted)
    for name in ("a", "b"):
        python = make_virtual_environment(str(tmp_path / name), found, online_context, seed_pip=True)
        assert identify(python, online_context).version[:2] == found.version[:2]
    assert len(online_context.said) == 1
    assert len(os.listdir(online_context.cache_dir)) == 1


def test_an_older_virtualenv_that_can_t_be_had_is_said(context: Any, interpreter: Find, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=r"needs virtualenv<20\.27, which could not be had") as caught:
        make_virtual_environment(str(tmp_path / "env"), interpreter("py37"), context, seed_pip=True)
    assert "index" in caught.value.hint
    (folder,) = os.listdir(context.cache_dir)
    assert not os.path.exists(os.path.join(context.cache_dir, folder, bootstrap._FINISHED))


def test_a_half_made_bootstrap_is_made_anew(context: Any, interpreter: Find) -> None:
    running = ".".join(map(str, sys.version_info[:3]))
    half = Path(context.cache_dir) / f"virtualenv-before-20.27-python-{running}"
    (half / "bin").mkdir(parents=True)
    (half / "bin/python").write_text("half")
    with pytest.raises(StepFailed):
        virtualenv_command(interpreter("py37"), context, seed_pip=True)
    assert (half / "bin/python").is_symlink()


def test_which_virtualenv_serves_which_python() -> None:
    expected = {(2, 7): "20.22", (3, 6): "20.22", (3, 7): "20.27", (3, 8): "21.5", (3, 9): "", (3, 13): ""}
    assert {version: virtualenv_ceiling(version) for version in expected} == expected
    assert virtualenv_ceiling((3, 8, 18)) == "21.5"
    assert virtualenv_ceiling(()) == ""


def test_system_site_packages(context: Any, interpreter: Find, tmp_path: Path) -> None:
    for visible in (True, False):
        location = tmp_path / str(visible)
        make_virtual_environment(str(location), interpreter("py"), context, system_site_packages=visible)
        text = (location / "pyvenv.cfg").read_text()
        assert f"include-system-site-packages = {str(visible).lower()}" in text


def test_a_directory_with_something_in_it_is_refused(context: Any, interpreter: Find, tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env/mine.txt").write_text("mine")
    with pytest.raises(StepFailed):
        make_virtual_environment(str(tmp_path / "env"), interpreter("py"), context)
    assert os.listdir(tmp_path / "env") == ["mine.txt"]


def test_an_interpreter_that_is_not_what_its_name_says_is_refused(
    context: Any, interpreter: Find, tmp_path: Path
) -> None:
    lying = interpreter("py312")._replace(version=(3, 12, 99))
    with pytest.raises(StepFailed, match=r"not of the 3\.12\.99"):
        make_virtual_environment(str(tmp_path / "env"), lying, context)


def test_variables_of_the_user_can_t_lead_astray(context: Any, interpreter: Find, tmp_path: Path) -> None:
    astray = {
        "UV_VENV_SEED": "1",
        "UV_PYTHON": "/nowhere",
        "UV_SYSTEM_PYTHON": "1",
        "PYTHONHOME": "/nowhere",
        "VIRTUALENV_SEEDER": "nonsense",
        "PIP_TARGET": "/nowhere",
        "PIP_USER": "1",
    }
    context.environ = {**context.environ, **astray}
    assert not set(astray) & set(tool_environ(context.environ))
    for seed in (False, True):
        make_virtual_environment(str(tmp_path / str(seed)), interpreter("py"), context, seed_pip=seed)


def test_nothing_of_the_project_decides_how_an_environment_is_made(
    context: Any, interpreter: Find, tmp_path: Path
) -> None:
    (Path(context.project_dir) / "pyproject.toml").write_text('[tool.uv]\nrequired-version = "==0.0.1"\n')
    (Path(context.project_dir) / ".python-version").write_text("2.7\n")
    make_virtual_environment(str(tmp_path / "env"), interpreter("py"), context)


def test_a_damaged_environment_is_not_its_own_prefix(context: Any, interpreter: Find, tmp_path: Path) -> None:
    location = str(tmp_path / "env")
    python = make_virtual_environment(location, interpreter("py"), context)
    verify_prefix(python, location, context)
    os.unlink(os.path.join(location, "pyvenv.cfg"))
    with pytest.raises(StepFailed, match="would write into") as caught:
        verify_prefix(python, location, context)
    assert "--recreate" in caught.value.hint


def test_a_location_reached_through_a_link_is_the_same(context: Any, interpreter: Find, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    make_virtual_environment(str(tmp_path / "link/env"), interpreter("py"), context)


def test_an_interpreter_itself_is_never_an_environment(context: Any, interpreter: Find) -> None:
    base = interpreter("py")
    who = identify(base.path, context)
    with pytest.raises(StepFailed, match="would write into"):
        verify_prefix(base.path, who.prefix, context)


def test_a_program_that_does_not_answer_is_said(context: Any, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho hello\n")
    broken.chmod(0o755)
    with pytest.raises(StepFailed, match="does not start"):
        identify(str(broken), context)


def test_who_installs(interpreter: Find, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modern = interpreter("py")
    ancient = modern._replace(version=(2, 7, 18))
    other = modern._replace(implementation="ironpython")
    assert choose_installer("auto", modern, {}) == "uv"
    assert choose_installer("auto", ancient, {}) == "pip"
    assert choose_installer("pip", modern, {}) == "pip"
    assert not uv_serves(other)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert find_uv({"PATH": str(tmp_path)}) is None
    assert choose_installer("auto", modern, {"PATH": str(tmp_path)}) == "pip"
    (tmp_path / "uv").write_text("")
    (tmp_path / "uv").chmod(0o755)
    assert find_uv({"PATH": str(tmp_path)}) == str(tmp_path / "uv")


def test_how_old_is_too_old() -> None:
    answers = {(2, 6): True, (2, 7): False, (3, 5): True, (3, 6): False, (3, 13): False, (3,): False, (): False}
    assert {version: is_too_old(version) for version in answers} == answers
