"""Rows in containers through the command line: what is inside, what is left, and a wheel that is installed there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kern.api import StepFailed
from kern_docker.arguments import mounts

if TYPE_CHECKING:
    from kern.testing import KernProject

SLEEP = (f"sleep {900000 + os.getpid()}", f"sleep {9900000 + os.getpid()}")
"""What sleeps inside; nobody else on this machine sleeps so long."""
CONFIG = """
env_list = ["{plain,python}-docker"]
[env.docker]
image = "@IMAGE@"
pull = "never"
pass_env = ["GREETING"]
[env.plain-docker]
package = "none"
python = ""
set_env.ANSWER = "4 2"
set_env.HOME = "/inside"
commands = [
    ["sh", "-c", "test $HOME = /inside && test \\"$ANSWER:$GREETING\\" = '4 2:hello' && test -e kern.toml && cd /tmp && : > /made-inside"],
    ["sh", "-c", "test ! -e /made-on-the-host && test -e /made-inside"],
]
[env.python-docker]
commands = [["python", "-c", "import demo, sys; assert demo.__file__.startswith(sys.prefix), demo.__file__"], ["demo-hello"]]
[env."{sleepy,brief}-docker"]
package = "none"
python = ""
commands = [["sh", "-c", "@ONE@ & @OTHER@"]]
commands_post = [["sh", "-c", "exit 0"]]
[env.sleepy-docker]
[env.brief-docker]
timeout = 1
[package.wheel]
match = "docker"
"""
PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "demo"
version = "1.0"
[project.scripts]
demo-hello = "demo:hello"
"""


@pytest.fixture
def containers(kern_project: KernProject, image: str, engine_environ: dict[str, str]) -> KernProject:
    kern_project.environ.update({**engine_environ, "GREETING": "hello"})
    files = {
        "kern.toml": CONFIG.replace("@IMAGE@", image).replace("@ONE@", SLEEP[0]).replace("@OTHER@", SLEEP[1]),
        "pyproject.toml": PYPROJECT,
        "src/demo/__init__.py": "def hello():\n    print('hello')\n",
    }
    return kern_project.write(files)


def podman(project: KernProject, *words: str) -> str:
    """What podman says."""
    environ = {**os.environ, **project.environ}
    return subprocess.run(["podman", *words], env=environ, capture_output=True, text=True, check=True).stdout


def left(project: KernProject) -> str:
    """The containers of the project's environments that are there."""
    said = podman(project, "ps", "-a", "--format", "{{.Names}} {{.Labels}}")
    return "".join(line for line in said.splitlines() if project.root in line)


def sleepers() -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(place.read_bytes().replace(b"\0", b" ").decode().strip())
        except OSError:
            continue
    return [line for line in found if line in SLEEP]


def test_rows_run_inside_and_leave_nothing(containers: KernProject) -> None:
    pytest.importorskip("kern_wheel")
    first = containers.run("-j", "2")
    assert first.outcomes == {"plain-docker": "passed", "python-docker": "passed"}, str(first)
    assert first.rows["python-docker"]["installed"]["demo"] == "1.0"
    assert left(containers) == ""
    again = containers.run()
    assert again.outcomes == first.outcomes
    assert [row["made"] for row in again.rows.values()] == [[], []]


def test_a_timeout_ends_what_runs_inside(containers: KernProject) -> None:
    done = containers.kern("run", "--json", "brief-docker", code=1)
    assert done.rows["brief-docker"]["outcome"].startswith("time"), str(done)
    assert sleepers() == []
    assert left(containers) == ""


def interrupted(project: KernProject, number: int) -> int:
    """Send a signal to kern while a command sleeps in a container."""
    started = subprocess.Popen(
        [sys.executable, "-m", "kern", "run", "sleepy-docker"], cwd=project.root, env={**os.environ, **project.environ},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    limit = time.monotonic() + 60
    while len(sleepers()) < 2 and started.poll() is None and time.monotonic() < limit:
        time.sleep(0.02)
    started.send_signal(number)
    return started.wait(60)


def test_an_interruption_ends_what_runs_inside(containers: KernProject) -> None:
    containers.run("--no-test", "sleepy-docker")
    assert interrupted(containers, signal.SIGINT) == 130
    assert sleepers() == []
    assert left(containers) == ""
    assert interrupted(containers, signal.SIGKILL) == -signal.SIGKILL
    limit = time.monotonic() + 20
    while sleepers() and time.monotonic() < limit:
        time.sleep(0.02)
    assert sleepers() == []
    asked = containers.kern("exec", "sleepy-docker", "--", "sh", "-c", "exit 9", code=9)
    assert left(containers) == "", str(asked)


def test_an_image_is_built_and_missed_when_it_is_gone(containers: KernProject, image: str) -> None:
    config = (
        'env_list = ["a-docker"]\n[env]\npackage = "none"\npython = ""\npull = "never"\n'
        'containerfile = "ci, too/Containerfile"\nvolumes = ["./ci, too:/mounted:ro"]\n'
        'commands = [["sh", "-c", "test -e /built && test -e /mounted/Containerfile && ! (: > /mounted/new)"]]\n'
    )
    containers.write({"kern.toml": config, "ci, too/Containerfile": f"FROM {image}\nRUN : > /built\n"})
    containers.run()
    location = os.path.join(containers.root, ".kern", "envs", "a-docker")
    podman(containers, "rmi", "-f", f"localhost/kern-{zlib.crc32(os.fsencode(location)):08x}")
    shown = containers.kern("run", code=3)
    assert "the image that this environment was made with is no longer there" in shown.out + shown.err
    assert containers.run("--recreate").outcomes == {"a-docker": "passed"}


def test_paths_that_engines_split() -> None:
    assert mounts(['/a:b, "c"']) == ["--mount", 'type=bind,"src=/a:b, ""c""","dst=/a:b, ""c"""']
    assert mounts(["/a"], readonly=True) == ["--mount", "type=bind,src=/a,dst=/a,readonly"]
    with pytest.raises(StepFailed):
        mounts(["/a\nb"])


def test_an_image_that_is_not_there_is_one_error(containers: KernProject) -> None:
    text = (Path(containers.root) / "kern.toml").read_text()
    containers.write({"kern.toml": text.replace("localhost/kern-test-python:1", "localhost/kern-test-nothing:1")})
    shown = containers.kern("run", "plain-docker", code=3)
    assert "localhost/kern-test-nothing:1 is not on this machine" in shown.out + shown.err
