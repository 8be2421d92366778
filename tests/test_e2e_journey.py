"""kern as a new user meets it: from an empty folder to a green matrix, told by what the screen says.

A real build backend, the real pytest and the machine's own package index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Project

PYPROJECT = """
[project]
name = "greet"
version = "1.0"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""
GOOD = 'from greet import hello\n\n\ndef test_hello():\n    assert hello("you") == "hello you"\n'
FILES = {
    "pyproject.toml": PYPROJECT,
    "src/greet/__init__.py": 'def hello(name):\n    return f"hello {name}"\n',
    "tests/test_greet.py": GOOD,
}


@pytest.fixture
def online(make_project: Callable[..., Project]) -> Project:
    """An empty folder whose kern reaches the package index."""
    return make_project(online=True)


def test_an_empty_folder_is_told_how_to_begin(project: Project) -> None:
    said = project.error("run")
    assert "there is no kern.toml and no pyproject.toml in" in said
    assert "hint: `kern init` writes a first kern.toml" in said
    assert list(project.root.iterdir()) == []


def test_kern_alone_and_help_show_the_verbs(project: Project) -> None:
    alone = project.kern(code=2)
    helped = project.kern("--help", code=0)
    for verb in ("run", "exec", "list", "show", "plan", "build", "clean", "plugins", "schema", "init", "completion"):
        assert f"  {verb} " in alone.err
        assert verb in helped.out
    assert project.kern("--version", code=0).out.startswith("kern ")


def test_without_any_configuration_the_package_is_built_and_its_tests_pass(online: Project) -> None:
    online.write(FILES)
    first = online.kern("run", code=0)
    assert "no kern configuration: running pytest in one virtual environment" in first.out
    assert "1 passed" in first.out, str(first)
    assert "built wheel, made environment" in first.out
    assert first.out.splitlines()[-1].startswith("1 passed in ")
    again = online.kern("run", code=0)
    assert "reused" in again.out
    assert "built" not in again.out
    assert "made" not in again.out


def test_zero_configuration_takes_the_test_group_and_says_so(project: Project) -> None:
    project.package(pyproject='[dependency-groups]\ntest = ["apple"]\n')
    said = project.kern("list", code=0)
    assert "the dependency group 'test' is installed too" in said.err
    plan = project.kern("plan", code=0)
    assert "the dependency group 'test' is installed too" in plan.err
    assert "python -m pytest" in plan.out


def test_zero_configuration_without_a_package_builds_nothing_and_says_so(project: Project) -> None:
    project.write({"pyproject.toml": "[tool.something]\nelse = 1\n"})
    plan = project.kern("plan", code=0)
    assert "pyproject.toml describes no package: nothing is built" in plan.err
    assert "0 to build, 1 to make, 1 to run" in plan.out


def test_from_init_to_a_green_matrix_through_red(online: Project, several: list[str]) -> None:
    minors = [factor[3:] for factor in several]
    classifiers = ", ".join(f'"Programming Language :: Python :: 3.{minor}"' for minor in minors)
    online.write({**FILES, "pyproject.toml": PYPROJECT.replace("version", f"classifiers = [{classifiers}]\nversion")})

    started = online.kern("init", code=0)
    assert "wrote kern.toml" in started.out
    listed = online.kern("list", code=0)
    assert [line for line in listed.out.splitlines() if line.startswith("* py")] == [f"* {name}" for name in several]
    assert "* runs by default" in listed.out

    green = online.kern("run", code=0)
    assert green.out.count("built wheel") == 2, str(green)  # one wheel for all: its row, and that again in the table
    assert f"{len(several)} passed in " in green.out.splitlines()[-1]

    (online / "tests/test_greet.py").write_text(GOOD.replace('hello you"', 'hello me"'))
    red = online.kern("run", code=1)
    assert "- hello me" in red.out, str(red)
    assert red.out.count("--- output of ") == len(several)
    assert f"to run the failed again: kern run {' '.join(several)}" in red.out.splitlines()[-1]

    (online / "tests/test_greet.py").write_text(GOOD)
    assert f"{len(several)} passed in " in online.kern("run", code=0).out.splitlines()[-1]

    before = [online.stamp(name) for name in several]
    unchanged = online.run()
    assert [row["made"] for row in unchanged.json["rows"]] == [[]] * len(several)
    assert [online.stamp(name) for name in several] == before


def test_init_refuses_to_write_over_a_configuration_until_it_is_told_to(project: Project) -> None:
    project.package().config("env_list = []\n")
    assert "there is a configuration already" in project.error("init")
    assert (project / "kern.toml").read_text() == "env_list = []\n"
    shown = project.kern("init", "--stdout", code=0).out
    assert (project / "kern.toml").read_text() == "env_list = []\n"
    project.kern("init", "--force", code=0)
    assert (project / "kern.toml").read_text() == shown
    assert "py" in project.kern("list", "--names", code=0).out


def test_a_first_configuration_from_an_empty_folder_can_be_listed(project: Project) -> None:
    project.kern("init", code=0)
    assert project.kern("list", "--names", "--default", code=0).out == "py\n"


def test_posargs_reach_pytest(project: Project) -> None:
    project.config(
        'env_list = ["a"]\n[env]\npackage = "none"\ncommands = [["python", "-c", "import sys; print(sys.argv[1:])", "{posargs:all tests}"]]\n'
    )
    assert "['all', 'tests']" in project.kern("run", code=0).out
    assert "['-k', 'one two']" in project.kern("run", "a", "--", "-k", "one two", code=0).out
    assert "[]" in project.kern("run", "a", "--", code=0).out
