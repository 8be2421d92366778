from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from kern.api import EnvSpec
from kern_venv.interpreters import all_interpreters, base_of, find_interpreter, interpreter_for, searched_places
from kern_venv.options import VenvOptions

if TYPE_CHECKING:
    from pathlib import Path


def program(path: Path, content: str = "\x7fELF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o755)
    return path


def pyenv(root: Path, *names: str) -> Path:
    for name in names:
        number = name.split("-")[0].removeprefix("pypy")
        minor = ".".join(number.split(".")[:2]) + ("t" if number.endswith("t") else "")
        real = program(root / "versions" / name / "bin" / f"{'pypy' if name.startswith('pypy') else 'python'}{minor}")
        (real.parent / "python").symlink_to(real.name)
    (root / "shims").mkdir(exist_ok=True)
    for minor in ("3.11", "3.12"):
        program(root / "shims" / f"python{minor}", "#!/usr/bin/env bash\n")
    return root


def where(*directories: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.pathsep.join(map(str, directories)), "HOME": "/nowhere", **more}


def found(wanted: str, environ: dict[str, str]) -> str | None:
    result = find_interpreter([wanted], environ)
    return result.path if result else None


def test_py_is_the_interpreter_that_runs_kern_below_its_environment() -> None:
    result = find_interpreter(["py"], where())
    assert result is not None
    assert result.version == sys.version_info[:3]
    assert os.path.realpath(result.path).startswith(os.path.realpath(sys.base_prefix))
    assert not os.path.exists(os.path.join(os.path.dirname(os.path.dirname(result.path)), "pyvenv.cfg"))


def test_the_order_of_path_decides(tmp_path: Path) -> None:
    first, second = program(tmp_path / "a/python3.44"), program(tmp_path / "b/python3.44")
    assert found("py344", where(tmp_path / "a", tmp_path / "b")) == str(first)
    assert found("py344", where(tmp_path / "b", tmp_path / "a")) == str(second)


def test_python_without_a_number_is_known_by_what_it_links_to(tmp_path: Path) -> None:
    real = program(tmp_path / "opt/bin/python3.44")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(real)
    assert found("3.44", where(tmp_path / "bin")) == str(tmp_path / "bin/python3")
    assert found("3.45", where(tmp_path / "bin")) is None


def test_what_is_no_interpreter_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "script/python3.44", "#!/bin/sh\n")
    program(tmp_path / "plain/python3.44").chmod(0o644)
    (tmp_path / "folder/python3.44").mkdir(parents=True)
    (tmp_path / "dangling").mkdir()
    (tmp_path / "dangling/python3.44").symlink_to("absent")
    program(tmp_path / "other/mise")
    (tmp_path / "other/python3.44").symlink_to("mise")
    places = [tmp_path / name for name in ("script", "plain", "folder", "dangling", "other")]
    if os.access(tmp_path / "plain/python3.44", os.X_OK):
        places.remove(tmp_path / "plain")
    assert found("3.44", where(*places)) is None
    assert found("3.44", {**where(), "PATH": "relative:" + str(tmp_path)}) is None


def test_an_environment_on_path_is_no_base(tmp_path: Path) -> None:
    program(tmp_path / "venv/bin/python3.44")
    (tmp_path / "venv/pyvenv.cfg").write_text("home = /x\n")
    base = program(tmp_path / "usr/bin/python3.44")
    assert found("3.44", where(tmp_path / "venv/bin", tmp_path / "usr/bin")) == str(base)


def test_an_environment_given_by_path_stands_for_its_base(tmp_path: Path) -> None:
    base = program(tmp_path / "usr/bin/python3.44")
    link = tmp_path / "venv/bin/python"
    link.parent.mkdir(parents=True)
    link.symlink_to(base)
    (tmp_path / "venv/pyvenv.cfg").write_text(f"home = {base.parent}\n")
    assert found(str(link), where()) == str(base)
    assert found(str(tmp_path / "venv"), where()) == str(base)
    (tmp_path / "venv/pyvenv.cfg").write_text(f"home = /gone\nexecutable = {base}\n")
    assert base_of(str(tmp_path / "venv")) == str(base)
    assert base_of(str(tmp_path / "usr")) is None


def test_shims_stand_for_the_versions_of_their_pyenv_where_path_has_them(tmp_path: Path) -> None:
    root = pyenv(tmp_path / "pyenv", "3.12.1", "3.12.10", "3.12.9", "3.11.4")
    system = program(tmp_path / "usr/bin/python3.12")
    assert found("py312", where(root / "shims", system.parent)) == str(root / "versions/3.12.10/bin/python3.12")
    assert found("py312", where(system.parent, root / "shims")) == str(system)
    assert found("3.12.9", where(system.parent, root / "shims")) == str(root / "versions/3.12.9/bin/python3.12")
    assert found("3.12.2", where(system.parent, root / "shims")) is None


@pytest.mark.parametrize("how", ["variable", "home"])
def test_a_pyenv_need_not_be_on_path(tmp_path: Path, how: str) -> None:
    root = pyenv(tmp_path / ".pyenv", "3.12.1")
    environ = where(PYENV_ROOT=str(root)) if how == "variable" else {**where(), "HOME": str(tmp_path)}
    assert found("py312", environ) == str(root / "versions/3.12.1/bin/python3.12")
    assert str(root / "versions") in searched_places(environ)


def test_folders_of_pyenv_are_read(tmp_path: Path) -> None:
    names = ("3.45.0", "3.45.1rc1", "3.44.0t", "3.43-dev", "pypy3.10-7.3.17", "miniconda3-4.7", "x")
    root = pyenv(tmp_path, *names)
    environ = where(PYENV_ROOT=str(root))
    assert found("py345", environ) == str(root / "versions/3.45.1rc1/bin/python3.45")
    assert found("py343", environ) == str(root / "versions/3.43-dev/bin/python3.43")
    assert found("py344", environ) is None
    assert found("py344t", environ) == str(root / "versions/3.44.0t/bin/python3.44t")
    assert found("pypy310", environ) == str(root / "versions/pypy3.10-7.3.17/bin/pypy3.10")
    assert found("py310", environ) is None


def test_environments_of_pyenv_virtualenv_are_passed_over(tmp_path: Path) -> None:
    root = pyenv(tmp_path, "3.44.0", "3.44.1")
    (root / "versions/3.44.1/pyvenv.cfg").write_text("home = /x\n")
    assert found("py344", where(PYENV_ROOT=str(root))) == str(root / "versions/3.44.0/bin/python3.44")


def test_interpreters_of_uv_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "uv"
    program(folder / "cpython-3.44.2-linux-x86_64-gnu/bin/python3.44")
    program(folder / "cpython-3.44.2+freethreaded-linux-x86_64-gnu/bin/python3.44t")
    newest = program(folder / "cpython-3.44.10-linux-x86_64-gnu/bin/python3.44")
    pypy = program(folder / "pypy-3.44.1-linux-x86_64-gnu/bin/pypy3.44")
    (folder / "cpython-3.44-linux-x86_64-gnu").symlink_to("cpython-3.44.2-linux-x86_64-gnu")
    environ = where(UV_PYTHON_INSTALL_DIR=str(folder))
    assert found("3.44", environ) == str(newest)
    assert found("pypy3.44", environ) == str(pypy)
    assert found("py344t", environ) == str(folder / "cpython-3.44.2+freethreaded-linux-x86_64-gnu/bin/python3.44t")


def test_the_build_without_a_lock_is_another_interpreter(tmp_path: Path) -> None:
    program(tmp_path / "python3.44t")
    (tmp_path / "python3").symlink_to("python3.44t")
    assert found("py344", where(tmp_path)) is None
    result = find_interpreter(["py344t"], where(tmp_path))
    assert result is not None
    assert result.free_threaded


def test_a_specifier_takes_the_running_interpreter_where_that_fits() -> None:
    running = ".".join(map(str, sys.version_info[:2]))
    assert found(f">={running}", where()) == found("py", where())
    assert found("<3", where()) is None
    assert found(">=nonsense", where()) is None


def test_a_specifier_looks_on(tmp_path: Path) -> None:
    newest = program(tmp_path / "python3.20")
    program(tmp_path / "python3.5")
    assert found(">=3.20", where(tmp_path)) == str(newest)


def test_the_first_that_exists_wins(tmp_path: Path) -> None:
    path = program(tmp_path / "python3.44")
    result = find_interpreter(["nonsense", "py399", "py344", "py"], where(tmp_path))
    assert result is not None
    assert result.path == str(path)
    assert find_interpreter([], where(tmp_path)) is None


def test_a_shim_given_by_path_is_refused(tmp_path: Path) -> None:
    root = pyenv(tmp_path, "3.12.1")
    assert found(str(root / "shims/python3.12"), where()) is None


def test_a_wrapper_given_by_path_is_taken_at_its_word(tmp_path: Path) -> None:
    wrapper = program(tmp_path / "my-python", "#!/bin/sh\n")
    result = find_interpreter([str(wrapper)], where())
    assert result is not None
    assert result.version == ()


def test_identity_changes_when_the_program_is_replaced(tmp_path: Path) -> None:
    path = program(tmp_path / "python3.44")
    before = find_interpreter(["py344"], where(tmp_path))
    path.unlink()
    program(path, "\x7fELF and more")
    after = find_interpreter(["py344"], where(tmp_path))
    assert before is not None
    assert after is not None
    assert before.identity != after.identity
    assert before[:4] == after[:4]


def test_paths_in_base_python_are_relative_to_the_project(tmp_path: Path) -> None:
    path = program(tmp_path / "tools/python3.44")
    options = VenvOptions(base_python=("./tools/python3.44",))
    spec = EnvSpec(name="x", factors=("x",), options=options, location="/x", project_dir=str(tmp_path))
    result = interpreter_for(spec, where())
    assert result is not None
    assert result.path == str(path)


def test_all_interpreters_lists_each_version_once(tmp_path: Path) -> None:
    root = pyenv(tmp_path, "3.12.1", "3.12.9", "pypy3.10-7.3.17")
    listed = [(one.implementation, one.version) for one in all_interpreters(where(root / "shims"))]
    assert ("cpython", (3, 12, 9)) in listed
    assert ("cpython", (3, 12, 1)) not in listed
    assert ("pypy", (3, 10)) in listed


def test_finding_reads_a_few_names_and_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big = tmp_path / "bin"
    program(big / "python3.44")
    listed: list[str] = []

    def listdir(path: str) -> list[str]:
        listed.append(path)
        return []

    monkeypatch.setattr(os, "listdir", listdir)
    monkeypatch.setattr(os, "posix_spawn", None)
    assert found("py344", where(big))
    assert str(big) not in listed
