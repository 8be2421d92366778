"""The change that a shell made is found, and can be made again."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from kern.api import EnvDelta
from kern.environ import apply
from kern_shell.api import prefix_delta
from kern_shell.delta import read_environment

NAMES = st.sampled_from(["A", "B", "PATH", "MANPATH", "XDG_DATA_DIRS", "BASH_FUNC_f%%", "BASH_ENV", "_A", "é"])
OWN = st.sampled_from(["_", "SHLVL", "PWD", "OLDPWD", "BASH_EXECUTION_STRING", "BASH_SUBSHELL"])
VALUES = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    st.lists(st.sampled_from(["/a", "/b", "/c", ""]), max_size=4).map(":".join),
    st.binary(max_size=4).map(lambda data: os.fsdecode(data.replace(b"\0", b"x"))),
)
ENVIRONMENTS = st.dictionaries(NAMES, VALUES)


def once(name: str, value: str) -> object:
    """What a variable means: of what stands twice in a search path the first one counts."""
    return list(dict.fromkeys(value.split(":"))) if name.endswith(("PATH", "DIRS")) else value


@given(ENVIRONMENTS, ENVIRONMENTS, st.dictionaries(OWN, VALUES), st.dictionaries(OWN, VALUES))
def test_a_change_can_be_made_again(
    before: dict[str, str], after: dict[str, str], own_before: dict[str, str], own_after: dict[str, str]
) -> None:
    made = apply(prefix_delta(before | own_before, after | own_after), before)
    assert made.keys() == after.keys()
    assert {name: once(name, made[name]) for name in made} == {name: once(name, after[name]) for name in after}


@given(ENVIRONMENTS)
def test_no_change_is_an_empty_one(environ: dict[str, str]) -> None:
    assert prefix_delta(environ, environ) == EnvDelta(set={}, unset=(), prepend={})


@given(st.lists(st.sampled_from(["/x", "/y", "/z"]), min_size=1, unique=True), st.sampled_from(["/a", "/a:/b", "/a:"]))
def test_what_stands_in_front_combines_with_others(added: list[str], old: str) -> None:
    delta = prefix_delta({"PATH": old}, {"PATH": ":".join([*added, old])})
    assert delta == EnvDelta(set={}, unset=(), prepend={"PATH": tuple(added)})
    assert apply(delta, {"PATH": "/other"})["PATH"] == ":".join([*added, "/other"])


def test_a_list_that_is_no_search_path_keeps_what_stands_twice() -> None:
    delta = prefix_delta({"COLORS": "a:a"}, {"COLORS": "b:a:a"})
    assert delta.set == {"COLORS": "b:a:a"}
    assert prefix_delta({"COLORS": "a"}, {"COLORS": "b:a"}).prepend == {"COLORS": ("b",)}


@given(ENVIRONMENTS)
def test_what_env_prints_is_read(environ: dict[str, str]) -> None:
    data = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in environ.items())
    assert read_environment(data) == environ
