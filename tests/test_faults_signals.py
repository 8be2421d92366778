"""Every way to end a run, against every kind of process that a test may leave: no process survives, kern tells its end.

Five shapes of a test with a grandchild, seven endings: 35 cells.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults import Trials, in_lanes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults import Trial

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")

HOLD = """
import os, signal, subprocess, sys, time
shape, ending = sys.argv[1:3]

def saw(number, frame):
    with open("seen-%d" % number, "a") as file:
        file.write("x")
    if shape != "ignores":
        raise SystemExit(1)

signal.signal(signal.SIGINT, saw)
if shape == "ignores":
    signal.signal(signal.SIGTERM, saw)
GRANDCHILD = "import os, signal, sys, time\\n"
how = "SIG_IGN" if shape == "ignores" else "SIG_DFL"
GRANDCHILD += "for number in (1, 2, 15): signal.signal(number, signal.%s)\\n" % how
GRANDCHILD += "open('new', 'w').write(str(os.getpid())); os.rename('new', 'grandchild')\\ntime.sleep(300)\\n"
quiet = {} if shape == "holds-output" else {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

def grandchild(**more):
    subprocess.Popen([sys.executable, "-c", GRANDCHILD], stdin=subprocess.DEVNULL, **quiet, **more)

if shape == "double-fork":
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            grandchild()
        os._exit(0)
    os.waitpid(child, 0)
else:
    grandchild(start_new_session=shape == "own-session")
while not os.path.exists("grandchild"):
    time.sleep(0.01)
open("ready", "w").close()
if ending != "normal-end":
    time.sleep(300)
"""

AFTER = """
import os
with open("grandchild") as file:
    pid = int(file.read())
try:
    os.kill(pid, 0)
except ProcessLookupError:
    raise SystemExit(0)
raise SystemExit("the grandchild lives while the next command runs")
"""

SHAPES = ("plain", "ignores", "own-session", "double-fork", "holds-output")
ENDINGS = {"int-to-group": 130, "int-twice": 130, "int": 130, "term": 143, "hup": 129, "kill": -9, "normal-end": 0}
SENT = {"int": signal.SIGINT, "term": signal.SIGTERM, "hup": signal.SIGHUP, "kill": signal.SIGKILL}
PATIENT = ("int-to-group", "int", "term", "hup")
"""The endings that wait for whatever ignores signals: these cells run beside the others."""
LANES = 8


def in_order(cell: tuple[str, str]) -> bool:
    return not (cell[0] == "ignores" and cell[1] in PATIENT)


CELLS = sorted(((shape, ending) for shape in SHAPES for ending in ENDINGS), key=in_order)


def held(trial: Trial, shape: str, ending: str) -> int:
    """Start kern with a test of that shape; kern's process id once the grandchild lives."""
    for name in ("ready", "grandchild", "seen-2", "seen-15"):
        (trial.project / name).unlink(missing_ok=True)
    started = trial.project.start("run", "a", "--", shape, ending)
    end = time.monotonic() + 60
    while not (trial.project / "ready").exists():
        assert time.monotonic() < end, f"the test did not start: {trial.project.screen()}"
        time.sleep(0.01)
    return started.pid


def ended(trial: Trial, pid: int, ending: str) -> int:
    """Have the run end in that way; its exit code."""
    started = trial.project.running[-1]
    if ending in {"int-to-group", "int-twice"}:
        os.killpg(pid, signal.SIGINT)
    if ending == "int-twice":
        time.sleep(0.5)
        if started.poll() is None:
            os.killpg(pid, signal.SIGINT)
    if ending in SENT:
        os.kill(pid, SENT[ending])
    return started.wait(60)


def faults(trial: Trial, shape: str, ending: str) -> list[str]:
    """What is wrong with one cell."""
    code = ended(trial, held(trial, shape, ending), ending)
    found = [] if code == ENDINGS[ending] else [f"exit code {code} instead of {ENDINGS[ending]}"]
    try:
        trial.wait_for_nothing(1.0 if ending == "kill" else 0)
    except AssertionError as error:
        found.append(str(error))
    seen = (trial.project / "seen-2").read_text() if (trial.project / "seen-2").exists() else ""
    if seen != ("" if ending in {"kill", "normal-end"} else "x"):
        found.append(f"the test saw SIGINT {len(seen)} times")
    screen = trial.project.screen()
    if "Traceback" in screen:
        found.append("a traceback")
    if ending == "normal-end" and "1 process was still running" not in screen:
        found.append("nothing is said about the process that was left behind")
    return [f"{shape}, {ending}: {fault}\n{screen}" for fault in found]


def test_nothing_survives_any_ending(
    tmp_path: Path, clean_environ: dict[str, str], kern_command: tuple[str, ...]
) -> None:
    trials = Trials(tmp_path, clean_environ, kern_command)
    found: list[str] = []

    def lane_of_cells(lane: int) -> None:
        trial = trials.make(f"lane{lane}")
        trial.project.config(
            "env_list = ['a']\n[env]\npackage = 'none'\ncommands = [['python', 'hold.py', '{posargs}'], ['python', 'after.py']]\n"
        ).write({"hold.py": HOLD, "after.py": AFTER}).run("--no-test")
        for shape, ending in CELLS[lane::LANES]:
            found.extend(faults(trial, shape, ending))

    in_lanes(lane_of_cells, LANES)
    assert len(CELLS) == 35
    assert not found, "\n\n".join(found)
