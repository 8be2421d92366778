"""Which environments a project has, and which of them a bare run runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.config.project import Project, Table, load
from kern.errors import ConfigError
from kern.expression import factors_of, matches, names, parse
from kern.matrix import environments

if TYPE_CHECKING:
    from pathlib import Path

PROVIDERS = ("venv", "conda")

MATRICES = [
    ("", {}),
    ("env_list = []", {}),
    ("env_list = ['py3{11-12}', 'lint']", {"py311": True, "py312": True, "lint": True}),
    ("env_list = 'a,b'", {"a": True, "b": True}),
    ("env_list = ['b', 'a', 'b']", {"b": True, "a": True}),
    ("env_list = ['{a,b}-{x,y}']\nexclude = ['a-x', '!a-y']", {"a-y": True, "b-x": True}),
    ("env_list = ['a', 'b']\nexclude = '*'", {}),
    ("env_list = ['a']\n[env.docs]", {"a": True, "docs": False}),
    ("env_list = ['a']\nexclude = ['docs']\n[env.docs]", {"a": True, "docs": False}),
    ("[env.docs]\n[env.a-b]", {"docs": False, "a-b": False}),
    ("env_list = ['a-b']\n[env.a]\n[env.b]\n[env.b-a]\n[env.c]", {"a-b": True, "c": False}),
    ("env_list = ['a-b']\n[env.a-c]", {"a-b": True, "a-c": False}),
    ("env_list = ['a']\n[env.'{a,c,d}']", {"a": True, "c": False, "d": False}),
    ("env_list = ['a']\n[env.'!b']\n[env.'c*']\n[env.'x-!y']", {"a": True}),
    ("env_list = ['a']\n[env.conda]\n[env.linux]\n[env.win32-conda]\n[env.plan9]", {"a": True, "plan9": False}),
    ("env_list = ['a']\nexclude = ['a']\n[env.a]", {}),
]


@pytest.mark.parametrize(("text", "expected"), MATRICES)
def test_environments(tmp_path: Path, text: str, expected: dict[str, bool]) -> None:
    (tmp_path / "kern.toml").write_text(text)
    found = environments(load(str(tmp_path)), PROVIDERS)
    assert found == expected
    assert list(found) == list(expected)


def test_what_plugins_add(tmp_path: Path) -> None:
    (tmp_path / "kern.toml").write_text("env_list = ['a']\nexclude = ['b']\n[env.c]")
    found = environments(load(str(tmp_path)), PROVIDERS, ["b", "c", "a"])
    assert list(found.items()) == [("a", True), ("b", True), ("c", True)]
    for name in ("", "a b", "a--b", ".a", "a/b"):
        with pytest.raises(ConfigError) as caught:
            environments(load(str(tmp_path)), PROVIDERS, [name])
        assert caught.value.where == "hook kern_matrix"


@pytest.mark.parametrize(
    ("text", "message", "where"),
    [
        ("\nenv_list = ['a*']", "can't generate names", "kern.toml:2 env_list"),
        ("env_list = ['a', 'b--c']", "empty factor", "kern.toml:1 env_list"),
        ("env_list = ['.a']", "starts with a dot", "kern.toml:1 env_list"),
        ("env_list = []\nexclude = ['a b']", "white space", "kern.toml:2 exclude"),
        ("[env]\n[env.'.a']", "starts with a dot", 'kern.toml:2 env.".a"'),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str, where: str) -> None:
    (tmp_path / "kern.toml").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        environments(load(str(tmp_path)), PROVIDERS)
    assert caught.value.where == where


LISTED = ["a", "b-c", "{a,b}-{1-2}", "c", "conda-a", "a-linux"]
TABLES = ["a", "d", "{b,e}", "a-d", "!a", "b*", "conda", "linux-a", "1", "b-2"]


def project_of(env_list: list[str], exclude: list[str], tables: list[str]) -> Project:
    made = [Table("", None, {}, ("env",), 0)]
    made += [Table(text, parse(text), {}, ("env", text), order) for order, text in enumerate(tables, 1)]
    return Project("/p", None, (), tuple(env_list), tuple(exclude), tuple(made), {}, {}, {})


@given(
    st.lists(st.sampled_from(LISTED)),
    st.lists(st.sampled_from(["a", "!b", "*2", "c", "nosuch"]), max_size=2),
    st.lists(st.sampled_from(TABLES), unique=True),
)
def test_environments_as_slowly_found(env_list: list[str], exclude: list[str], tables: list[str]) -> None:
    written = [name for text in env_list for name in names(parse(text))]
    generated = [name for name in written if not any(_fits(name, text) for text in exclude)]
    known = {factor for name in written for factor in name.split("-")} | {"venv", "conda", "linux"}
    declared = [
        name
        for text in tables
        if "!" not in text and "*" not in text
        for name in names(parse(text))
        if any(factor not in known for factor in name.split("-"))
    ]
    found = environments(project_of(env_list, exclude, tables), PROVIDERS)
    assert list(found) == list(dict.fromkeys((*generated, *declared)))
    assert [name for name, default in found.items() if default] == list(dict.fromkeys(generated))


def _fits(name: str, text: str) -> bool:
    return matches(parse(text), frozenset(factors_of(name)))


def test_a_large_matrix() -> None:
    project = project_of(["{0-49999}"], [], ["{0-99}", "x"])
    found = environments(project, PROVIDERS)
    assert len(found) == 50_001
