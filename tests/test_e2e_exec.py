"""One command in an environment: kern's own, any virtual environment, any interpreter, and none of them changed by it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import venv
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Project

WHO = "import os, sys; print(sys.prefix); print(os.getcwd()); print(os.environ.get('VIRTUAL_ENV', 'none'))"


@pytest.fixture(scope="module")
def one(shared: Callable[[str], Project]) -> Project:
    """A project with an environment that is ready, and one that is not."""
    project = shared("exec").config(
        "env_list = ['a', 'b', 'c-1', 'c-2']\n[env]\npackage = 'none'\ncommands = ['true']\nset_env.MINE = 'from {env_name}'\n"
        "[env.a]\ndeps = ['apple']\n"
    )
    project.run("a")
    return project


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that kern did not make."""
    place = tmp_path_factory.mktemp("foreign") / "venv"
    venv.create(place, symlinks=True)
    next(place.glob("lib/python3*/site-packages")).joinpath("mine.py").write_text("x = 1\n")
    return place


def tree(folder: Path) -> str:
    """A hash of every path, content, mode and time in a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found.update(repr((str(path), status.st_mode, status.st_mtime_ns, content)).encode())
    return found.hexdigest()


def test_a_command_runs_in_an_environment_of_kern_where_the_user_is(one: Project, tmp_path: Path) -> None:
    before = one.stamp("a")
    done = one.kern("-C", str(one.root), "exec", "a", "--", "python", "-c", WHO, cwd=tmp_path, code=0)
    assert done.out.splitlines() == [str(one.environment("a")), str(tmp_path), str(one.environment("a"))]
    assert one.kern("exec", "a", "--", "eat-apple", code=0).out == "apple 2.0\n"
    assert one.stamp("a") == before


def test_it_sees_what_the_commands_of_the_environment_see(one: Project) -> None:
    show = "import os; print(os.environ.get('MINE'), os.environ.get('STRANGER'))"
    done = one.kern("exec", "a", "--", "python", "-c", show, code=0, env={"STRANGER": "1"})
    assert done.out == "from a None\n"


def test_an_environment_that_is_not_there_is_made_first_and_the_help_does_not_deny_it(one: Project) -> None:
    one.kern("clean", "b", code=0)
    done = one.kern("exec", "b", "--", "python", "-c", WHO, code=0)
    assert "making b first" in done.err
    assert done.out.splitlines()[0] == str(one.environment("b"))
    assert "Nothing is built, installed or made" not in one.kern("exec", "--help", code=0).out.replace("\n", " ")


def test_an_existing_environment_is_used_by_its_path_and_not_changed(one: Project, foreign: Path) -> None:
    before = tree(foreign)
    done = one.kern("exec", str(foreign), "--", "python", "-c", WHO, code=0)
    assert done.out.splitlines()[0] == str(foreign)
    assert done.out.splitlines()[2] == str(foreign)
    one.kern("exec", os.path.relpath(foreign, one.root), "--", "python", "-c", "pass", code=0)
    by_program = one.kern("exec", str(foreign / "bin/python"), "--", "python", "-c", WHO, code=0)
    assert by_program.out.splitlines()[0] == str(foreign)
    assert tree(foreign) == before


def test_an_interpreter_is_used_by_its_path(one: Project, pythons: dict[str, str], several: list[str]) -> None:
    path = pythons[several[-1]]
    done = one.kern(
        "exec", path, "--", "python3", "-c", "import sys, os; print(sys.version_info[:2], 'VIRTUAL_ENV' in os.environ)",
        code=0, env={"VIRTUAL_ENV": "/nowhere"},
    )  # fmt: skip
    assert done.out == f"(3, {several[-1][3:]}) False\n"


def test_an_existing_environment_needs_no_project(project: Project, foreign: Path) -> None:
    done = project.kern("exec", str(foreign), "--", "python", "-c", WHO, code=0)
    assert done.out.splitlines()[0] == str(foreign)
    assert list(project.root.iterdir()) == []


def test_what_is_no_environment_is_refused(one: Project, tmp_path: Path) -> None:
    assert "there is nothing at" in one.error("exec", "./nowhere", "--", "true")
    assert "no environment that an installed plugin recognises" in one.error("exec", str(tmp_path), "--", "true")
    assert "'c' is 2 environments: c-1, c-2" in one.error("exec", "c", "--", "true")
    assert "no environment matches 'zzz'" in one.error("exec", "zzz", "--", "true")


def test_the_dashes_are_demanded(one: Project) -> None:
    said = one.error("exec", "a", "python", "-V")
    assert "kern exec needs -- before the command" in said
    assert "did you mean: kern exec a -- python -V" in said
    one.error("exec", "a")
    one.error("exec", "a", "--")


@pytest.mark.parametrize("code", [0, 1, 7, 130, 255])
def test_the_exit_code_is_that_of_the_command(one: Project, code: int) -> None:
    assert one.kern("exec", "a", "--", "python", "-c", f"raise SystemExit({code})").code == code


def test_a_command_ended_by_a_signal_has_the_exit_code_of_a_shell(one: Project) -> None:
    assert one.kern("exec", "a", "--", "python", "-c", "import os; os.kill(os.getpid(), 9)").code == 137
    assert one.kern("exec", "a", "--", "python", "-c", "import os; os.kill(os.getpid(), 15)").code == 143


def test_a_command_that_does_not_exist_is_said(one: Project) -> None:
    for target in ("a", "system"):  # kern installs nothing into the second
        said = one.error("exec", target, "--", "no-such-program", code=3)
        assert "there is no program `no-such-program` on PATH" in said
        assert "install what brings it" in said


LISTEN = """
import signal, sys, time
def got(number, _):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(5)
signal.signal(signal.SIGTERM, got)
signal.signal(signal.SIGINT, got)
signal.signal(signal.SIGHUP, got)
open("listening", "w").close()
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_to_kern_alone_reaches_the_command_as_it_is(
    one: Project, wait_for: Callable[..., None], number: signal.Signals
) -> None:
    one.write({"listen.py": LISTEN})
    (one / "listening").unlink(missing_ok=True)
    started = one.start("exec", "a", "--", "python", "listen.py")
    wait_for((one / "listening").exists, what="the command")
    os.kill(started.pid, number)
    try:
        assert started.wait(60) == 5
    finally:
        started.kill()
        started.wait()
    assert one.screen() == f"got {number.name}\n"


def test_standard_input_and_output_are_those_of_the_command(one: Project) -> None:
    upper = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().upper()); sys.stderr.write('aside')"
    done = subprocess.run(
        (*one.command, "exec", "a", "--", "python", "-c", upper),
        cwd=one.root, env=dict(one.environ), input=b"bytes \xff\x00\n", capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"BYTES \xff\x00\n", b"aside")


def test_two_run_at_the_same_time(one: Project, wait_for: Callable[..., None]) -> None:
    one.write({"listen.py": LISTEN})
    (one / "listening").unlink(missing_ok=True)
    started = one.start("exec", "a", "--", "python", "listen.py")
    wait_for((one / "listening").exists, what="the command")
    one.kern("exec", "a", "--", "python", "-c", "pass", code=0, timeout=50)
    one.run("a", timeout=50)
    os.kill(started.pid, signal.SIGTERM)
    started.wait(60)


def test_the_python_of_the_tests_is_an_interpreter_for_it_too(one: Project) -> None:
    done = one.kern("exec", sys.executable, "--", "python", "-c", "import sys; print(sys.prefix)", code=0)
    assert done.out.strip() == sys.prefix


@pytest.mark.parametrize("words", [("exec", "system", "--", "true"), ("run",), ("list",), ("init",)])
def test_a_directory_that_is_gone_is_said_in_words(project: Project, tmp_path: Path, words: tuple[str, ...]) -> None:
    script = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *project.command, *words],
        cwd=tmp_path, env=project.variables(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: the directory that kern is started in does not exist any more\n")


def test_a_shell_is_the_users_own(one: Project, tmp_path: Path) -> None:
    shell = tmp_path / "a shell"
    shell.write_text('#!/bin/sh\necho "in $KERN_ENV_NAME with $#"; command -v python\nexit 7\n')
    shell.chmod(0o755)
    shown = one.kern("shell", "a", env={"SHELL": str(shell)}, code=7).out.splitlines()
    assert shown == ["in a with 0", str(one.environment("a") / "bin" / "python")]
    assert one.kern("shell", "a", env={"SHELL": None}, code=0).out == ""
    assert "kern shell needs TARGET" in one.error("shell")
