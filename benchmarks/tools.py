"""What is asked of every tool, and kern: its configuration, and how it is called.

Every project is a package ``demo`` with one test. Its environments are ``unit-py311`` (and 312, 313: the wheel and
pytest), ``editable``, ``noop`` (nothing but ``python -c pass``), ``many0`` to ``many49`` (the same) and ``burn0`` to
``burn7`` (half a second of processor time each). A grid is a project of generated environments, in which every value of
an axis brings a requirement and a variable.
"""

from __future__ import annotations

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


def kern(program: str) -> Tool:
    """kern, by the path of its executable."""
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
env_list = ["{product(axes)}"]

[env]
base_python = "{version}"
description = "run {{env_name}}"
deps = ["pytest"]
commands = [["python", "-m", "pytest", "{{posargs}}"]]
"""
    return "kern.toml", head + tables


def product(axes: Axes) -> str:
    """``{a0,a1}-{b0,b1}``, which kern and tox read alike."""
    return "-".join(f"{{{','.join(axis)}}}" for axis in axes)
