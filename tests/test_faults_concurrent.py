"""Eight kerns at once in one checkout, from nothing: all are good, one does the work, and what is left is golden."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults import SCALE, Trials, chance, times

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.faults import Trial

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")

MANY = 8
LIMIT = 180


@pytest.fixture
def trial(tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...]) -> Trial:
    return Trials(tmp_path, clean_environ, kern_command).make()


def start_all(trial: Trial, selections: Sequence[Sequence[str]]) -> list[subprocess.Popen[bytes]]:
    return [
        subprocess.Popen(
            (*trial.project.command, "run", "--json", *selection),
            cwd=trial.project.root, env=dict(trial.project.environ), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )
        for selection in selections
    ]  # fmt: skip


def documents(running: list[subprocess.Popen[bytes]]) -> list[dict[str, Any]]:
    """What each prints; every one must be good."""
    found = []
    try:
        for each in running:
            out, err = each.communicate(timeout=LIMIT)
            assert each.returncode == 0, (out + err).decode(errors="replace")
            assert b"Traceback" not in err, err.decode(errors="replace")
            found.append(json.loads(out))
    finally:
        for each in running:
            if each.poll() is None:
                each.kill()
                each.communicate(timeout=LIMIT)
    return found


def made(found: list[dict[str, Any]]) -> list[str]:
    return sorted(item for document in found for row in document["rows"] for item in row["made"])


@pytest.mark.parametrize("number", range(times(4)))
def test_eight_cold_runs_at_once_are_all_good_and_one_does_the_work(trial: Trial, number: int) -> None:
    trial.run()
    golden = trial.manifest()
    trial.forget()
    assert trial.project.builds() == ["wheel {}.{}".format(*sys.version_info)]
    nonce = trial.nonce()
    found = documents(start_all(trial, [()] * MANY))
    assert {row["outcome"] for document in found for row in document["rows"]} == {"passed"}, f"round {number}"
    assert len(trial.project.builds()) == 1
    assert made(found) == ["built wheel", "made environment"]
    trial.proven(nonce)
    trial.assert_golden(golden)
    assert trial.run().rows()["a"]["made"] == []


@pytest.mark.parametrize("number", range(times(1)))
def test_eight_environments_made_at_once_share_one_package(trial: Trial, number: int) -> None:
    names = [f"t{number}" for number in range(MANY)]
    config = (trial.project / "kern.toml").read_text()
    trial.project.config(config.replace("env_list = ['a']", f"env_list = {names}"))
    nonce = trial.nonce()
    found = documents(start_all(trial, [(name,) for name in names]))
    assert len(trial.project.builds()) == 1, f"round {number}"
    assert made(found) == ["built wheel"] + ["made environment"] * MANY
    golden = trial.manifest(names[0])
    for name in names:
        trial.proven(nonce, name)
        trial.assert_golden(golden, name)
    assert made([trial.project.run().json]) == []


def test_the_others_go_on_when_one_of_eight_is_killed(trial: Trial) -> None:
    choices = chance("killed among eight")
    trial.run()
    golden = trial.manifest()
    for _ in range(max(1, int(SCALE))):
        trial.forget()
        trial.nonce()
        running = start_all(trial, [()] * MANY)
        victim = running[choices.randrange(MANY)]
        try:
            victim.communicate(timeout=choices.uniform(0.2, 2.0))
        except subprocess.TimeoutExpired:
            os.kill(victim.pid, signal.SIGKILL)
            victim.communicate(timeout=LIMIT)
        assert len(documents([each for each in running if each is not victim])) == MANY - 1
        trial.assert_golden(golden)
        trial.run()
