#!/usr/bin/env python3
"""Real projects from an index, tested with kern and by hand: the same tests must pass and fail.

python benchmarks/real/run.py [NAME...] [--work DIR] [--sdists DIR] [--kern PROGRAM]

Each project of projects.toml is fetched as an sdist, checked against its sha256, and unpacked; `projects/NAME/kern.toml`
is put beside its pyproject.toml. Then `kern run` tests it, a second `kern run` must make nothing, and the way that the
project itself documents is gone by hand, with the same interpreters. Projects run one after the other.

Exit code 0: all the same; 1: something that passes by hand does not with kern, or has other numbers, or a second run
made something; 2: something could not be compared.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import tomllib
from typing import TYPE_CHECKING, Any

from by_hand import Outcome, find_interpreter, recipe_of, test_by_hand, version_of
from comparing import DIFFERENT, NO_TESTS, SAME, Line, compare
from sdists import FetchError, fetch, unpack
from with_kern import KernError, run_kern

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = os.path.dirname(os.path.abspath(__file__))
HEADINGS = ("project", "version", "environment", "package", "kern: passed/failed", "by hand", "verdict")


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
        print(f"not in projects.toml: {', '.join(sorted(unknown))}", file=sys.stderr)
        sys.exit(2)
    return [project for project in projects if not names or project["name"] in names]


def try_project(project: dict[str, Any], folder: str, sdists: str, kern: str) -> list[Line]:
    """The lines of one project; what went wrong before any test becomes a line too."""
    known = {"project": project["name"], "version": project["version"]}
    place = os.path.join(folder, "kern")
    try:
        sdist = fetch(project["name"], project["version"], project["sha256"], sdists)
        tree = unpack(sdist, place)
        configure(tree, project["name"])
        first, again = (run_kern(kern, tree, os.path.join(folder, "cache"), f"{place}/{name}") for name in "12")
    except FetchError as error:
        return [Line(**known, remark=str(error))]
    except KernError as error:
        return [Line(**known, verdict=DIFFERENT, remark=str(error))]
    names = dict.fromkeys(row.environment for row in first)
    hands = {name: by_hand(project, name, sdist, os.path.join(folder, "hand", name)) for name in names}
    return [
        Line(**known, **compare(row, second, hands[row.environment])) for row, second in zip(first, again, strict=True)
    ]


def configure(tree: str, name: str) -> None:
    """Put the project's kern.toml beside its pyproject.toml, unless it has a configuration of its own."""
    with open(os.path.join(tree, "pyproject.toml"), "rb") as file:
        if "kern" not in tomllib.load(file).get("tool", {}):
            shutil.copy(os.path.join(HERE, "projects", name, "kern.toml"), tree)


def by_hand(project: dict[str, Any], environment: str, sdist: str, folder: str) -> Outcome | str:
    """The documented way, in a tree of its own; or why there is none."""
    version = version_of(environment)
    if version is None:
        return NO_TESTS
    interpreter = find_interpreter(version)
    if interpreter is None:
        return f"no Python {version}"
    tree = unpack(sdist, os.path.join(folder, "tree"))
    return test_by_hand(interpreter, tree, recipe_of(project, environment), os.path.join(folder, "work"))


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
    print(summary(lines))


def summary(lines: Sequence[Line]) -> str:
    """How many projects and rows are as they should be."""
    projects = {line.project for line in lines}
    fine = projects - {line.project for line in lines if line.verdict != SAME}
    rows = sum(line.verdict == SAME for line in lines)
    return (
        f"{len(fine)} of {len(projects)} projects, {rows} of {len(lines)} rows: the tests end with kern as by hand, and a "
        "second run builds and installs nothing."
    )


def exit_code(lines: Sequence[Line]) -> int:
    """1 where kern is worse than a person, else 2 where something could not be compared."""
    verdicts = {line.verdict for line in lines}
    return 1 if DIFFERENT in verdicts else 2 if verdicts - {SAME} else 0


if __name__ == "__main__":
    sys.exit(main())
