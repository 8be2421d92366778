"""kern, or everything that it has started, is killed at any moment; the same command again must put all of it right.

What counts is the environment itself, file by file, and a proof that a command writes from inside of it.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults import LANES, Trials, base_interpreter, chance, in_lanes, times

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults import Trial

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")

BEFORE = ("['apple==1.0', 'plum']", "answer = 42\n")
AFTER = ("['apple==2.0', 'plum', 'fruit']", "answer = 43\n")


@pytest.fixture
def trials(tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...]) -> Trials:
    return Trials(tmp_path, clean_environ, kern_command)


@pytest.fixture(autouse=True)
def nothing_is_written_into_the_base_interpreter() -> Iterator[None]:
    before = base_interpreter()
    yield
    assert base_interpreter() == before


def kill_cold_runs(trial: Trial, choices: random.Random, count: int, *, tree: bool) -> None:
    """Kill that many cold runs of the trial, each at a random moment, and see each repaired."""
    begun = time.monotonic()
    trial.run()
    whole = time.monotonic() - begun
    golden = trial.manifest()
    kills = 0
    while kills < count:
        trial.forget()
        moment, begun = choices.uniform(0.01, whole), time.monotonic()
        if not trial.killed(moment, "run", tree=tree, within=max(1.0, whole)):
            whole = (whole + time.monotonic() - begun) / 2
            continue
        kills += 1
        trial.run()
        trial.assert_golden(golden, why=f"killed after {moment:.3f} of {whole:.3f} s")


@pytest.mark.parametrize("tree", [True, False], ids=["the-whole-tree", "kern-alone"])
def test_a_cold_run_that_was_killed_is_repaired(trials: Trials, tree: bool) -> None:
    choices = [chance(f"cold {tree} {lane}") for lane in range(LANES)]
    made = [trials.make(f"lane{lane}") for lane in range(LANES)]
    in_lanes(lambda lane: kill_cold_runs(made[lane], choices[lane], times(40) // LANES, tree=tree))


def test_a_cold_run_with_pip_that_was_killed_is_repaired(trials: Trials) -> None:
    choices = [chance(f"pip {lane}") for lane in range(LANES)]
    made = [trials.make(f"lane{lane}") for lane in range(LANES)]
    for trial in made:
        trial.config(installer="pip")
    in_lanes(lambda lane: kill_cold_runs(made[lane], choices[lane], times(4) // LANES, tree=lane == 0))


def kill_changes(trial: Trial, choices: random.Random, count: int) -> None:
    """Kill that many runs that change the trial's environment there and back."""
    golden, whole = {}, 0.0
    states = {1: BEFORE, 2: AFTER}
    for number in (1, 2, 1):
        _declare(trial, states[number])
        begun = time.monotonic()
        trial.run()
        whole = time.monotonic() - begun
        golden[number] = trial.manifest()
    kills, now = 0, 1
    while kills < count:
        now = 3 - now
        _declare(trial, states[now])
        moment, begun = choices.uniform(0.01, whole), time.monotonic()
        if not trial.killed(moment, "run", tree=choices.random() < 0.5, within=max(1.0, whole)):
            whole = (whole + time.monotonic() - begun) / 2
            continue
        kills += 1
        trial.run()
        trial.assert_golden(golden[now], why=f"killed after {moment:.3f} of {whole:.3f} s")


def _declare(trial: Trial, state: tuple[str, str]) -> None:
    deps, source = state
    trial.config(deps)
    trial.project.write({"src/demo/__init__.py": source})


def test_a_change_of_an_environment_that_was_killed_is_repaired(trials: Trials) -> None:
    choices = [chance(f"change {lane}") for lane in range(LANES)]
    made = [trials.make(f"lane{lane}") for lane in range(LANES)]
    in_lanes(lambda lane: kill_changes(made[lane], choices[lane], times(20) // LANES))
