#!/usr/bin/env python3
"""Real projects from an index, tested with kern and by hand: the same tests must pass and fail.

python benchmarks/real/run.py [NAME...] [--work DIR] [--sdists DIR] [--kern PROGRAM]

Each project of projects.toml is fetched as an sdist, checked against its sha256, and unpacked; `projects/NAME/kern.toml`
is put beside its pyproject.toml. Then `kern run` tests it, a second `kern run` must make nothing, and the way that the
project itself documents is gone by hand, with the same interpreters. Projects run one after the other.

Exit code 0: all the same; 1: something that passes by hand does not with kern, or has other numbers, or a second run
made something; 2: something could not be tried.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from by_hand import Outcome, find_interpreter, python_of, recipe_of, test_by_hand, version_of
from counting import Counts, count
from sdists import FetchError, fetch, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 3600
HEADINGS = ("project", "version", "environment", "package", "kern: passed/failed", "by hand", "verdict")
SAME, DIFFERENT, UNTRIED = "the same", "DIFFERENT", "not tried"


class KernError(Exception):
    """``kern run`` printed no result; the text says what it printed instead."""


class Row(NamedTuple):
    """One environment with one package, as kern ran it.

    Attributes:
        environment: its name.
        package: the kind of package, with the tags of a wheel that is not pure.
        outcome: what kern calls it: passed, failed, skipped...
        counts: the tests' outcomes.
        made: what was built or made for it.
        reason: why it did not pass.
        python: ``sys.version`` of the interpreter; empty where there was none.
    """

    environment: str
    package: str
    outcome: str
    counts: Counts
    made: tuple[str, ...]
    reason: str
    python: str


class Line(NamedTuple):
    """One line of the table; ``remark`` is told below it."""

    project: str
    version: str
    environment: str = ""
    package: str = ""
    kern: str = ""
    hand: str = ""
    verdict: str = UNTRIED
    remark: str = ""


def main() -> int:
    """Try what the command line selects and print the table."""
    arguments = read_arguments()
    projects = select(arguments.names)
    work = make_place(arguments.work)
    sdists = os.path.abspath(arguments.sdists or os.path.join(work, "sdists"))
    lines: list[Line] = []
    for project in projects:
        tried = try_project(project, os.path.join(work, project["name"]), sdists, arguments.kern)
        verdicts = ", ".join(sorted({line.verdict for line in tried}))
        print(f"{project['name']} {project['version']}: {verdicts}", file=sys.stderr, flush=True)
        lines += tried
    report(lines)
    code = exit_code(lines)
    if code or arguments.work:
        print(f"Everything is kept in {work}.", file=sys.stderr)
    else:
        shutil.rmtree(work)
    return code


def read_arguments() -> argparse.Namespace:
    """What the user wants."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    beside = os.path.join(os.path.dirname(sys.executable), "kern")
    found = beside if os.path.exists(beside) else shutil.which("kern")
    parser.add_argument("names", nargs="*", metavar="NAME", help="projects; all without it")
    parser.add_argument("--work", metavar="DIR", help="work in a new folder in there, and keep it")
    parser.add_argument("--sdists", metavar="DIR", help="where sdists are kept; they are not fetched again")
    parser.add_argument("--kern", metavar="PROGRAM", default=found, help="the kern to try")
    arguments = parser.parse_args()
    if not arguments.kern:
        parser.error("there is no kern on PATH; name one with --kern")
    arguments.kern = os.path.abspath(shutil.which(arguments.kern) or arguments.kern)
    return arguments


def make_place(parent: str | None) -> str:
    """A new folder: what is in the user's own already is never touched."""
    if parent:
        os.makedirs(parent, exist_ok=True)
    return os.path.abspath(tempfile.mkdtemp(prefix="kern-real-", dir=parent))


def select(names: Sequence[str]) -> list[dict[str, Any]]:
    """The projects with these names, in the order of the list; all without names."""
    with open(os.path.join(HERE, "projects.toml"), "rb") as file:
        projects: list[dict[str, Any]] = tomllib.load(file)["project"]
    unknown = set(names) - {project["name"] for project in projects}
    if unknown:
        sys.exit(f"not in projects.toml: {', '.join(sorted(unknown))}")
    return [project for project in projects if not names or project["name"] in names]


def try_project(project: dict[str, Any], folder: str, sdists: str, kern: str) -> list[Line]:
    """The lines of one project; what went wrong before any test becomes a line too."""
    known = {"project": project["name"], "version": project["version"]}
    try:
        sdist = fetch(project["name"], project["version"], project["sha256"], sdists)
        tree = unpack(sdist, os.path.join(folder, "kern"))
        configure(tree, project["name"])
        first, again = run_kern(kern, tree, "first"), run_kern(kern, tree, "again")
    except (FetchError, KernError) as error:
        verdict = DIFFERENT if isinstance(error, KernError) else UNTRIED
        return [Line(**known, verdict=verdict, remark=str(error))]
    hands = {name: by_hand(project, name, sdist, folder) for name in dict.fromkeys(row.environment for row in first)}
    pairs = zip(first, again, strict=True)
    return [Line(**known, **compare(row, second, hands[row.environment])) for row, second in pairs]


def configure(tree: str, name: str) -> None:
    """Put the project's kern.toml beside its pyproject.toml, unless it has a configuration of its own."""
    with open(os.path.join(tree, "pyproject.toml"), "rb") as file:
        if "kern" not in tomllib.load(file).get("tool", {}):
            shutil.copy(os.path.join(HERE, "projects", name, "kern.toml"), tree)


def run_kern(kern: str, tree: str, name: str) -> list[Row]:
    """Run all environments; what kern prints is kept beside the tree."""
    base = os.path.join(os.path.dirname(tree), name)
    code = start_kern(kern, tree, base)
    with open(base + ".json", "rb") as file:
        content = file.read()
    try:
        result = json.loads(content)
        if result["exit_code"] == code:
            return [row_of(item) for item in result["rows"]]
        problem = f"exit code {code}, but its result says {result['exit_code']}"
    except (ValueError, KeyError) as error:
        problem = f"exit code {code}, {error!r}"
    with open(base + ".log", encoding="utf-8", errors="replace") as text:
        raise KernError(f"{name} run: {problem}: {text.read()[-2000:]}")


def start_kern(kern: str, tree: str, base: str) -> int | None:
    """Exit code, ``None`` after too long a time; output goes into two files whose names begin with ``base``."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("KERN_")}
    environ["KERN_CACHE_DIR"] = os.path.join(os.path.dirname(os.path.dirname(tree)), "cache")
    with open(base + ".json", "wb") as out, open(base + ".log", "wb") as log:
        command = [kern, "run", "--json"]
        try:
            return subprocess.call(command, cwd=tree, env=environ, stdout=out, stderr=log, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return None


def row_of(item: dict[str, Any]) -> Row:
    """From what ``kern run --json`` prints."""
    text = ""
    if item["log"] and os.path.exists(item["log"]):
        with open(item["log"], encoding="utf-8", errors="replace") as file:
            text = file.read()
    package = package_of(item.get("artifact") or {}) or item["package"]
    return Row(
        environment=item["environment"],
        package=package,
        outcome=item["outcome"],
        counts=count(text),
        made=tuple(item["made"]),
        reason=item["reason"],
        python=python_of(item["interpreter"]) if item["interpreter"] else "",
    )


def package_of(artifact: dict[str, str]) -> str:
    """``sdist``, ``wheel``, or ``wheel cp311`` where it is only for that interpreter."""
    kind = artifact.get("kind", "")
    interpreter = os.path.basename(artifact.get("path", "")).split("-")[-3:][0]
    return kind if kind != "wheel" or interpreter.startswith("py") else f"{kind} {interpreter}"


def by_hand(project: dict[str, Any], environment: str, sdist: str, folder: str) -> Outcome | None:
    """The documented way, in a tree of its own; ``None`` where there is no such interpreter."""
    interpreter = find_interpreter(version_of(environment))
    if interpreter is None:
        return None
    place = os.path.join(folder, "hand", environment)
    tree = unpack(sdist, os.path.join(place, "tree"))
    return test_by_hand(interpreter, tree, recipe_of(project, environment), os.path.join(place, "work"))


def compare(row: Row, again: Row, hand: Outcome | None) -> dict[str, str]:
    """What the table says of a row, from two runs of kern and one by hand."""
    said = {"environment": row.environment, "package": row.package, "kern": words(row.outcome == "passed", row.counts)}
    if hand is None:
        verdict = UNTRIED if row.outcome == "skipped" else DIFFERENT
        return {**said, "hand": "no such interpreter", "verdict": verdict, "remark": row.reason}
    problems = list(differences(row, again, hand))
    verdict = SAME if not problems else DIFFERENT if hand.passed else UNTRIED
    return {**said, "hand": words(hand.passed, hand.counts), "verdict": verdict, "remark": "; ".join(problems)}


def words(passed: bool, counts: Counts) -> str:
    """``25/0``, with the word failed where the run did not pass."""
    return str(counts) if passed else f"{counts} failed"


def differences(row: Row, again: Row, hand: Outcome) -> Iterator[str]:
    """Everything that is not as it should be."""
    if hand.passed and row.outcome != "passed":
        yield f"passes by hand, with kern: {row.outcome} {row.reason}"
    if not hand.passed:
        yield f"does not pass by hand, see {hand.log}"
    if not hand.counts.outcomes:
        yield "no tests were counted by hand"
    if row.python != hand.python:
        yield f"Python {row.python} with kern, Python {hand.python} by hand"
    if row.counts != hand.counts:
        yield f"{dict(row.counts.outcomes)} with kern, {dict(hand.counts.outcomes)} by hand"
    if (again.outcome, again.counts) != (row.outcome, row.counts):
        yield f"in the second run of kern: {again.outcome} {dict(again.counts.outcomes)}"
    if again.made:
        yield f"the second run of kern made: {', '.join(again.made)}"


def report(lines: Sequence[Line]) -> None:
    """The table as Markdown, the remarks, and one sentence."""
    table = [HEADINGS, *(line[: len(HEADINGS)] for line in lines)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
    table.insert(1, tuple("-" * width for width in widths))
    for row in table:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    print()
    for line in lines:
        if line.remark:
            print(f"{line.project} {line.environment} {line.package}: {line.remark}")
    projects = {line.project for line in lines}
    broken = {line.project for line in lines if line.verdict != SAME}
    print(
        f"{len(projects) - len(broken)} of {len(projects)} projects, {sum(line.verdict == SAME for line in lines)} of"
    )
    print(f"{len(lines)} rows: passed/failed are the same with kern and by hand, and a second run made nothing.")


def exit_code(lines: Sequence[Line]) -> int:
    """1 where kern is worse than a person, else 2 where something could not be tried."""
    verdicts = {line.verdict for line in lines}
    return 1 if DIFFERENT in verdicts else 2 if UNTRIED in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
