"""From a file to a project: what is read, what is refused, and that nothing but these two ever happens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kern.config.project import Project, load, nowhere
from kern.errors import ConfigError, KernError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Loaded = Callable[[str], Project]

WHOLE = """\
requires = ["kern-conda"]
env_list = ["py3{11-13}-{venv,conda}", "lint"]
exclude = ["py311-conda"]

[env]
deps = ["pytest>=8"]
commands = [["pytest", "{posargs:tests}"]]
pass_env = "CI"

[env.conda]
channels = ["conda-forge"]
extend_deps = ["numpy"]
extend_pass_env = ["X_*"]

[env."py313-!conda"]
set_env.PYTHONWARNINGS = "error"
extend_set_env = { A = 1, file = "x.env" }
timeout = "5m"

[env.lint]
package = "none"
commands = "ruff check ."
skip_install = true
retries = 2

[package.sdist]
match = "venv"
[package.conda]
match = ["conda", "py3*-!venv"]
recipe = "here"
sources = "*.py"
from = "sdist"

[limits]
database = 1

[labels]
ci = ["py3{11-13}", "lint"]
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    def write_and_load(text: str) -> Project:
        (tmp_path / "kern.toml").write_text(text, encoding="utf-8")
        return load(str(tmp_path))

    return write_and_load


def test_a_whole_configuration(loaded: Loaded, tmp_path: Path) -> None:
    project = loaded(WHOLE)
    assert project.directory == str(tmp_path)
    assert project.requires == ("kern-conda",)
    assert project.env_list == ("py3{11-13}-{venv,conda}", "lint")
    assert project.exclude == ("py311-conda",)
    assert project.limits == {"database": 1}
    assert project.labels == {"ci": ("py3{11-13}", "lint")}
    assert project.assumed == ()
    assert [table.text for table in project.tables] == ["", "conda", "py313-!conda", "lint"]
    assert [table.order for table in project.tables] == [0, 1, 2, 3]
    assert [table.keys for table in project.tables][::3] == [("env",), ("env", "lint")]
    base, conda, special, lint = project.tables
    assert base.expression is None
    assert base.values == {
        "deps": ["pytest>=8"],
        "commands": (("pytest", "{posargs:tests}"),),
        "pass_env": ("CI",),
    }
    assert conda.expression is not None
    assert conda.expression.text == "conda"
    assert conda.values == {"channels": ["conda-forge"], "extend_deps": ["numpy"], "extend_pass_env": ("X_*",)}
    assert special.values == {
        "set_env": {"PYTHONWARNINGS": "error"},
        "extend_set_env": {"A": "1", "file": ("x.env",)},
        "timeout": 300.0,
    }
    assert lint.values == {"package": "none", "commands": ("ruff check .",), "skip_install": True, "retries": 2}
    assert project.where("env", "lint", "retries") == "kern.toml:24 env.lint.retries"


def test_packages(loaded: Loaded) -> None:
    packages = loaded(WHOLE).packages
    assert list(packages) == ["sdist", "conda"]
    sdist, conda = packages.values()
    assert (sdist.name, sdist.match_text, sdist.options) == ("sdist", ("venv",), {})
    assert sdist.values == {"builder": "", "match": ("venv",), "from": "", "root": "", "sources": ()}
    assert [expression.text for expression in conda.match] == ["conda", "py3*-!venv"]
    assert conda.options == {"recipe": "here"}
    assert (conda.values["from"], conda.values["sources"]) == ("sdist", ("*.py",))


def test_nothing_at_all(loaded: Loaded) -> None:
    project = loaded("")
    assert [table.values for table in project.tables] == [{}]
    assert (project.env_list, project.packages, project.limits, project.labels) == ((), {}, {}, {})


def test_a_driver_s_keys_are_not_judged(loaded: Loaded) -> None:
    project = loaded("[env]\nanything = 2020-01-01\n[env.a]\nextend_other = {x = 1}\n[package.x]\nmore = [[1]]")
    assert set(project.tables[0].values) == {"anything"}
    assert project.tables[1].values == {"extend_other": {"x": 1}}
    assert project.packages["x"].options == {"more": [[1]]}


def test_tables_of_variables_are_no_environments(loaded: Loaded) -> None:
    project = loaded("[env.set_env]\nA = 1\n[env.extend_set_env]\nB = 2\n[env.a.set_env]\nC = 3")
    assert [table.text for table in project.tables] == ["", "a"]
    assert project.tables[0].values == {"set_env": {"A": "1"}, "extend_set_env": {"B": "2"}}
    assert project.tables[1].values == {"set_env": {"C": "3"}}


MISTAKES = [
    ("env_lst = []", "unknown key 'env_lst'", "kern.toml:1 env_lst", "did you mean env_list?"),
    ("\nxyzzy = 1", "unknown key 'xyzzy'", "kern.toml:2 xyzzy", "known keys: requires"),
    ("env_list = 1", "env_list must be a list of strings, not a number", "kern.toml:1 env_list", ""),
    ("env = 1", "env must be a table, not a number", "kern.toml:1 env", ""),
    ("[[env]]", "env must be a table, not a list", "kern.toml:1 env", ""),
    ("[env]\ntimeout = 'x'", "timeout must be a positive", "kern.toml:2 env.timeout", ""),
    ("[env.a]\nset_env = 1", "set_env must be a table, not a number", "kern.toml:2 env.a.set_env", ""),
    ("[env.a]\nextend_timeout = 1", "timeout is no list and can't be extended", "kern.toml:2 env.a.extend_timeout", ""),
    ("[env.a]\nextend_commands = 1", "extend_commands must be a list", "kern.toml:2 env.a.extend_commands", ""),
    ("[env]\n[env.'a b']", "white space at position 2", 'kern.toml:2 env."a b"', "it may stand"),
    ("[env.'']", "the expression is empty", 'kern.toml:1 env.""', "name a factor"),
    ("package = 1", "package must be a table, not a number", "kern.toml:1 package", ""),
    ("[package]\nwheel = 1", "package.wheel must be a table", "kern.toml:2 package.wheel", ""),
    ("[package.none]", "'none' can't be the name of a package definition", "kern.toml:1 package.none", "letters"),
    ("[package.a-b]", "'a-b' can't be the name of a package definition", "kern.toml:1 package.a-b", "letters"),
    ("[package.'../x']", "'../x' can't be the name", 'kern.toml:1 package."../x"', "letters"),
    ("[package.'']", "'' can't be the name of a package definition", 'kern.toml:1 package.""', "letters"),
    ("[package.x]\nmatch = 'a--b'", "empty factor", "kern.toml:2 package.x.match", ""),
    ("[package.x]\nmatch = 3", "match must be a list of strings", "kern.toml:2 package.x.match", ""),
    ("[limits]\ndb = 0", "limits must give a whole number from 1", "kern.toml:1 limits", ""),
    ("[labels]\nci = 0", "labels must be a list of strings", "kern.toml:1 labels", ""),
]


@pytest.mark.parametrize(("text", "message", "where", "hint"), MISTAKES)
def test_mistakes(loaded: Loaded, text: str, message: str, where: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert caught.value.message.startswith(message)
    assert caught.value.where == where
    assert caught.value.hint.startswith(hint)


def test_mistakes_in_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname='x'\n[tool.kern]\n[tool.kern.env.a]\nretries = -1")
    with pytest.raises(ConfigError) as caught:
        load(str(tmp_path))
    assert caught.value.where == "pyproject.toml:5 tool.kern.env.a.retries"


def test_numbers_beyond_all_measure(loaded: Loaded) -> None:
    for text in ("x = " + "1" * 5000, "[env]\nset_env.X = 0x" + "f" * 5000):
        with pytest.raises(ConfigError) as caught:
            loaded(text)
        assert caught.value.where.startswith("kern.toml")
        assert "set_int_max_str_digits" not in caught.value.message


def test_a_project_without_any_configuration() -> None:
    project = nowhere("/somewhere")
    assert (project.directory, project.source, project.env_list) == ("/somewhere", None, ())
    assert project.where("env") == "/somewhere"


def test_a_named_configuration(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("env_list = ['z']")
    assert load(str(tmp_path), "other.toml").env_list == ("z",)
    with pytest.raises(UsageError):
        load(str(tmp_path), "gone.toml")


ASSUMED = [
    ("", "none", {}, 2),
    ("[tool.other]\nx = 1", "none", {}, 2),
    ("[project]\nname = 'x'", "wheel", {}, 1),
    ("[build-system]\nrequires = []", "wheel", {}, 1),
    ("[project]\nname='x'\n[project.optional-dependencies]\ndev = []\ntesting = []", "wheel", {"extras": "testing"}, 2),
    ("[project]\nname='x'\n[project.optional-dependencies]\ndocs = []", "wheel", {}, 1),
    ("[project]\nname='x'\n[dependency-groups]\ndev = []\ntest = []", "wheel", {"dependency_groups": "test"}, 2),
    ("[dependency-groups]\ntests = []", "none", {"dependency_groups": "tests"}, 3),
    ("project = 1\ndependency-groups = 2", "wheel", {}, 1),
    ("[project]\noptional-dependencies = ['test']", "wheel", {}, 1),
    (
        "[project]\nname='x'\n[project.optional-dependencies]\ntest = []\n[dependency-groups]\ndev = []",
        "wheel",
        {"dependency_groups": "dev"},
        2,
    ),
]


@pytest.mark.parametrize(("text", "package", "more", "sentences"), ASSUMED)
def test_without_configuration(tmp_path: Path, text: str, package: str, more: dict[str, str], sentences: int) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    project = load(str(tmp_path))
    assert project.source is None
    assert project.where("env") == str(tmp_path)
    assert project.env_list == ("py",)
    assert project.tables[0].values == {
        "deps": ["pytest"],
        "commands": (("python", "-m", "pytest", "{posargs}"),),
        "package": package,
        **{key: [name] for key, name in more.items()},
    }
    assert len(project.assumed) == sentences
    assert all(repr(name) in " ".join(project.assumed) for name in more.values())


def test_a_damaged_pyproject_without_configuration(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project")
    with pytest.raises(ConfigError) as caught:
        load(str(tmp_path))
    assert caught.value.where.startswith("pyproject.toml")


KEYS = "requires env_list exclude env package limits labels set_env file extend_deps extend_set_env timeout match none"
SNIPPETS = st.sampled_from([
    *KEYS.split(), "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "\n", "\r", "'", '"', '"""', "#", "\0", "\ufeff",
    "0x1", "1e9", "-1", "inf", "nan", "true", "2020-01-01", "07:00:00", "{1-999999}", "py3{11-13}", "!a", "*", "--",
    "\\u0000", "\\U0010FFFF", "9" * 4400, "{a,b}" * 25, "[" * 400, "{a=" * 400, ".a" * 300, "tool", "kern",
])  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A configuration that somebody has sat on."""
    data = draw(st.sampled_from([WHOLE, f"[tool.kern]\n{WHOLE}", ""])).encode()
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        piece = draw(SNIPPETS.map(str.encode) | st.binary(max_size=4) | st.just(data[start : start + 80]))
        data = data[:start] + piece + data[end:]
    return data


def _judge(folder: str, name: str, data: bytes) -> None:
    for other in ("kern.toml", "pyproject.toml"):
        if os.path.exists(os.path.join(folder, other)):
            os.unlink(os.path.join(folder, other))
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)
    refused: KernError = ConfigError("nothing", where=name)
    try:
        load(folder)
    except KernError as error:
        refused = error
    assert isinstance(refused, ConfigError)
    assert refused.message
    assert name in refused.where


MUCH = settings(max_examples=300)


@MUCH
@given(mutations(), st.sampled_from(["kern.toml", "pyproject.toml"]))
def test_a_mutated_file_is_read_or_refused(tmp_path: Path, data: bytes, name: str) -> None:
    _judge(str(tmp_path), name, data)


@MUCH
@given(st.lists(SNIPPETS, max_size=12))
def test_any_words_are_read_or_refused(tmp_path: Path, words: list[str]) -> None:
    _judge(str(tmp_path), "kern.toml", " ".join(words).encode())


@MUCH
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    _judge(str(tmp_path), "kern.toml", data)


WILD = st.text(max_size=5) | st.sampled_from(KEYS.split())
SIMPLE = WILD | st.integers() | st.booleans() | st.floats() | st.dates() | st.just(10**400)
VALUES = st.recursive(SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WILD, inner), max_leaves=10)


@MUCH
@given(st.dictionaries(WILD, VALUES, max_size=4))
def test_any_values_are_read_or_refused(tmp_path: Path, table: dict[str, object]) -> None:
    from kern.config.find import Found
    from kern.config.place import Source
    from kern.config.project import _project

    found = Found(str(tmp_path), Source(str(tmp_path / "kern.toml"), ()), table)
    where = "kern.toml"
    try:
        project = _project(found)
    except ConfigError as error:
        where = error.where
    else:
        assert set(table) <= {"requires", "env_list", "exclude", "env", "package", "limits", "labels"}
        assert project.directory == str(tmp_path)
    assert where.startswith("kern.toml")
