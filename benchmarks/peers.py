"""Other tools, with the same environments as kern: their configuration, and how each is called."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tools import BURNING, MANY, Project, Tool, product, unit

if TYPE_CHECKING:
    from tools import Axes


def _tox(program: str, _: str) -> Tool:
    return Tool(
        "tox",
        program,
        _tox_project,
        _tox_grid,
        ["list"],
        lambda name: ["config", "-e", name],
        lambda names: ["run", "-e", ",".join(names)],
        lambda names: ["run-parallel", "-p", "2", "-e", ",".join(names)],
        ".tox",
    )


def _tox_uv(program: str, work: str) -> Tool:
    return _tox(program, work)._replace(name="tox+tox-uv")


def _tox_project(project: Project) -> tuple[str, str]:
    units = ",".join(unit(version).removeprefix("unit-py") for version in project.versions)
    base = f"base_python = python{project.versions[0]}\n"
    tests = "deps = pytest\ncommands = python -m pytest -q tests\n"
    trivial = f"{base}skip_install = true\ncommands = python -c pass\n"
    sections = {
        f"unit-py{{{units}}}": f"package = wheel\n{tests}",
        "editable": f"{base}package = editable\n{tests}",
        "noop": trivial,
        f"many{{0-{len(MANY) - 1}}}": trivial,
        f"burn{{0-{len(BURNING) - 1}}}": f"{base}skip_install = true\ncommands = python {project.burn}\n",
    }
    text = "".join(f"\n[testenv:{name}]\n{body}" for name, body in sections.items())
    return "tox.ini", f"[tox]\nenv_list = unit-py{{{units}}}\n{text}"


def _tox_grid(axes: Axes, version: str) -> tuple[str, str]:
    values = [(value, number) for axis in axes for number, value in enumerate(axis)]
    requirements = "".join(f"    {value}: {value}==1.{number}\n" for value, number in values)
    variables = "".join(f"    {value}: AXIS_{value[0].upper()}={number}\n" for value, number in values)
    return (
        "tox.ini",
        f"""\
[tox]
env_list = {product(axes)}

[testenv]
base_python = python{version}
description = run {{env_name}}
deps =
    pytest
{requirements}set_env =
{variables}commands = python -m pytest {{posargs}}
""",
    )


def _nox(program: str, _: str) -> Tool:
    return Tool(
        "nox(uv)",
        program,
        _nox_project,
        _nox_grid,
        ["--list"],
        lambda _: None,
        lambda names: ["-r", "-s", *names],
        lambda names: ["-r", "--allow-parallel", "-j", "2", "-s", *names],
        ".nox",
    )


def _nox_project(project: Project) -> tuple[str, str]:
    units = {unit(version): version for version in project.versions}
    return (
        "noxfile.py",
        f"""\
import nox

nox.options.default_venv_backend = "uv"


def tested(name, python, *install):
    @nox.session(name=name, python=python)
    def session(session):
        session.install("pytest", *install)
        session.run("python", "-m", "pytest", "-q", "tests")


def plain(name, *arguments):
    @nox.session(name=name, python="{project.versions[0]}")
    def session(session):
        session.run("python", *arguments)


for name, python in {units}.items():
    tested(name, python, ".")
tested("editable", "{project.versions[0]}", "-e", ".")
for name in {["noop", *MANY]}:
    plain(name, "-c", "pass")
for name in {BURNING}:
    plain(name, "{project.burn}")
""",
    )


def _nox_grid(axes: Axes, version: str) -> tuple[str, str]:
    names = "abc"[: len(axes)]
    decorators = "".join(f'@nox.parametrize("{name}", {list(axis)})\n' for name, axis in zip(names, axes, strict=True))
    return (
        "noxfile.py",
        f"""\
import nox


@nox.session(python="{version}")
{decorators}def grid(session, {", ".join(names)}):
    "run"
    session.install("pytest", *(value + "==1." + value[1:] for value in ({", ".join(names)})))
    session.run("python", "-m", "pytest", *session.posargs)
""",
    )


def _hatch(program: str, work: str) -> Tool:
    return Tool(
        "hatch(uv)",
        program,
        _hatch_project,
        _hatch_grid,
        ["env", "show", "--json"],
        lambda name: ["-e", f"grid.{name}", "status"],
        # it runs one script in one environment, or the same in all of a matrix
        lambda names: ["run", f"{names[0]}:go"] if len(names) == 1 else None,
        lambda _: None,
        os.path.join(work, "hatch-data", "env"),
    )


def _hatch_project(project: Project) -> tuple[str, str]:
    tests = 'dependencies = ["pytest"]\nscripts.go = "python -m pytest -q tests"\n'
    base = f'python = "{project.versions[0]}"\n'
    bodies = {unit(version): f'python = "{version}"\ndev-mode = false\n{tests}' for version in project.versions}
    bodies["editable"] = base + tests
    bodies |= dict.fromkeys(["noop", *MANY], f'{base}detached = true\nscripts.go = "python -c pass"\n')
    text = "".join(f'[envs.{name}]\ninstaller = "uv"\n{body}\n' for name, body in bodies.items())
    return "hatch.toml", text


def _hatch_grid(axes: Axes, version: str) -> tuple[str, str]:
    names = "abc"[: len(axes)]
    matrix = "".join(f"{name} = {json.dumps(axis)}\n" for name, axis in zip(names, axes, strict=True))
    overrides = "".join(
        f"matrix.{name}.extra-dependencies = [{', '.join(_hatch_condition(value) for value in axis)}]\n"
        for name, axis in zip(names, axes, strict=True)
    )
    head = f'[envs.grid]\npython = "{version}"\nskip-install = true\ndependencies = ["pytest"]\n'
    script = '[envs.grid.scripts]\ngo = "python -m pytest {args}"\n'
    return "hatch.toml", f"[[envs.grid.matrix]]\n{matrix}{head}{script}[envs.grid.overrides]\n{overrides}"


def _hatch_condition(value: str) -> str:
    return f'{{value = "{value}==1.{value[1:]}", if = ["{value}"]}}'


PEERS = {"tox": _tox, "tox-uv": _tox_uv, "nox": _nox, "hatch": _hatch}
"""From the path of the executable and that of the work folder; by the names that ``--peers`` knows them by."""
