#!/usr/bin/env python3
"""What kern costs beside the least that the same work can cost.

python3 benchmarks/speed.py [--work DIR] [--kern PATH] [--uv PATH] [--peers NAME=PATH,...] [--rounds N] [CASE ...]

Without CASE all cases are measured. README.md, beside this file, says how. The exit code is 0 whatever is measured, and 1
if something that measuring needs is missing.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from cases import CASES, Bar, Case, SkipError, here
from peers import PEERS
from preparing import PreparingError, Site, prepare
from timing import Cost, Row, adopt_orphans, in_turn, measure, ratios, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 300
LINE = "  {:<26} {:>7} {:>7}   {:<24} {:<24} {:<20} {}"
HEADINGS = ("median of rounds", "cpu s", "wall s", "cpu x (min..max)", "wall x (min..max)", "bar", "")


def main() -> int:
    """Measure what the command line says."""
    arguments = parse()
    adopt_orphans()
    try:
        site = prepare(os.path.abspath(arguments.work), arguments.kern, arguments.uv, arguments.peers)
        print_head(site)
        verdicts = [verdict for case in arguments.cases for verdict in run_case(case, site, arguments.rounds)]
    except PreparingError as error:
        print(f"speed.py: {error}", file=sys.stderr)
        return 1
    print(f"\n{verdicts.count('ok')} of {len(verdicts)} are within their bars")
    return 0


def parse() -> argparse.Namespace:
    """The command line, with cases instead of their names."""
    names = {case.name: case for case in CASES}
    parser = argparse.ArgumentParser(description="Measure kern beside the bare lower bound.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(names)}; all if not given")
    parser.add_argument("--work", default=default_work(), metavar="DIR", help="what is made is kept here (%(default)s)")
    parser.add_argument("--kern", type=program, metavar="PATH", help="measure this kern, not one from this checkout")
    parser.add_argument("--uv", type=program, metavar="PATH", help="for the lower bounds; kern's own if not given")
    parser.add_argument("--peers", type=peers, default={}, metavar="NAME=PATH,...", help=f"names: {', '.join(PEERS)}")
    parser.add_argument("--rounds", type=int, metavar="N", help="measure each row so often")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.cases if name not in names]
    if unknown:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(names)}")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("at least one round")
    arguments.cases = [names[name] for name in arguments.cases] or list(CASES)
    return arguments


def default_work() -> str:
    """In the user's cache: a work folder in /tmp might be on another kind of file system than users' projects."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "kern-benchmarks")


def program(path: str) -> str:
    """The absolute path of an executable."""
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{path} is no program")
    return os.path.abspath(path)


def peers(text: str) -> dict[str, str]:
    """``tox=PATH,nox=PATH`` as a table."""
    found = {}
    for part in text.split(","):
        name, _, path = part.partition("=")
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(PEERS)}")
        found[name] = program(path)
    return found


def print_head(site: Site) -> None:
    """What was measured where."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0]
    print(f"{time.strftime('%F %T')}, {platform.system()} {platform.machine()}, {cores} processors, load {load:.1f}")
    print(f"Python {', '.join(site.pythons)}; {first_line([site.uv, '--version'], site.work, site)}")
    for tool in site.tools:
        print(f"{tool.name}: {first_line([tool.program, '--version'], here(site)(tool), site)}")
    if load > cores / 2:
        print("the machine has other work to do: wall times say little, processor times less than they could")
    print("\n" + LINE.format(*HEADINGS).rstrip(), flush=True)


def first_line(argv: Sequence[str], folder: str, site: Site) -> str:
    """What a program says first."""
    done = subprocess.run(argv, cwd=folder, env=dict(site.environ), capture_output=True, text=True, check=False)
    return next(iter((done.stdout + done.stderr).splitlines()), "nothing")


def run_case(case: Case, site: Site, rounds: int | None) -> list[str]:
    """Measure and print a case; its verdicts."""
    count = rounds or case.rounds
    print(f"\n{case.name}: {case.title} (rounds: {count})", flush=True)
    try:
        rows = case.rows(site)
    except SkipError as error:
        print(f"  skipped: {error}")
        return []
    log = os.path.join(site.work, "last.log")
    costs, failed = in_turn(rows, count, partial(measure, environ=site.environ, log=log, seconds=SECONDS))
    for label, reason in failed.items():
        print(f"  {label} failed: {reason}")
    return print_rows(case, rows, costs)


def print_rows(case: Case, rows: Sequence[Row], costs: dict[str, list[Cost]]) -> list[str]:
    """Print the rows that did not fail; the verdicts on those that are judged."""
    bound = costs.get(rows[0].label)
    if bound is None:
        return ["failed" for row in rows if row.judged and case.bar]
    print(LINE.format(rows[0].label, *seconds(bound), "", "", "", "").rstrip(), flush=True)
    bar_of = {row.label: case.bar if row.judged else None for row in rows[1:]}
    verdicts = [print_row(label, costs.get(label), bound, bar) for label, bar in bar_of.items()]
    return [verdict for verdict in verdicts if verdict]


def print_row(label: str, costs: Sequence[Cost] | None, bound: Sequence[Cost], bar: Bar | None) -> str:
    """Print a row; ``ok``, ``over`` or ``failed``, empty where there is no bar."""
    if costs is None:
        return "failed" if bar else ""
    cpu = ratios([cost.cpu for cost in costs], [cost.cpu for cost in bound])
    wall = ratios([cost.wall for cost in costs], [cost.wall for cost in bound])
    texts = [f"{one.median:.2f} ({one.low:.2f}..{one.high:.2f})" for one in (cpu, wall)]
    reached = {"cpu x": cpu.median, "wall x": wall.median, "cpu s": spread([cost.cpu for cost in costs]).median}
    verdict = ("ok" if reached[bar.kind] <= bar.most else "over") if bar else ""
    print(LINE.format(label, *seconds(costs), *texts, words(bar), verdict).rstrip(), flush=True)
    return verdict


def seconds(costs: Sequence[Cost]) -> tuple[str, str]:
    """The medians of processor and wall time."""
    return f"{spread([cost.cpu for cost in costs]).median:.3f}", f"{spread([cost.wall for cost in costs]).median:.3f}"


def words(bar: Bar | None) -> str:
    """``cpu x 1.5, aim 1.3``."""
    if bar is None:
        return ""
    return f"{bar.kind} {bar.most:g}" + (f", aim {bar.aim:g}" if bar.aim else "")


if __name__ == "__main__":
    sys.exit(main())
