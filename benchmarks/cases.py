"""The cases: what is measured beside which lower bound, and how much it may cost."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from preparing import SETTLE_SECONDS, PreparingError, Site, call, project_folder
from timing import Row
from tools import BURNING, MANY, Tool, axes_of, unit, write_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHAPES = {10: (5, 2), 1_000: (10, 10, 10), 10_000: (25, 20, 20), 50_000: (50, 50, 20)}
LARGEST_FOR_PEERS = 1_000
PYTEST = ("-m", "pytest", "-q", "tests")
PASS = ("-c", "pass")


class Bar(NamedTuple):
    """The most that a case may cost: seconds of processor time, or times the lower bound in processor or wall time."""

    kind: Literal["cpu s", "cpu x", "wall x"]
    most: float
    aim: float | None = None


class Case(NamedTuple):
    """One case.

    Attributes:
        name: what the command line calls it.
        title: what is measured.
        rounds: how many, unless the command line says.
        rows: makes everything ready; the first row is the lower bound. Raises `SkipError`.
        bar: for the rows that are judged.
    """

    name: str
    title: str
    rounds: int
    rows: Callable[[Site], list[Row]]
    bar: Bar | None = None


class SkipError(Exception):
    """The case can't be measured here; the text says why."""


def tool_rows(site: Site, folder: Callable[[Tool], str], words: Callable[[Tool], Sequence[str] | None]) -> list[Row]:
    """A row for each tool that can do it; kern's is the first, and judged."""
    asked = [(tool, words(tool)) for tool in site.tools]
    return [
        Row(tool.name, [tool.program, *arguments], folder(tool), judged=tool.name == "kern")
        for tool, arguments in asked
        if arguments
    ]


def here(site: Site) -> Callable[[Tool], str]:
    """The folder of a tool's project."""
    return lambda tool: project_folder(site, tool.name)


def bare(site: Site, name: str, arguments: Sequence[str], install: Sequence[str] = ()) -> Row:
    """The lower bound: the bare command in an environment of its own, made by uv."""
    python = bare_environment(site, name, install)
    return Row(f"python {' '.join(arguments)}", [python, *arguments], project_folder(site, "bare"))


def bare_environment(site: Site, name: str, install: Sequence[str] = ()) -> str:
    """The interpreter of an environment, made if it is not there."""
    folder = os.path.join(site.work, "bare", name)
    if not os.path.exists(folder):
        call([site.uv, "venv", "-q", "--python", site.pythons[site.first], folder], site.environ)
        if install:
            call([site.uv, "pip", "install", "-q", "--python", folder, *install], site.environ)
    return os.path.join(folder, "bin", "python")


def version(site: Site) -> list[Row]:
    """What starting costs."""
    return [bare(site, "noop", PASS), *tool_rows(site, here(site), lambda _: ["--version"])]


def listing(size: int) -> Callable[[Site], list[Row]]:
    """All of so many generated environments."""

    def rows(site: Site) -> list[Row]:
        few = site if size <= LARGEST_FOR_PEERS else site._replace(tools=site.tools[:1])
        rows = tool_rows(few, grids(few, size), lambda tool: tool.listing)
        return [bare(site, "noop", PASS), *rows, uncached(rows[0], site)]

    return rows


def show(site: Site) -> list[Row]:
    """One of a thousand generated environments."""
    name = "-".join(axis[1] for axis in axes_of(SHAPES[1_000]))
    rows = tool_rows(site, grids(site, 1_000), lambda tool: tool.show(name))
    return [bare(site, "noop", PASS), *rows, uncached(rows[0], site)]


def grids(site: Site, size: int) -> Callable[[Tool], str]:
    """Write a project of so many environments for each tool; its folder."""
    for tool in site.tools:
        name, text = tool.configure_grid(axes_of(SHAPES[size]), site.first)
        write_files(project_folder(site, f"{tool.name}-{size}"), {name: text})
    time.sleep(SETTLE_SECONDS)
    return lambda tool: project_folder(site, f"{tool.name}-{size}")


def warm(name: str, arguments: Sequence[str], install: Sequence[str] = ()) -> Callable[[Site], list[Row]]:
    """Run an environment in which nothing has changed; ``{unit}`` in its name is the tested one."""

    def rows(site: Site) -> list[Row]:
        environment = name.format(unit=unit(site.first))
        demo = [project_folder(site, "bare") if word == "." else word for word in install]
        bound = bare(site, name.strip("{}"), arguments, demo)
        make_ready(site, [environment])
        return [bound, *tool_rows(site, here(site), lambda tool: tool.run([environment]))]

    return rows


def make_ready(site: Site, names: Sequence[str]) -> None:
    """Make the environments with every tool, and see that kern has nothing to make then.

    What was written a moment ago is not trusted by tools that compare times, so some time has to pass.
    """
    for tool in site.tools:
        arguments = tool.run(names)
        if arguments:
            finish([tool.program, *arguments], project_folder(site, tool.name), site)
    time.sleep(SETTLE_SECONDS)
    for what in made_by_kern(site, names):
        print(f"  not warm: kern made {what} again")


def made_by_kern(site: Site, names: Sequence[str]) -> list[str]:
    """What one more run of kern makes, as its result has it."""
    kern = site.tools[0]
    text = finish([kern.program, "run", "--json", *names], project_folder(site, kern.name), site)
    try:
        rows = json.loads(text)["rows"]
    except (ValueError, KeyError):
        return ["no result and perhaps something"]
    return sorted({what for row in rows for what in row["made"]})


def finish(argv: Sequence[str], folder: str, site: Site) -> bytes:
    """Run to the end; what it printed. A failure is seen again when the command is measured."""
    environ = dict(site.environ)
    return subprocess.run(
        argv, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
    ).stdout


def cold(site: Site) -> list[Row]:
    """Everything from nothing but caches, and kern also without its own."""
    name = unit(site.first)
    rows = cold_rows(site, lambda tool: tool.run([name]))
    return [by_hand(site, [site.first]), *rows, uncached(rows[0], site)]


def uncached(kern: Row, site: Site) -> Row:
    """The row of kern in a project and with a cache of which kern knows nothing yet: not judged, but good to know."""
    cache = os.path.join(site.work, "kern-cache-cold")
    empty = without(cache, os.path.join(kern.folder, ".kern"))
    return kern._replace(label="kern, first time", prepare=empty, set_env={"KERN_CACHE_DIR": cache}, judged=False)


def cold_rows(site: Site, words: Callable[[Tool], Sequence[str] | None]) -> list[Row]:
    """A row for each tool, whose environments are removed before each run."""
    rows = tool_rows(site, here(site), words)
    state = {tool.name: os.path.join(project_folder(site, tool.name), tool.state) for tool in site.tools}
    return [row._replace(prepare=without(state[row.label])) for row in rows]


def by_hand(site: Site, versions: Sequence[str]) -> Row:
    """Build a wheel, and for each interpreter make an environment, install and test: with uv, one after another."""
    uv, folder = shlex.quote(site.uv), os.path.join(site.work, "by-hand")
    lines = ["set -e", f"{uv} build -q --wheel -o {shlex.quote(folder)}/dist ."]
    for one in versions:
        place = shlex.quote(os.path.join(folder, one))
        lines += [
            f"{uv} venv -q --python {shlex.quote(site.pythons[one])} {place}",
            f"{uv} pip install -q --python {place} pytest {shlex.quote(folder)}/dist/*.whl",
            f"{place}/bin/python {' '.join(PYTEST)}",
        ]
    return Row("uv by hand", ["/bin/sh", "-c", "\n".join(lines)], project_folder(site, "bare"), without(folder))


def cold_empty(site: Site) -> list[Row]:
    """An environment with nothing in it, from nothing."""
    folder = os.path.join(site.work, "by-hand")
    uv, place = shlex.quote(site.uv), shlex.quote(folder)
    script = f"{uv} venv -q --python {shlex.quote(site.pythons[site.first])} {place} && {place}/bin/python -c pass"
    bound = Row("uv venv, python", ["/bin/sh", "-c", script], project_folder(site, "bare"), without(folder))
    return [bound, *cold_rows(site, lambda tool: tool.run(["noop"]))]


def three_pythons(site: Site) -> list[Row]:
    """Everything from nothing, on three interpreters: kern one after another, as by hand, and as it likes."""
    if len(site.pythons) < 3:
        raise SkipError(f"needs three interpreters, here are those of {', '.join(site.pythons)}")
    names = [unit(one) for one in site.pythons]
    rows = cold_rows(site, lambda tool: tool.run(names))
    alone = rows[0]._replace(label="kern -j 1", argv=[*rows[0].argv, "-j", "1"])
    return [by_hand(site, list(site.pythons)), alone, *rows]


def without(*paths: str) -> Callable[[], None]:
    """Removes them."""

    def remove() -> None:
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)

    return remove


def at_once(names: Sequence[str], script: str) -> Callable[[Site], list[Row]]:
    """Many environments in which nothing has changed, two at a time; the script is below the work folder."""

    def rows(site: Site) -> list[Row]:
        for name in names:
            bare_environment(site, name)
        make_ready(site, names)
        arguments = [os.path.join(site.work, script)] if script else list(PASS)
        return [xargs(site, names, arguments), *tool_rows(site, here(site), lambda tool: tool.parallel(names))]

    return rows


def xargs(site: Site, names: Sequence[str], arguments: Sequence[str]) -> Row:
    """The lower bound of running two at a time."""
    program = shutil.which("xargs", path=site.environ["PATH"])
    if program is None:
        raise PreparingError("there is no xargs on PATH")
    write_files(site.work, {"names": "".join(f"{name}\n" for name in names)})
    # xargs puts no name into the word that is the program
    command = ["env", os.path.join(site.work, "bare", "{}", "bin", "python"), *arguments]
    stdin = os.path.join(site.work, "names")
    return Row("xargs -P2", [program, "-P2", "-I{}", *command], project_folder(site, "bare"), stdin=stdin)


CASES = (
    Case("version", "--version", 21, version, Bar("cpu x", 2)),
    Case("list-10", "list 10 environments", 15, listing(10), Bar("cpu x", 9)),
    Case("list-1000", "list 1,000 environments", 9, listing(1_000), Bar("cpu s", 0.12)),
    Case("list-10000", "list 10,000 environments", 5, listing(10_000), Bar("cpu s", 1)),
    Case("list-50000", "list 50,000 environments", 3, listing(50_000), Bar("cpu s", 2)),
    Case("show", "show one of 1,000 environments", 9, show, Bar("cpu s", 0.10)),
    Case("noop", "unchanged: python -c pass, no package", 21, warm("noop", PASS), Bar("cpu x", 8)),
    Case("wheel", "unchanged: a wheel and pytest", 11, warm("{unit}", PYTEST, ["pytest", "."]), Bar("cpu x", 1.5, 1.3)),
    Case("editable", "unchanged: editable and pytest", 11, warm("editable", PYTEST, ["pytest", "-e", "."])),
    Case("cold", "cold: environment, wheel, install, pytest", 7, cold, Bar("cpu x", 1.15, 1)),
    Case("cold-empty", "cold: empty environment, python -c pass", 11, cold_empty, Bar("cpu x", 4)),
    Case("pythons", "cold: the same on three interpreters", 5, three_pythons, Bar("cpu x", 1.1)),
    Case("many", "unchanged: 50 of python -c pass, two at a time", 7, at_once(MANY, ""), Bar("wall x", 1.6, 1.3)),
    Case("burn", "unchanged: 8 of half a second, two at a time", 5, at_once(BURNING, "burn.py"), Bar("wall x", 1.08)),
)
