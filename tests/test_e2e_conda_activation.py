"""Activation of conda environments: what it sets is seen, what it started is gone, and it is always undone."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Project, Result

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")

CONFIG = """
env_list = ['{names}']
[env]
package = 'none'
channels = ['{channel}']
conda_deps = {deps}
pass_env = ['ACTDEMO_*', 'OUT']
commands = {commands}
"""
GREETING = "hello (with 'quotes', \"double\" and\na newline)"
DUMP = [
    "sh",
    "-c",
    'env -0 > "$OUT.new"; mv "$OUT.new" "$OUT"; if [ -n "$ACTDEMO_PID" ]; then kill -0 "$ACTDEMO_PID"; fi',
]
"""In one step: a test reads the file as soon as it is there."""
ENDINGS = {
    "passes": (["true"], 0),
    "fails": (["false"], 1),
    "times-out": (["sleep", "60"], 1),
    "is-interrupted": (["sleep", "60"], 130),
}


def configure(
    project: Project, channel: str, deps: list[str], commands: list[list[str]], more: str = "", names: str = "a-conda"
) -> Project:
    """An environment without Python and without a package."""
    text = CONFIG.format(channel=channel, deps=deps, commands=commands, names=names)
    return project.config(text + more)


def variables(project: Project) -> dict[str, str]:
    """What the command saw."""
    text = (project.root / "out").read_text().split("\0")
    return dict(line.split("=", 1) for line in text if line)


def lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def journal(project: Project) -> list[str]:
    path = project / "journal"
    return path.read_text().splitlines() if path.exists() else []


def seen(project: Project, **more: str) -> dict[str, str]:
    """Variables of a run: where commands and scripts write, and one that activation takes away."""
    places = {"OUT": str(project / "out"), "ACTDEMO_JOURNAL": str(project / "journal")}
    return {**places, "ACTDEMO_SHOULD_VANISH": "x", **more}


@pytest.mark.parametrize("mode", ["snapshot", "wrap"])
def test_commands_see_what_activation_did(project: Project, channel: str, mode: str) -> None:
    configure(project, channel, ["actdemo", "lastdemo"], [DUMP, DUMP], f"activation = '{mode}'\n")
    project.run(env=seen(project, ACTDEMO_SPAWN="300"))
    found, prefix = variables(project), str(project.environment("a-conda"))
    assert found["CONDA_PREFIX"] == prefix
    assert found["ACTDEMO_GREETING"] == GREETING
    assert found["ACTDEMO_VARIABLE"] == "yes"
    assert "ACTDEMO_SHOULD_VANISH" not in found
    assert found["PATH"].split(":")[:2] == [f"{prefix}/share/actdemo/bin", f"{prefix}/bin"]
    assert not lives(found["ACTDEMO_PID"]), "what activation started is gone"
    lines = journal(project)
    assert lines[:2] == ["activate actdemo", "activate lastdemo"]
    assert lines[-2:] == ["deactivate lastdemo", "deactivate actdemo"], "in reverse order"
    assert len(lines) == (4 if mode == "snapshot" else len(lines))
    assert not (project.environment("a-conda") / "actdemo-activated").exists(), "deactivation was run"


@pytest.mark.parametrize("ending", ENDINGS)
def test_activation_is_undone_however_a_run_ends(
    project: Project, channel: str, ending: str, wait_for: Callable[..., None]
) -> None:
    command, code = ENDINGS[ending]
    more = "timeout = 3\n" if ending == "times-out" else ""
    configure(project, channel, ["actdemo"], [DUMP, command], more)
    project.kern("run", "--no-test", code=0)
    started = project.start("run", env=seen(project, ACTDEMO_SPAWN="300"))
    wait_for((project / "out").exists, what="the first command")
    if ending == "is-interrupted":
        time.sleep(0.1)
        started.send_signal(signal.SIGINT)
    assert started.wait(60) == code, project.screen()
    assert not lives(variables(project)["ACTDEMO_PID"])
    assert journal(project) == ["activate actdemo", "deactivate actdemo"]
    assert not (project.environment("a-conda") / "actdemo-activated").exists()


@pytest.mark.parametrize("mode", ["snapshot", "wrap"])
def test_a_failing_script_is_named_with_what_it_said(project: Project, channel: str, mode: str) -> None:
    configure(project, channel, ["actdemo", "broken-activation"], [DUMP], f"activation = '{mode}'\n")
    done: Result = project.kern("run", env=seen(project, ACTDEMO_SPAWN="300"), code=3 if mode == "snapshot" else None)
    assert done.code in (1, 3), str(done)
    assert "broken-activation.sh" in done.screen, str(done)
    assert "no licence found" in done.screen, str(done)
    assert not (project / "out").exists(), "no command runs in an environment that is not activated"


def test_activation_is_serial_where_the_user_says_so(project: Project, channel: str) -> None:
    configure(project, channel, ["actdemo"], [["true"]], "[limits]\nconda-activation = 1\n", "e{0-3}-conda")
    project.run("-j", "4", env=seen(project, ACTDEMO_SLOW="0.2"))
    lines = [line for line in journal(project) if not line.startswith("deactivate")]
    assert lines == ["activate actdemo", "activated actdemo"] * 4, "two were activated at the same time"
    assert journal(project).count("deactivate actdemo") == 4


def test_an_environment_without_scripts_starts_nothing_to_be_activated(project: Project, channel: str) -> None:
    configure(project, channel, ["tool-a"], [DUMP, ["-", "{python}", "-V"]])
    row = project.run(env=seen(project)).rows()["a-conda"]
    assert row["interpreter"] == "", "nothing has brought a Python"
    prefix = str(project.environment("a-conda"))
    found = variables(project)
    assert (found["CONDA_PREFIX"], found["CONDA_SHLVL"]) == (prefix, "1")
    assert found["PATH"].startswith(f"{prefix}/bin:")


def test_an_environment_that_is_active_outside_is_left_behind(project: Project, channel: str) -> None:
    configure(project, channel, ["tool-a"], [DUMP])
    outer = {
        "CONDA_PREFIX": "/opt/outer",
        "CONDA_SHLVL": "2",
        "CONDA_PREFIX_1": "/opt/base",
        "CONDA_DEFAULT_ENV": "outer",
    }
    path = f"/opt/outer/bin:{project.environ['PATH']}"
    project.run(env=seen(project, PATH=path, **outer))
    found = variables(project)
    assert found["CONDA_PREFIX"] == str(project.environment("a-conda"))
    assert "/opt/outer/bin" not in found["PATH"].split(":")
    assert "CONDA_PREFIX_1" not in found
