#!/usr/bin/env python3
"""What conda environments cost: a second one beside py-rattler's own work, an unchanged one beside a venv.

python benchmarks/conda.py [--work DIR] [--kern PATH] [--rounds N] [CASE ...]

It runs in an environment that has kern-conda and pytest, such as the one that `start.py setup` makes, and measures a kern
that it installs from this checkout; README.md, beside this file, says how it measures. The channel is the one of the tests, made of this machine's Python. The exit code is 0
whatever is measured, and 1 if something that measuring needs is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from timing import Cost, Row, adopt_orphans, in_turn, measure, ratios

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 300
SPECS = ("pytest", "pip")
CONFIG = """
env_list = ['{python}-{{plain,script}}-conda', '{python}-venv']
[env]
package = 'none'
commands = [['true']]
[env.venv]
deps = ['pytest']
[env.conda]
channels = ['{channel}']
conda_deps = {specs}
[env.script]
extend_conda_deps = ['actdemo']
"""
RATTLER = """
import asyncio, json, os, shutil, sys, time
from pathlib import Path
from rattler import LockFile, install

lock, prefix, cache = sys.argv[1:]


async def main():
    environment = LockFile.from_path(Path(lock)).environment("default")
    records = environment.conda_repodata_records_for_platform(environment.platforms()[0])
    await install(records, Path(prefix), cache_dir=Path(cache), show_progress=False)


asyncio.run(main())
time.sleep(0.01)  # rattler's threads may crash an interpreter that ends at once
sys.stdout.flush()
os._exit(0)
"""


class Site(NamedTuple):
    """What is measured where: kern, the folder of the project, the channel, the work folder, and all variables."""

    kern: str
    project: str
    python: str
    channel: str
    work: str
    environ: Mapping[str, str]


class Case(NamedTuple):
    """One case: its rows, the first being the lower bound, and what is said of each other row and held against the bar."""

    title: str
    rounds: int
    rows: Callable[[Site], list[Row]]
    judge: Callable[[str, Sequence[Cost], Sequence[Cost]], str]


def main() -> int:
    """Measure what the command line says."""
    arguments = parse()
    adopt_orphans()
    try:
        work = Path(arguments.work).absolute()
        site = prepare(work, arguments.kern or installed(work))
        for name in arguments.cases or CASES:
            run_case(name, CASES[name], site, arguments.rounds)
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", None) or str(error)
        print(f"conda.py: {words}", file=sys.stderr)
        return 1
    return 0


def parse() -> argparse.Namespace:
    """The command line."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser = argparse.ArgumentParser(description="Measure conda environments beside what they can't do without.")
    parser.add_argument("cases", nargs="*", metavar="CASE", choices=[[], *CASES], help=f"of {', '.join(CASES)}")
    parser.add_argument("--work", default=os.path.join(cache, "kern-benchmarks-conda"), help="(%(default)s)")
    parser.add_argument("--kern", metavar="PATH", help="measure this kern, which has py-rattler beside it")
    parser.add_argument("--rounds", type=int, help="measure each row so often")
    return parser.parse_args()


def prepare(work: Path, kern: str) -> Site:
    """A project in a fresh work folder, all of its environments made once, so that every cache is warm."""
    channels = load_channels()
    channel = channels.shared()
    python = "py" + next(iter(sorted(channels.interpreters(), reverse=True))).replace(".", "")
    for name in ("project", "wheels", "kern-cache", "uv-cache", "rattler"):
        shutil.rmtree(work / name, ignore_errors=True)
        (work / name).mkdir(parents=True)
    channels.write_wheels(work / "wheels")
    config = CONFIG.format(python=python, channel=channel, specs=list(SPECS))
    (work / "project/kern.toml").write_text(config)
    site = Site(kern, str(work / "project"), python, channel, str(work), variables(work))
    call(site, [kern, "run", "-q"])
    lock_records(site)
    return site


def installed(work: Path) -> str:
    """kern from this checkout as users have it: installed, not editable, with its modules compiled."""
    place = work / "kern"
    parts = ("core", *(f"plugins/{name}" for name in ("shell", "venv", "wheel", "conda")))
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True, capture_output=True)
    pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", *(str(ROOT / part) for part in parts)]
    subprocess.run(pip, check=True, capture_output=True, text=True)
    return str(place / "bin" / "kern")


def load_channels() -> ModuleType:
    """The module of the tests that makes channels."""
    spec = importlib.util.spec_from_file_location("conda_channel", ROOT / "plugins/conda/tests/conda_channel.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault("conda_channel", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


def variables(work: Path) -> dict[str, str]:
    """All variables of what is measured: no network, caches in the work folder."""
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "PYENV_ROOT") if name in os.environ}
    places = {"KERN_CACHE_DIR": str(work / "kern-cache"), "UV_CACHE_DIR": str(work / "uv-cache")}
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(work / "wheels")}
    return {**kept, **places, **pip, "TERM": "dumb", "NO_COLOR": "1"}


def call(site: Site, argv: Sequence[str]) -> str:
    """Run a command of the preparation; what it prints."""
    done = subprocess.run(argv, cwd=site.project, env=site.environ, check=True, capture_output=True, text=True)
    return done.stdout


def lock_records(site: Site) -> None:
    """Write the lock file that py-rattler installs from: the records of the environment that kern has made."""
    done = subprocess.run(
        [sys.executable, __file__, "--records", prefix_of(site, "plain-conda"), lock_of(site), site.channel],
        env=dict(site.environ), check=False, capture_output=True, text=True,
    )  # fmt: skip
    if not os.path.exists(lock_of(site)):
        raise OSError(f"the records could not be written down: {done.stderr}")


def write_lock(prefix: str, lock: str, channel: str) -> None:
    """In a process of its own: solve again what an environment has, and write a lock file."""
    from rattler import Gateway, LockChannel, LockFile, LockPlatform, VirtualPackage, VirtualPackageOverrides, solve

    entries = [json.loads(path.read_text()) for path in Path(prefix, "conda-meta").glob("*.json")]
    specs = [f"{entry['name']} =={entry['version']} {entry['build']}" for entry in entries]
    detected = VirtualPackage.detect(VirtualPackageOverrides.from_env())
    subdir = next(entry["subdir"] for entry in entries if entry["name"] == "python")
    solved = solve([channel], specs, gateway=Gateway(), virtual_packages=detected, platforms=[subdir, "noarch"])
    records = asyncio.run(solved)
    platform = LockPlatform(subdir)
    found = LockFile([platform])
    found.set_channels("default", [LockChannel(channel)])
    for record in records:
        found.add_conda_package("default", platform, record)
    found.to_path(Path(lock))


def prefix_of(site: Site, kind: str) -> str:
    """Where an environment is."""
    return os.path.join(site.project, ".kern", "envs", f"{site.python}-{kind}")


def lock_of(site: Site) -> str:
    """The lock file of `lock_records`."""
    return os.path.join(site.work, "rattler", "pixi.lock")


def second(site: Site) -> list[Row]:
    """The same environment anew from a warm cache: the whole process of py-rattler, kern's whole run."""
    prefix, cache = os.path.join(site.work, "rattler", "prefix"), os.path.join(site.work, "rattler", "pkgs")
    script = os.path.join(site.work, "rattler", "install.py")
    Path(script).write_text(RATTLER)
    name = f"{site.python}-plain-conda"
    return [
        Row(
            "py-rattler",
            [str(Path(site.kern).with_name("python")), script, lock_of(site), prefix, cache],
            site.project,
            _removing(prefix),
        ),
        Row("kern", [site.kern, "run", "--no-test", name], site.project, _removing(prefix_of(site, "plain-conda"))),
    ]


def _removing(prefix: str) -> Callable[[], None]:
    return partial(shutil.rmtree, prefix, ignore_errors=True)


def unchanged(site: Site) -> list[Row]:
    """A run in which nothing has to be made: a venv, a conda environment, one with an activation script."""
    kinds = ("venv", "plain-conda", "script-conda")
    return [Row(kind, [site.kern, "run", f"{site.python}-{kind}"], site.project) for kind in kinds]


def within(_label: str, costs: Sequence[Cost], bound: Sequence[Cost]) -> str:
    """How many times as long as the lower bound."""
    wall = ratios([cost.wall for cost in costs], [cost.wall for cost in bound])
    cpu = ratios([cost.cpu for cost in costs], [cost.cpu for cost in bound])
    verdict = "ok" if wall.median <= BAR_SECOND else "over"
    return f"wall x {wall.median:.2f} ({wall.low:.2f}..{wall.high:.2f}), cpu x {cpu.median:.2f}; bar {BAR_SECOND} {verdict}"


def beyond(label: str, costs: Sequence[Cost], bound: Sequence[Cost]) -> str:
    """How much more processor time than the venv, round by round."""
    more = [1000 * (one.cpu - other.cpu) for one, other in zip(costs, bound, strict=True)]
    median, bar = statistics.median(more), BAR_UNCHANGED[label]
    return f"{median:+.0f} ms cpu ({min(more):+.0f}..{max(more):+.0f}); bar {bar} {'ok' if median <= bar else 'over'}"


BAR_SECOND = 1.5
BAR_UNCHANGED = {"plain-conda": 60, "script-conda": 120}
CASES = {
    "second": Case("a second environment of python, pip and pytest from a warm cache", 15, second, within),
    "unchanged": Case("an unchanged row; python, pip and pytest in conda's, pytest in the venv", 31, unchanged, beyond),
}


def run_case(name: str, case: Case, site: Site, rounds: int | None) -> None:
    """Measure and print a case."""
    count = rounds or case.rounds
    print(f"\n{name}: {case.title} (rounds: {count})", flush=True)
    rows = case.rows(site)
    log = os.path.join(site.work, "last.log")
    costs, failed = in_turn(rows, count, partial(measure, environ=site.environ, log=log, seconds=SECONDS))
    for label, reason in failed.items():
        print(f"  {label} failed: {reason}")
    bound = costs.get(rows[0].label, [])
    for label, each in costs.items():
        cpu, wall = (statistics.median(numbers) for numbers in zip(*each, strict=True))
        words = case.judge(label, each, bound) if bound and each is not bound else ""
        print(f"  {label:<14} cpu {cpu:.3f} s  wall {wall:.3f} s  {words}".rstrip(), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--records"]:
        write_lock(*sys.argv[2:])
        sys.stdout.flush()
        os._exit(0)
    sys.exit(main())
