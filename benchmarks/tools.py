"""The tools that are measured: the configuration of the same environments for each, and how each is called.

Every project is a package ``demo`` with one test. Its environments are ``unit-py311`` (and 312, 313: the wheel and
pytest), ``editable``, ``noop`` (nothing but ``python -c pass``), ``many0`` to ``many49`` (the same) and ``burn0`` to
``burn7`` (half a second of processor time each). A grid is a project of generated environments, in which every value of
an axis brings a requirement and a variable.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Words = Sequence[str]
    Axes = Sequence[Sequence[str]]

MANY = [f"many{number}" for number in range(50)]
BURNING = [f"burn{number}" for number in range(8)]
PACKAGE = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "demo"
version = "1.0"
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
packages = ["src/demo"]
""",
    "src/demo/__init__.py": "def double(number):\n    return 2 * number\n",
    "tests/test_demo.py": "import demo\n\n\ndef test_double():\n    assert demo.double(4) == 8\n",
}


class Project(NamedTuple):
    """What the environments of a project are of.

    Attributes:
        versions: Python versions, such as ``3.11``; the first is that of all environments that do not say another.
        burn: a script that needs half a second of processor time.
    """

    versions: Words
    burn: str


class Tool(NamedTuple):
    """How to call a tool; where something returns ``None``, the tool has no such thing.

    Attributes:
        name: what the table calls it.
        program: path of its executable.
        configure: file name and text of the configuration for the project.
        configure_grid: the same for a grid of these axes, with interpreters of this version.
        listing: arguments that list all environments.
        show: arguments that show one environment.
        run: arguments that run environments as they are, making what is missing.
        parallel: the same, two at a time.
        state: what to remove for a cold start, beside the configuration or absolute.
    """

    name: str
    program: str
    configure: Callable[[Project], tuple[str, str]]
    configure_grid: Callable[[Axes, str], tuple[str, str]]
    listing: Words
    show: Callable[[str], Words | None]
    run: Callable[[Words], Words | None]
    parallel: Callable[[Words], Words | None]
    state: str


def unit(version: str) -> str:
    """``unit-py311``."""
    return f"unit-py{version.replace('.', '')}"


def axes_of(shape: Sequence[int]) -> list[list[str]]:
    """``a0 a1 ...``, ``b0 b1 ...``, as many values as the shape says."""
    return [[f"{letter}{number}" for number in range(size)] for letter, size in zip("abc", shape, strict=False)]


def write_files(folder: str, files: Mapping[str, str]) -> None:
    """Write texts below a folder."""
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def make_tool(name: str, program: str, work: str) -> Tool:
    """One of `TOOLS`.

    Args:
        name: its key there.
        program: path of its executable.
        work: the work folder.
    """
    return TOOLS[name](os.path.abspath(program), work)


def _kern(program: str, _: str) -> Tool:
    return Tool(
        "kern",
        program,
        _kern_project,
        _kern_grid,
        ["list"],
        lambda name: ["show", name],
        lambda names: ["run", *names],
        lambda names: ["run", "-j", "2", *names],
        ".kern",
    )


def _kern_project(project: Project) -> tuple[str, str]:
    units = ", ".join(f'"{unit(version)}"' for version in project.versions)
    return (
        "kern.toml",
        f"""\
env_list = [{units}, "editable", "noop", "many{{0-{len(MANY) - 1}}}", "burn{{0-{len(BURNING) - 1}}}"]

[env]
package = "none"
commands = [["python", "-c", "pass"]]

[env."!unit"]
base_python = "{project.versions[0]}"

[env."{{unit,editable}}"]
deps = ["pytest"]
commands = [["python", "-m", "pytest", "-q", "tests"]]

[env.unit]
package = "wheel"

[env.editable]
package = "editable"

[env."burn*"]
commands = [["python", "{project.burn}"]]

[package.wheel]
[package.editable]
""",
    )


def _kern_grid(axes: Axes, version: str) -> tuple[str, str]:
    tables = "".join(
        f"""
[env.{value}]
extend_deps = ["{value}==1.{number}"]
set_env.AXIS_{value[0].upper()} = "{number}"
"""
        for axis in axes
        for number, value in enumerate(axis)
    )
    head = f"""\
env_list = ["{_product(axes)}"]

[env]
base_python = "{version}"
description = "run {{env_name}}"
deps = ["pytest"]
commands = [["python", "-m", "pytest", "{{posargs}}"]]
"""
    return "kern.toml", head + tables


def _product(axes: Axes) -> str:
    return "-".join(f"{{{','.join(axis)}}}" for axis in axes)


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
env_list = {_product(axes)}

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


TOOLS = {"kern": _kern, "tox": _tox, "tox-uv": _tox_uv, "nox": _nox, "hatch": _hatch}
"""By the names that ``--peers`` knows them by, and kern."""
