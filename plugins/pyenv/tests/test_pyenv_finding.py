"""Which interpreter a row gets, and what is said where there is none."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from kern_pyenv.availability import find_obstacle
from kern_pyenv.finding import expected_interpreter, find, forget
from kern_pyenv.provider import PyenvProvider
from kern_pyenv.roots import MARK, installed_versions, resolve, roots
from kern_pyenv.selection import selected
from kern_venv import api as venv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import RealContext
    from kern.api import EnvSpec

RUNNING = ".".join(map(str, sys.version_info[:3]))
TWO = ".".join(RUNNING.split(".")[:2])
MINOR = f"py{TWO.replace('.', '')}"


def test_roots_are_looked_through_in_order() -> None:
    environ = {"PYENV_ROOT": "/a", "HOME": "/home/me", "PATH": "/b/shims:/usr/bin:shims:/a/shims"}
    assert roots("", "/project", environ) == ["/a", "/b", "/home/me/.pyenv"]
    assert roots("~/mine", "/project", environ) == ["/home/me/mine"]
    assert roots("../mine", "/project", environ) == ["/mine"]
    assert roots("", "/project", {}) == []


def test_only_interpreters_are_versions(
    empty_root: Path, add_version: Callable[..., Path], add_environment: Callable[..., Path]
) -> None:
    add_version(empty_root, "3.12.1")
    add_version(empty_root, "3.12.9", "/nowhere/python")
    add_version(empty_root, "3.12.8")
    (empty_root / "versions" / f"{MARK}3.12.8").write_text("half")
    (empty_root / "versions/3.12.7").symlink_to("/nowhere")
    (empty_root / "versions/3.12.6").write_text("a file")
    (empty_root / "versions/3.12.5/bin").mkdir(parents=True)
    add_environment(empty_root, "3.12.1", "3.12.4")
    found = resolve("3.12", str(empty_root))
    assert found is not None
    assert found.name == "3.12.1"
    assert [version.name for version in installed_versions(str(empty_root))] == ["3.12.1"]
    for name in ("3.12.9", "3.12.8", "3.12.7", "3.12.4", "../versions/3.12.1", "/", "", "3.12.1/envs/3.12.4"):
        assert resolve(name, str(empty_root)) is None
    assert resolve("python-3.12", str(empty_root)) == found


def test_the_newest_of_the_first_root_that_has_one(
    tmp_path: Path, add_version: Callable[..., Path], make_spec: Callable[..., EnvSpec]
) -> None:
    one, home = tmp_path / "one", tmp_path / "home"
    add_version(one, f"{TWO}.1")
    add_version(one, f"{TWO}.10")
    add_version(home / ".pyenv", f"{TWO}.20")
    add_version(home / ".pyenv", "kern-own")
    environ = {"PYENV_ROOT": str(one), "HOME": str(home)}
    spec = make_spec()
    found = find(spec, environ)
    assert found is not None
    assert found.path == str(one / f"versions/{TWO}.10/bin/python")
    own = find(make_spec("tests-pyenv", version=("kern-other", "kern-own")), environ)
    assert own is not None
    assert own.path == str(home / ".pyenv/versions/kern-own/bin/python")
    stated = find(make_spec(pyenv_root="~/.pyenv"), environ)
    assert stated is not None
    assert stated.path == str(home / f".pyenv/versions/{TWO}.20/bin/python")
    assert find(spec, {"HOME": str(one)}) is None


def test_everybody_who_asks_kern_venv_gets_pyenv_s_interpreter(
    context: RealContext, make_spec: Callable[..., EnvSpec], pyenv_root: Path
) -> None:
    spec = make_spec()
    found = venv.interpreter_for(spec, context.environ)
    assert found is not None
    assert found.path.startswith(str(pyenv_root / "versions" / RUNNING / "bin"))
    assert found.version[:2] == tuple(map(int, TWO.split(".")))
    assert found == find(spec, context.environ) == venv.provided_interpreter(spec, context)
    assert str(venv.target_tags(found, context)[0]).startswith(f"cp{MINOR[2:]}-cp{MINOR[2:]}-")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("3.12\n", ("3.12",)),
        ("3.12 a comment\n\n# another\n  3.11.7  \r\n", ("3.12", "3.11.7")),
        ("", ("system",)),
        ("# nothing\n", ("system",)),
    ],
)
def test_a_version_file_is_read_as_pyenv_reads_it(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    inner = tmp_path / "project/deep"
    inner.mkdir(parents=True)
    (tmp_path / "project/.python-version").write_text(text)
    assert selected(str(inner), [], {}) == (names, str(tmp_path / "project/.python-version"))
    assert selected(str(inner), [], {"PYENV_VERSION": "2.7:3.9"}) == (("2.7", "3.9"), "PYENV_VERSION")


def test_pyenv_s_choice_is_ours(
    pyenv_root: Path, tmp_path: Path, ask_pyenv: Callable[..., str], make_spec: Callable[..., EnvSpec]
) -> None:
    spec = make_spec("tests-pyenv", version=("local",))
    project = tmp_path / "project"
    (pyenv_root / "version").write_text(RUNNING)

    def both(**environ: str) -> str:
        forget()
        found = find(spec, {"PYENV_ROOT": str(pyenv_root), **environ})
        first = ask_pyenv(pyenv_root, "version-name", cwd=project, **environ).partition(":")[0]
        assert (found.path.split("/versions/")[1].partition("/")[0] if found else "system") == (first or "system")
        return first

    assert both() == RUNNING
    (tmp_path / ".python-version").write_text("system\n")
    assert both() == "system"
    (project / ".python-version").write_text(f"# ours\npython-{TWO} newest\n")
    assert both() == RUNNING
    assert both(PYENV_VERSION="system") == "system"
    assert both(PYENV_VERSION=f"{RUNNING}:system") == RUNNING


def test_the_first_choice_that_fits_the_name(
    pyenv_root: Path, tmp_path: Path, make_spec: Callable[..., EnvSpec], add_version: Callable[..., Path]
) -> None:
    add_version(pyenv_root, "old", "/bin/true")
    program = pyenv_root / "versions/old/bin/python"
    program.unlink()
    (pyenv_root / "versions/old/bin/python2.6").write_bytes(b"\x7fELF")
    (pyenv_root / "versions/old/bin/python2.6").chmod(0o755)
    program.symlink_to("python2.6")
    environ = {"PYENV_ROOT": str(pyenv_root), "PYENV_VERSION": f"old:{RUNNING}"}
    found = find(make_spec(version=("local",)), environ)
    assert found is not None
    assert f"/versions/{RUNNING}/" in found.path
    found = find(make_spec("x-pyenv"), environ)
    assert found is not None
    assert "/versions/old/" in found.path


def test_what_is_missing_is_said_with_what_there_is(
    context: RealContext, make_spec: Callable[..., EnvSpec], add_environment: Callable[..., Path], pyenv_root: Path
) -> None:
    probe = PyenvProvider().probe
    assert probe(make_spec(), context) is None
    assert probe(make_spec(RUNNING), context) is None
    absent = probe(make_spec("py315-pyenv"), context)
    assert absent is not None
    assert absent.missing
    assert absent.reason == "pyenv has no version 3.15"
    assert RUNNING in absent.hint
    assert absent.hint.endswith('pyenv install 3.15 brings it, and so does install = "missing"')
    system = probe(make_spec("x-pyenv"), context)
    assert system is not None
    assert "system" in system.reason
    wrong = probe(make_spec("py36-pyenv", version=(RUNNING,)), context)
    assert wrong is not None
    assert not wrong.missing
    assert wrong.reason.startswith("version gives Python")
    assert wrong.reason.endswith("says py36")
    senseless = probe(make_spec(version=("../x",)), context)
    assert senseless is not None
    assert not senseless.missing
    (pyenv_root / "versions/base").mkdir()
    add_environment(pyenv_root, "base", "kenv")
    for install in ("never", "missing"):
        environment = probe(make_spec("x-pyenv", version=("kenv",), install=install), context)
        assert environment is not None
        assert "kern exec pyenv:kenv" in environment.hint
    project = pyenv_root.parent / "project"
    project.mkdir(exist_ok=True)
    for text, said in (("base/envs/kenv", "is a virtual environment"), ("../x", "is no name of a version")):
        (project / ".python-version").write_text(text)
        local = probe(make_spec("x-pyenv"), context)
        assert local is not None
        assert f"(said by {project / '.python-version'}) {said}" in local.reason


def test_a_machine_without_pyenv(context: RealContext, make_spec: Callable[..., EnvSpec], tmp_path: Path) -> None:
    context.environ = {"PYENV_ROOT": str(tmp_path / "a"), "HOME": str(tmp_path / "b"), "PATH": "/nowhere"}
    absent = PyenvProvider().probe(make_spec("py312-pyenv"), context)
    assert absent is not None
    assert absent.reason == "there is no pyenv to take 3.12 from"
    assert f"{tmp_path}/a and {tmp_path}/b/.pyenv" in absent.hint
    assert "PYENV_ROOT" in absent.hint


def test_what_will_be_installed_is_known_from_its_name(
    empty_root: Path, make_spec: Callable[..., EnvSpec], context: RealContext
) -> None:
    environ = {**context.environ, "PYENV_ROOT": str(empty_root)}
    spec = make_spec("3.12.1-pyenv", install="missing")
    expected = expected_interpreter(spec, environ)
    assert expected is not None
    assert (expected.version, expected.identity) == ((3, 12, 1), "")
    assert expected_interpreter(make_spec("3.12.1-pyenv"), environ) is None
    assert expected_interpreter(make_spec("pypy310-pyenv", install="missing"), environ) is None
    context.environ = {**environ, "PATH": "/nowhere"}
    obstacle = find_obstacle(spec, context)
    assert obstacle is not None
    assert "no program pyenv" in obstacle.reason


def test_a_version_that_is_linked_anew_is_seen(
    context: RealContext, make_spec: Callable[..., EnvSpec], pyenv_root: Path, add_version: Callable[..., Path]
) -> None:
    spec = make_spec("x-pyenv", version=("alias",))
    link = add_version(pyenv_root, "alias") / "bin/python"
    before = PyenvProvider().fingerprint(spec, context)
    forget()
    assert PyenvProvider().fingerprint(spec, context) == before
    program = pyenv_root / "python3.5"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    link.unlink()
    link.symlink_to(program)
    forget()
    assert PyenvProvider().fingerprint(spec, context)["interpreter"] != before["interpreter"]
    os.unlink(link)
    forget()
    assert PyenvProvider().fingerprint(spec, context)["interpreter"] is None
