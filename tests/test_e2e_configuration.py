"""What a user may write into kern.toml, what it means, and how kern says that something in it is wrong."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Project

PRINT = "import os, sys; print('|'.join(os.environ.get(name, 'NOT SET') for name in sys.argv[1:]))"
BARE = 'env_list = ["a"]\n[env]\npackage = "none"\n'


def settings(project: Project, name: str) -> dict[str, Any]:
    """Every setting of an environment as ``kern show`` has it."""
    found: dict[str, Any] = project.kern("show", "--json", name, code=0).json["environments"][0]["settings"]
    return found


def printed(project: Project, *variables: str, name: str = "a", **more: Any) -> list[str]:
    """What the commands of an environment see of some variables."""
    project.kern("run", name, "--", *variables, code=0, **more)
    log = (project.work / "logs" / "latest" / f"{name}.log").read_text()
    return log.splitlines()[1].split("|")


def with_printer(project: Project, more: str) -> Project:
    return project.config(f"{BARE}commands = [['python', '-c', {json.dumps(PRINT)}, '{{posargs}}']]\n{more}")


def test_kern_toml_and_tool_kern_in_pyproject_mean_the_same(make_project: Callable[..., Project]) -> None:
    own = make_project("own").config('env_list = ["a-b"]\n[env]\ndescription = "one"\n[env.b]\ndeps = ["apple"]\n')
    table = make_project("table").write(
        {
            "pyproject.toml": '[tool.kern]\nenv_list = ["a-b"]\n[tool.kern.env]\ndescription = "one"\n'
            '[tool.kern.env.b]\ndeps = ["apple"]\n'
        }
    )
    one, other = (settings(project, "a-b") for project in (own, table))
    assert one["deps"] == {"value": ["apple"], "from": ["kern.toml:5 env.b.deps"]}
    assert other["deps"] == {"value": ["apple"], "from": ["pyproject.toml:6 tool.kern.env.b.deps"]}
    assert {key: item["value"] for key, item in one.items()} == {key: item["value"] for key, item in other.items()}


def test_the_configuration_is_found_from_a_folder_below_and_by_name(project: Project) -> None:
    project.config('env_list = ["here"]\n').write({"deep/down/x": "", "other.toml": 'env_list = ["other"]\n'})
    assert project.kern("list", "--names", cwd=project / "deep/down", code=0).out == "here\n"
    assert project.kern("-C", str(project.root), "list", "--names", cwd="/", code=0).out == "here\n"
    assert project.kern("list", "--names", "--config", "other.toml", code=0).out == "other\n"


def test_configuring_kern_twice_is_refused(project: Project) -> None:
    project.config("").write({"pyproject.toml": "[tool.kern]\n"})
    said = project.error("list")
    assert "kern is configured twice, in kern.toml and in [tool.kern] of pyproject.toml" in said


def test_expressions_generate_exclude_and_select(project: Project) -> None:
    project.config('env_list = ["py3{11-13}-{a,b}", "lint"]\nexclude = ["py312-b"]\n[env.docs]\n')

    def names(*selection: str) -> list[str]:
        return project.kern("list", "--names", *selection, code=0).out.split()

    matrix = ["py311-a", "py311-b", "py312-a", "py313-a", "py313-b", "lint"]
    assert names() == [*matrix, "docs"]
    assert names("--default") == matrix
    assert names("py31*-b") == ["py311-b", "py313-b"]
    assert names("py3{11-12}-a") == ["py311-a", "py312-a"]
    assert names("py31*-!a") == ["py311-b", "py313-b"]
    assert names("b", "lint") == ["py311-b", "py313-b", "lint"]


def test_the_most_specific_table_wins_wherever_it_stands_and_show_says_which(project: Project) -> None:
    tables = (
        'env_list = ["a-b-c"]\n'
        '[env]\ndescription = "all"\n'
        '[env."a-b"]\ndescription = "two factors"\n'
        '[env.a]\ndescription = "one factor"\n'
        '[env."c-!z"]\ntimeout = 5\n'
    )
    project.config(tables)
    assert settings(project, "a-b-c")["description"] == {
        "value": "two factors",
        "from": ["kern.toml:5 env.a-b.description"],
    }
    project.config(tables.replace("[env]\n", '[env."a-b-c"]\ndescription = "exactly"\n[env]\n'))
    shown = project.kern("show", "a-b-c", code=0).out
    assert 'description = "exactly"  # kern.toml:3 env.a-b-c.description' in shown.splitlines()
    assert "timeout = 5.0  # kern.toml:11" in shown
    assert 'provider = "venv"  # default' in shown


def test_two_equally_specific_tables_that_disagree_are_an_error_naming_both(project: Project) -> None:
    project.config('env_list = ["a-b"]\n[env.a]\ndeps = ["apple"]\n[env.b]\ndeps = ["pear"]\n')
    said = project.error("run")
    assert "disagree about deps of a-b" in said
    assert "kern.toml:3 env.a.deps" in said
    assert "kern.toml:5 env.b.deps" in said
    assert '[env."a-b"]' in said
    project.config('env_list = ["a-b"]\n[env.a]\ndeps = ["apple"]\n[env.b]\ndeps = ["apple"]\n')
    assert settings(project, "a-b")["deps"]["value"] == ["apple"]


def test_extend_adds_where_the_plain_key_replaces(project: Project) -> None:
    project.config(
        'env_list = ["a", "b", "c"]\n[env]\ndeps = ["apple"]\n'
        '[env.a]\ndeps = ["pear"]\n[env.b]\nextend_deps = ["pear"]\n'
    )
    assert [settings(project, name)["deps"]["value"] for name in "abc"] == [["pear"], ["apple", "pear"], ["apple"]]
    assert settings(project, "b")["deps"]["from"] == ["kern.toml:3 env.deps", "kern.toml:7 env.b.extend_deps"]


def test_set_env_merges_key_by_key_and_reads_files(project: Project) -> None:
    with_printer(
        project,
        'set_env = { file = "vars.env", ONE = "config", TWO = "config", NUMBER = 3, HERE = "{env_name} in {project_dir}" }\n'
        '[env.a.set_env]\nTWO = "a"\n',
    )
    project.write({"vars.env": "# comment\nONE=file\nexport THREE='from file'\nFOUR = \"4\"\n"})
    seen = printed(project, "ONE", "TWO", "THREE", "FOUR", "NUMBER", "HERE")
    assert seen == ["config", "a", "from file", "4", "3", f"a in {project.root}"]


def test_host_variables_are_visible_only_where_the_allow_list_has_them(project: Project) -> None:
    with_printer(project, 'pass_env = ["MY_*", "!MY_OWN"]\n[env.a]\npass_env = ["EXTRA"]\n')
    host = {"MY_THING": "1", "MY_OWN": "2", "EXTRA": "3", "STRANGER": "4", "PYTHONPATH": "/nowhere", "LANG": "C.UTF-8"}
    seen = printed(project, *host, env=host)
    assert seen == ["1", "NOT SET", "3", "NOT SET", "NOT SET", "C.UTF-8"]


def test_default_variables_for_continuous_integration_and_proxies_pass_and_indexes_do_not(project: Project) -> None:
    with_printer(project, "")
    host = {
        "CI": "true",
        "https_proxy": "http://proxy:1",
        "SSL_CERT_FILE": "/ca.pem",
        "PIP_INDEX_URL": "http://x/simple",
    }
    assert printed(project, *host, env=host) == ["true", "http://proxy:1", "/ca.pem", "NOT SET"]


def test_substitutions(project: Project) -> None:
    project.config(
        BARE + "commands = [\n"
        "  ['python', '-c', 'import sys; print(*sys.argv[1:], sep=chr(10))', '{env_name}', '{project_dir}', '{env_dir}',"
        " '{python}', '{env:HERE:default}', '{env:NOT_HERE:other {env_name}}', '{work_dir}', '{{plain}}', 'x{posargs:}y'],\n"
        "  ['python', '-c', 'print({1: 2})'],\n]\n"
    )
    project.kern("run", env={"HERE": "value"}, code=0)
    lines = (project.work / "logs/latest/a.log").read_text().splitlines()
    env = project.environment("a")
    assert lines[1:10] == [
        "a", str(project.root), str(env), str(env / "bin/python"), "value", "other a", str(project.work), "{plain}", "xy",
    ]  # fmt: skip
    assert lines[-1] == "{1: 2}"


MISTAKES = {
    "unknown key at the top": (
        'env_lst = ["a"]\n',
        ("unknown key 'env_lst'", "kern.toml:1 env_lst", "did you mean env_list?"),
    ),
    "unknown key of an environment": (
        'env_list = ["a"]\n[env.a]\ncommands = []\ndepss = ["x"]\n',
        ("unknown key 'depss'", "kern.toml:4 env.a.depss", "did you mean deps?"),
    ),
    "unknown key of a package": (
        'env_list = ["a"]\n[package.wheel]\nmatchh = "a"\n',
        ("unknown key 'matchh'", "kern.toml:3 package.wheel.matchh", "did you mean match?"),
    ),
    "wrong type of the kernel's key": (
        'env_list = ["a"]\n[env]\nretries = "two"\n',
        ("retries must be a whole number from 0", "kern.toml:3 env.retries"),
    ),
    "wrong type of a driver's key": (
        'env_list = ["a"]\n[env]\npackage = "none"\ndeps = 3\n',
        ("deps must be a list of strings", "kern.toml:4 env.deps"),
    ),
    "wrong word for a driver's key": (
        BARE + 'installer = "conda"\n',
        ("installer", "kern.toml:4 env.installer", "pip"),
    ),
    "timeout without sense": (BARE + 'timeout = "soon"\n', ("timeout must be", "kern.toml:4 env.timeout", '"5m"')),
    "unknown substitution": (
        BARE + "commands = ['echo {env_nam}']\n",
        ("unknown substitution {env_nam}", "kern.toml:4 env.commands", "did you mean env_name?"),
    ),
    "variable that is not set, in a command": (
        BARE + "commands = ['echo {env:NOT_HERE}']\n",
        ("the variable NOT_HERE is not set", "kern.toml:4 env.commands", "{env:NOT_HERE:default}"),
    ),
    "unknown substitution in a variable": (
        BARE + 'set_env.X = "{project_dr}"\n',
        ("unknown substitution {project_dr}", "set_env", "did you mean project_dir?"),
    ),
    "variable that is not set": (
        BARE + 'deps = ["{env:NOT_HERE}"]\n',
        ("the variable NOT_HERE is not set", "kern.toml:4 env.deps", "{env:NOT_HERE:default}"),
    ),
    "quote that is not closed": (
        BARE + 'commands = ["echo \'x"]\n',
        ("quote is not closed", "kern.toml:4 env.commands"),
    ),
    "empty command": (BARE + "commands = [[]]\n", ("commands must hold commands", "kern.toml:4 env.commands")),
    "cycle in depends": (
        'env_list = ["a", "b"]\n[env]\npackage = "none"\n[env.a]\ndepends = ["b"]\n[env.b]\ndepends = ["a"]\n',
        ("environments depend on each other: a -> b -> a", "depends"),
    ),
    "depends on nothing": (
        'env_list = ["alpha"]\n[env]\npackage = "none"\n[env.alpha]\ndepends = ["alpa"]\n',
        ("alpha depends on an environment that does not exist", "kern.toml:5 env.alpha.depends", "did you mean alpha?"),
    ),
    "ambiguous match": (
        'env_list = ["a-b"]\n[package.sdist]\nmatch = "a"\n[package.wheel]\nmatch = "b"\n',
        ("'sdist' (match 'a')", "'wheel' (match 'b')", "match a-b equally well", "package.wheel.match"),
    ),
    "unknown package": (
        'env_list = ["a"]\n[env.a]\npackage = "weel"\n',
        ("there is no package definition 'weel'", "did you mean wheel?"),
    ),
    "unknown pool": (
        BARE + 'limits = ["databse"]\n[limits]\ndatabase = 1\n',
        ("there is no pool 'databse'", "kern.toml:4 env.limits", "did you mean database?"),
    ),
    "pool without places": ("[limits]\nx = 0\n", ("limits must give a whole number from 1 for 'x'", "limits")),
    "broken expression": ('env_list = ["py3{11,12"]\n', ("py3{11,12", "kern.toml:1 env_list")),
    "broken table expression": ('[env."a-{b"]\n', ("kern.toml:1",)),
    "name that leads out": ('env_list = ["../../x"]\n', ("kern.toml:1 env_list",)),
    "packages built from each other": (
        'package = {x = {builder = "wheel", from = "y"}, y = {builder = "wheel", from = "x"}}\nenv_list = ["a"]\nenv.package = "x"\n',
        ("packages are built from each other", "kern.toml"),
    ),
    "no TOML": ('env_list = ["a"\nx = 1\n', ("is not valid TOML", "kern.toml:2")),
    "two kinds in a name": ('env_list = ["conda-venv"]\n', ("two kinds of environment", "conda", "venv")),
    "extending what is no list": (
        BARE + "extend_retries = 1\n",
        ("retries is no list", "kern.toml:4 env.extend_retries"),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_error_with_its_place(project: Project, mistake: str) -> None:
    text, expected = MISTAKES[mistake]
    project.package().config(text)
    said = project.error("run")
    for part in expected:
        assert part in said
    assert not project.environment("a").exists()


def test_a_mistake_is_said_before_anything_is_made(project: Project) -> None:
    project.config('env_list = ["a", "b"]\n[env]\npackage = "none"\ncommands = [["true"]]\n[env.b]\nreties = 1\n')
    project.error("run")
    assert not project.environment("a").exists()


def test_a_mistake_in_a_table_of_pyproject_has_its_line(project: Project) -> None:
    project.write({"pyproject.toml": '[project]\nname = "x"\n\n[tool.kern]\nenv_list = 3\n'})
    assert "pyproject.toml:5 tool.kern.env_list" in project.error("list")


def test_a_configuration_that_cannot_be_read_is_said(project: Project) -> None:
    (project / "kern.toml").write_bytes(b"env_list = []\n# \xff\n")
    assert "kern.toml:2" in project.error("list")
    assert "there is no configuration file" in project.error("list", "--config", "nowhere.toml")
    assert "there is no directory" in project.error("-C", "nowhere", "list")


@pytest.mark.parametrize(
    ("selection", "hint"),
    [(("py399x",), ""), (("lnt",), "did you mean lint?"), (("-l", "fst"), "did you mean fast?"), (("lint-",), "")],
)
def test_selecting_what_does_not_exist(project: Project, selection: tuple[str, ...], hint: str) -> None:
    project.config('env_list = ["py311", "lint"]\n[labels]\nfast = ["lint"]\n')
    assert hint in project.error("run", *selection)


def test_show_needs_a_name_that_exists(project: Project) -> None:
    project.config('env_list = ["lint"]\n')
    assert "did you mean lint?" in project.error("show", "lin")


UNHEARD = """
import sys
from kern.drivers import known
for table in (known._ENVIRONMENTS, known._BUILDERS, known._FACTORS):
    table["unheard"] = "kern-unheard"
from kern.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""kern, whose family has one more plugin, which nobody can have installed."""

ABSENT = {
    "from requires": 'requires = ["kern-unheard"]\nenv_list = ["py"]\n',
    "from a factor": 'env_list = ["py-unheard"]\n',
    "from the provider's name": 'env_list = ["py"]\n[env]\nprovider = "unheard"\n',
    "from a builder's name": 'env_list = ["py"]\n[env]\npackage = "mine"\n[package.mine]\nbuilder = "unheard"\n',
    "from a package definition's name": 'env_list = ["py"]\n[package.unheard]\nmatch = "py"\n',
}


@pytest.mark.parametrize("how", ABSENT)
def test_an_absent_plugin_is_one_sentence_with_the_install_line(project: Project, how: str) -> None:
    distribution = "kern-unheard"
    project.command = (sys.executable, "-c", UNHEARD)
    project.package().config(ABSENT[how])
    said = project.error("run")
    assert distribution in said
    hint = next(line for line in said.splitlines() if line.startswith("hint: "))
    assert "install" in hint
    assert hint.endswith(distribution)
    assert not project.work.exists() or not (project.work / "envs").exists()


def test_requires_is_silent_where_it_is_met_and_says_what_version_there_is(project: Project) -> None:
    project.config('requires = ["kern-venv"]\nenv_list = ["a"]\n')
    project.kern("list", code=0)
    project.config('requires = ["kern-venv>=99"]\nenv_list = ["a"]\n')
    assert "kern-venv>=99" in project.error("list")


def test_labels_name_selections_in_both_places(project: Project) -> None:
    project.config('env_list = ["a", "b", "c"]\n[labels]\npair = ["a", "c"]\n[env.b]\nlabels = ["single"]\n')
    assert project.kern("list", "--names", "-l", "pair", code=0).out.split() == ["a", "c"]
    assert project.kern("list", "--names", "-l", "single", code=0).out.split() == ["b"]
    assert set(project.kern("list", "--labels", code=0).out.split()) == {"pair", "single"}


def test_looking_changes_nothing_and_runs_no_code_of_the_project(project: Project) -> None:
    project.package().config('env_list = ["py"]\n[env]\ncommands = [["python", "-c", ""]]\n')
    before = sorted(project.root.rglob("*"))
    for verb in (("list",), ("list", "--why"), ("show", "py"), ("plan",), ("schema",), ("clean", "--all", "--dry-run")):
        project.kern(*verb, code=0)
    assert sorted(project.root.rglob("*")) == before
    assert project.builds() == []


def test_list_shows_the_default_ones_the_packages_and_why(project: Project) -> None:
    project.package().config(
        'env_list = ["a", "b"]\n[env.a]\ndescription = "first"\npackages = ["sdist", "wheel"]\n[env.b]\npackage = "none"\n'
        "[env.docs]\n"
    )
    lines = project.kern("list", code=0).out.splitlines()
    assert lines[:2] == ["* (sdist) a  first", "* (wheel) a  first"]
    assert "* b" in lines
    assert "  docs" in lines
    why = project.kern("list", "--why", code=0).out
    assert "packages asks for them" in why
    assert 'package = "none"' in why
    assert "an sdist by default" in why


def test_ten_thousand_environments_are_listed(project: Project) -> None:
    project.config('env_list = ["py3{0-99}-a{0-99}"]\n[env]\npackage = "none"\n')
    assert len(project.kern("list", "--names", code=0).out.splitlines()) == 10_000


@pytest.mark.parametrize("verb", ["plan", "show", "lock"])
def test_what_a_driver_refuses_stands_at_its_key(project: Project, verb: str) -> None:
    project.config("env_list = ['a']\n[env]\npackage = 'none'\n[env.a]\n\ndeps = ['-r nowhere.txt']\n")
    shown = project.kern(verb, "a").screen
    assert "nowhere.txt" in shown
    assert "kern.toml:6" in shown
