"""`activate` and `command_prefix` as a user meets them: the real kern, on real environments."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from kern.process.tree import is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KERN = os.path.join(os.path.dirname(sys.executable), "kern")
LONG = 60.0

CONFIG = """
env_list = ["py", "other"]
[env]
package = "none"
activate = ["scripts/load.sh", "{env:SECOND_SCRIPT:/dev/null}"]
set_env.MINE = "of the row"
set_env.LATE = "of the row"
commands = [["sh", "-c", '''echo "$LOADED/$MINE/$LATE/$TOOLS"; tool; eval "$DO"''']]
pass_env = ["DO"]
[env.other]
existing = "py"
command_prefix = ["env", "LATE=of the prefix"]
[env.third]
existing = "py"
[env.timed]
timeout = 1
"""
LOAD = """
echo entered >> journal
export LOADED="saw $MINE in ${VIRTUAL_ENV##*/}" LATE=of-script PATH="$PWD/tools:$PATH" TOOLS=there
echo "loading $LATE"
sleep 300 & echo $! >> helpers
trap 'echo left >> journal' EXIT
"""


class Project:
    """A project with a script, and kern on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.started: list[subprocess.Popen[str]] = []
        (root / "tools").mkdir(parents=True)
        (root / "scripts").mkdir()
        self.write("kern.toml", CONFIG)
        self.write("scripts/load.sh", LOAD)
        self.write("tools/tool", "#!/bin/sh\necho the tool\n")
        (root / "tools" / "tool").chmod(0o755)
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(root), "KERN_CACHE_DIR": str(root / "cache")}

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text, encoding="utf-8")

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [KERN, *words],
            cwd=self.root,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()

    def run(self, *words: str, **environ: str) -> tuple[int, str]:
        process = self.start(*words, **environ)
        said, _ = process.communicate(timeout=LONG)
        return process.returncode, said

    def lines(self, name: str) -> list[str]:
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []

    def forget(self) -> None:
        for name in ("journal", "helpers"):
            (self.root / name).unlink(missing_ok=True)

    def log(self, name: str) -> str:
        newest = max((self.root / ".kern" / "logs").glob(f"*/{name}.log"), key=lambda path: path.stat().st_mtime_ns)
        return newest.read_text()

    def nothing_is_left(self) -> bool:
        temporary = self.root / ".kern" / "tmp"
        helpers = self.lines("helpers")
        return bool(helpers) and not any(is_alive(int(pid)) for pid in helpers) and not list(temporary.glob("*"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    one = Project(tmp_path_factory.mktemp("shell") / "a project")
    code, said = one.run("run", "--no-test", "py")
    assert code == 0, said
    yield one
    one.close()


@pytest.fixture
def wait_for(project: Project) -> Callable[[str], None]:
    project.forget()

    def wait(name: str) -> None:
        limit = time.monotonic() + LONG
        while not project.lines(name):
            assert time.monotonic() < limit
            time.sleep(0.01)

    return wait


def test_scripts_are_on_top_of_the_environment_and_below_what_is_set(project: Project) -> None:
    project.forget()
    code, said = project.run("run", "py", "-v")
    assert code == 0, said
    assert "saw of the row in py/of the row/of the row/there\n" in project.log("py")
    assert "the tool\n" in project.log("py")
    assert "loading of-script\n" in project.log("py")
    assert project.lines("journal") == ["entered", "left"]
    assert project.nothing_is_left()


def test_rows_that_run_in_the_same_environment_share_one_activation(project: Project) -> None:
    project.forget()
    code, said = project.run("run", "other", "third", "-j", "2")
    assert code == 0, said
    assert "saw of the row in py/of the row/of the prefix/there\n" in project.log("other")
    assert "$ env 'LATE=of the prefix' sh -c" in project.log("other")
    entered = project.lines("journal").count("entered")
    assert entered == project.lines("journal").count("left") == 2, "one for py, which they depend on, one for the two"
    assert project.nothing_is_left()


def test_exec(project: Project) -> None:
    project.forget()
    code, said = project.run("exec", "py", "--", "sh", "-c", 'echo "$LOADED"; tool; exit 5')
    assert (code, said) == (5, "saw of the row in py\nthe tool\n")
    assert project.nothing_is_left()


@pytest.mark.parametrize("words", [("run", "py"), ("exec", "py", "--", "true")])
def test_a_script_that_ends_the_shell_is_an_error_that_names_it(project: Project, words: tuple[str, ...]) -> None:
    project.write("bad.sh", "echo some noise\nexit 0\n")
    code, said = project.run(*words, SECOND_SCRIPT="bad.sh")
    assert code == 3
    for text in (f"{project.root}/bad.sh", "ended the shell with exit code 0", "some noise", "`return`"):
        assert text in said
    assert "Traceback" not in said


def test_a_script_that_is_not_there(project: Project) -> None:
    code, said = project.run("run", "py", SECOND_SCRIPT="absent.sh")
    assert code == 3
    assert "there is no such activation script" in said
    assert f"{project.root}/absent.sh" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_kern_while_a_command_runs(project: Project, wait_for: Callable[[str], None], number: int) -> None:
    process = project.start("run", "py", DO="echo x > runs; sleep 300")
    wait_for("runs")
    (project.root / "runs").unlink()
    process.send_signal(number)
    said, _ = process.communicate(timeout=LONG)
    assert process.returncode == 128 + number, said
    assert project.lines("journal") == ["entered", "left"]
    assert project.nothing_is_left()


def test_ctrl_c_while_scripts_do_not_come_to_an_end(project: Project, wait_for: Callable[[str], None]) -> None:
    project.write("slow.sh", "echo x > slow; sleep 300\n")
    process = project.start("run", "py", SECOND_SCRIPT="slow.sh")
    wait_for("slow")
    (project.root / "slow").unlink()
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=LONG)
    assert process.returncode == 130, said
    assert not any(is_alive(int(pid)) for pid in project.lines("helpers"))


def test_kern_is_killed(project: Project, wait_for: Callable[[str], None]) -> None:
    process = project.start("run", "py", DO="echo x > runs; sleep 300")
    wait_for("runs")
    (project.root / "runs").unlink()
    process.kill()
    process.communicate(timeout=LONG)
    limit = time.monotonic() + LONG
    while any(is_alive(int(pid)) for pid in project.lines("helpers")):
        assert time.monotonic() < limit
        time.sleep(0.01)
    shutil.rmtree(project.root / ".kern" / "tmp")  # a later run deletes it, after some days


def test_a_timeout(project: Project) -> None:
    project.forget()
    code, said = project.run("run", "timed", DO="sleep 300")
    assert code == 1, said
    assert "timeout" in said
    assert project.lines("journal") == ["entered", "left"]
    assert project.nothing_is_left()
