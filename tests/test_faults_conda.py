"""kern, or all that it has started, is killed while it makes a conda environment; the same command again puts it right."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults import LANES, Trials, chance, in_lanes, times

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.faults import Trial

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")

CONFIG = """
env_list = ['a']
[env]
provider = 'conda'
package = 'none'
channels = ['{channel}']
conda_deps = ['small-0', 'small-1', 'small-2', 'small-3', 'tool-a', 'actdemo']
commands = [['small-0'], ['tool-a'], ['actdemo-tool']]
"""


@pytest.fixture
def trials(tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...]) -> Trials:
    return Trials(tmp_path, clean_environ, kern_command)


def kill_runs(trial: Trial, choices: random.Random, count: int, *, tree: bool) -> None:
    """Kill that many runs that make the environment, by turns with an empty and with a filled cache."""
    begun = time.monotonic()
    trial.project.run()
    whole = time.monotonic() - begun
    golden = trial.manifest()
    kills = 0
    while kills < count:
        trial.project.kern("clean", "--all", code=0)
        if kills % 2:
            trial.forget()
        moment = choices.uniform(0.05, 1) * whole
        if not trial.killed(moment, "run", tree=tree, within=max(1.0, whole)):
            whole *= 0.95
            continue
        kills += 1
        done = trial.project.run()
        assert done.outcomes() == {"a": "passed"}, str(done)
        trial.assert_golden(golden, why=f"killed after {moment:.3f} of {whole:.3f} s")
        assert trial.project.run().rows()["a"]["made"] == []


@pytest.mark.parametrize("tree", [True, False], ids=["the-whole-tree", "kern-alone"])
def test_a_conda_environment_whose_making_was_killed_is_repaired(trials: Trials, channel: str, tree: bool) -> None:
    choices = [chance(f"conda {tree} {lane}") for lane in range(LANES)]
    made = [trials.make(f"lane{lane}") for lane in range(LANES)]
    for trial in made:
        trial.project.config(CONFIG.format(channel=channel))
    in_lanes(lambda lane: kill_runs(made[lane], choices[lane], times(10) // LANES, tree=tree))
