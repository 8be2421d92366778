"""Settings of one environment: tables of examples, and hypothesis against a slow second implementation."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.config.keys import ENV_KEYS
from kern.config.project import Project, Table, load
from kern.errors import ConfigError
from kern.expression import factors_of, parse, specificity
from kern.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Resolved = Callable[[str], Settings]


@pytest.fixture
def resolved(tmp_path: Path) -> Resolved:
    def write_and_load(text: str) -> Settings:
        (tmp_path / "kern.toml").write_text(text)
        return Settings(load(str(tmp_path)))

    return write_and_load


def value(settings: Settings, name: str, key: str) -> Any:
    return settings.value(name, factors_of(name), key)


def origins(settings: Settings, name: str, key: str) -> list[str]:
    return [".".join(keys) for keys in settings.resolve(name, factors_of(name), key).origins]


def test_what_nobody_sets(resolved: Resolved) -> None:
    settings = resolved("[env.a]\nretries = 1")
    for key, known in ENV_KEYS.items():
        if key != "retries":
            assert settings.resolve("a", ("a",), key) == (known.default, ())
    assert settings.resolve("a", ("a",), "deps") == (None, ())
    assert value(settings, "b", "retries") == 0


MANY = """\
[env]
retries = 1
[env.a]
retries = 2
[env.a-b]
retries = 3
[env.a-b-c]
retries = 4
[env."!z"]
retries = 5
[env."a-q*"]
retries = 6
[env.b-a]
retries = 3
[env.x]
retries = 0
"""


@pytest.mark.parametrize(
    ("name", "retries", "origin"),
    [
        ("z", 1, "env.retries"),
        ("q", 5, "env.!z.retries"),
        ("z-a", 2, "env.a.retries"),
        ("a-b-z", 3, "env.b-a.retries"),
        ("a-b", 3, "env.a-b.retries"),
        ("b-a", 3, "env.b-a.retries"),
        ("a-q", 6, "env.a-q*.retries"),
        ("c-b-a", 4, "env.a-b-c.retries"),
        ("a-b-c", 4, "env.a-b-c.retries"),
        ("x", 0, "env.x.retries"),
    ],
)
def test_the_most_specific_table_wins(resolved: Resolved, name: str, retries: int, origin: str) -> None:
    settings = resolved(MANY)
    assert value(settings, name, "retries") == retries
    assert origins(settings, name, "retries") == [origin]


def test_extending(resolved: Resolved) -> None:
    settings = resolved("""
[env]
deps = ["base"]
extend_deps = "more"
[env.a]
extend_deps = ["a"]
[env.a-b]
deps = ["ab"]
extend_deps = ["abx"]
[env.a-c]
extend_commands = ["run c"]
extend_deps = ["ac"]
""")
    assert value(settings, "z", "deps") == ("base", "more")
    assert value(settings, "a", "deps") == ("base", "more", "a")
    assert value(settings, "a-b", "deps") == ("ab", "abx")
    assert origins(settings, "a-b", "deps") == ["env.a-b.deps", "env.a-b.extend_deps"]
    assert value(settings, "a-c", "deps") == ("base", "more", "a", "ac")
    assert origins(settings, "a-c", "deps") == [
        "env.deps",
        "env.extend_deps",
        "env.a.extend_deps",
        "env.a-c.extend_deps",
    ]
    assert value(settings, "a-c", "commands") == ("run c",)
    assert value(settings, "a", "commands") == ()


@pytest.mark.parametrize(
    "text",
    ["[env]\nx = 1\n[env.a]\nextend_x = ['b']", "[env]\nx = ['a']\n[env.a]\nextend_x = 1", "[env.a]\nextend_x = {}"],
)
def test_what_is_no_list_can_not_be_extended(resolved: Resolved, text: str) -> None:
    settings = resolved(text)
    with pytest.raises(ConfigError, match="x is no list and can't be extended") as caught:
        value(settings, "a", "x")
    assert caught.value.where.endswith("env.a.extend_x")


def test_extending_what_is_one_string(resolved: Resolved) -> None:
    settings = resolved("[env]\ndeps = 'one'\n[env.a]\nextend_deps = ['two']")
    assert value(settings, "a", "deps") == ("one", "two")


def test_two_equal_tables_that_disagree(resolved: Resolved) -> None:
    settings = resolved("[env.a]\nretries = 1\n[env.b]\nretries = 2\n")
    assert (value(settings, "a", "retries"), value(settings, "b", "retries")) == (1, 2)
    with pytest.raises(ConfigError) as caught:
        value(settings, "a-b", "retries")
    assert caught.value.message == (
        "two equally specific tables disagree about retries of a-b: "
        "kern.toml:2 env.a.retries and kern.toml:4 env.b.retries"
    )
    assert '[env."a-b"]' in caught.value.hint


def test_a_more_special_table_settles_a_tie(resolved: Resolved) -> None:
    settings = resolved("""
[env.a]
retries = 1
set_env.X = "a"
[env.b]
retries = 2
set_env.X = "b"
[env.a-b]
retries = 3
set_env.X = "ab"
""")
    assert value(settings, "a-b", "retries") == 3
    assert value(settings, "a-b", "set_env") == {"X": "ab"}


def test_two_equal_tables_that_agree(resolved: Resolved) -> None:
    settings = resolved("[env.a]\nretries = 1\n[env.b]\nretries = 1\n[env.c]\nlabels = []")
    assert value(settings, "a-b-c", "retries") == 1


def test_a_tie_that_loses_is_no_error_for_another_key(resolved: Resolved) -> None:
    settings = resolved("[env.a]\nretries = 1\n[env.b]\nretries = 2\ntimeout = 5\n")
    assert value(settings, "a-b", "timeout") == 5.0


def test_variables_are_merged_one_by_one(resolved: Resolved) -> None:
    settings = resolved("""
[env]
set_env = { A = "base", B = "base", file = "base.env" }
[env.a]
set_env = { A = "a", C = "a" }
[env.a-b.extend_set_env]
C = "ab"
file = ["x.env"]
[env.c]
set_env = {}
""")
    assert value(settings, "z", "set_env") == {"A": "base", "B": "base", "file": ("base.env",)}
    assert value(settings, "a-c", "set_env") == {"A": "a", "B": "base", "C": "a", "file": ("base.env",)}
    assert value(settings, "a-b", "set_env") == {"A": "a", "B": "base", "C": "ab", "file": ("x.env",)}
    assert origins(settings, "a-b-c", "set_env") == ["env.set_env", "env.a.set_env", "env.a-b.extend_set_env"]


def test_variables_that_disagree(resolved: Resolved) -> None:
    settings = resolved("""
[env.a.set_env]
A = "1"
B = "same"
[env.b.set_env]
B = "same"
[env.c.extend_set_env]
A = "2"
""")
    assert value(settings, "a-b", "set_env") == {"A": "1", "B": "same"}
    with pytest.raises(ConfigError, match=r"disagree about set_env\.A of a-b-c: .*env\.a.* and .*env\.c"):
        value(settings, "a-b-c", "set_env")


def test_one_table_may_say_a_variable_twice(resolved: Resolved) -> None:
    settings = resolved("[env.a]\nset_env.A = 1\nextend_set_env.A = 2\n")
    assert value(settings, "a", "set_env") == {"A": "2"}


def test_passed_variables_add_up(resolved: Resolved) -> None:
    settings = resolved("""
[env]
pass_env = ["A", "B"]
[env.a]
pass_env = ["C", "A"]
extend_pass_env = ["D"]
[env.b]
pass_env = ["!B"]
[env.c]
""")
    assert value(settings, "c", "pass_env") == ("A", "B")
    assert value(settings, "a-b", "pass_env") == ("A", "B", "C", "D", "!B")
    assert origins(settings, "a-b", "pass_env") == [
        "env.pass_env",
        "env.a.pass_env",
        "env.a.extend_pass_env",
        "env.b.pass_env",
    ]


def test_which_keys_there_are(resolved: Resolved) -> None:
    settings = resolved("[env]\ndeps = []\n[env.a]\nextend_deps = []\nretries = 1\n[env.b]\nextend_more = []")
    assert settings.keys("a", ("a",)) == ("deps", "retries")
    assert settings.keys("b-a", ("b", "a")) == ("deps", "retries", "more")
    assert settings.keys("c", ("c",)) == ("deps",)
    assert settings.varies("retries")
    assert settings.varies("deps")
    assert not settings.varies("timeout")


# A second implementation that tries every table and sorts with one key.

FACTORS = ("a", "b", "c")
NAMES = ["-".join(some) for size in (1, 2, 3) for some in combinations(FACTORS, size)]
EXPRESSIONS = ["a", "b", "c", "a-b", "b-a", "a-c", "!a", "!c", "{a,b}", "a-!b", "a*", "*", "a,b-c", "a-b-c", "!{a,c}-b"]


class Said(NamedTuple):
    """What one table says: its expression (empty for the base) and its values."""

    text: str
    values: dict[str, Any]


def project_of(tables: Sequence[Said]) -> Project:
    base = [said for said in tables if not said.text] or [Said("", {})]
    others = [said for said in tables if said.text]
    made = [
        Table(said.text, parse(said.text) if said.text else None, said.values, ("env", said.text), order)
        for order, said in enumerate([base[0], *others])
    ]
    return Project("/p", None, (), (), (), tuple(made), {}, {}, {})


def ranked(tables: Sequence[Said], name: str) -> list[list[Said]]:
    """The tables that match, in groups of equal rank, the weakest first."""
    factors = frozenset(name.split("-"))
    groups: dict[Any, list[Said]] = {}
    for said in tables:
        rank = specificity(parse(said.text), name, factors) if said.text else (False, 0, -1)
        if rank is not None:
            groups.setdefault(tuple(rank), []).append(said)
    return [groups[rank] for rank in sorted(groups)]


TIE = ConfigError("tie")


def slow(tables: Sequence[Said], name: str, key: str) -> Any:
    """The value of a key; `TIE` where two tables disagree and no better one overrules them."""
    found = ENV_KEYS[key].default if key in ENV_KEYS else None
    for group in ranked(tables, name):
        said = [table.values[key] for table in group if key in table.values]
        if said:
            found = TIE if any(one != said[0] for one in said) else said[0]
        for table in group:
            if "extend_" + key in table.values and found is not TIE:
                found = [*(found or ()), *table.values["extend_" + key]]
    return found


TABLES = st.lists(
    st.builds(
        Said,
        st.sampled_from(EXPRESSIONS),
        st.fixed_dictionaries(
            {},
            optional={
                "retries": st.integers(0, 2),
                "deps": st.lists(st.sampled_from("xyz"), max_size=2),
                "extend_deps": st.lists(st.sampled_from("uvw"), max_size=2),
                "pass_env": st.lists(st.sampled_from("PQR"), max_size=2).map(tuple),
                "extend_pass_env": st.lists(st.sampled_from("PQR"), max_size=2).map(tuple),
                "set_env": st.dictionaries(st.sampled_from("MN"), st.sampled_from("01")),
                "extend_set_env": st.dictionaries(st.sampled_from("MN"), st.sampled_from("01")),
            },
        ),
    ),
    max_size=8,
    unique_by=lambda said: said.text,
)
BASE = st.fixed_dictionaries(
    {}, optional={"retries": st.integers(0, 2), "deps": st.just(["x"]), "set_env": st.just({"M": "9"})}
).map(lambda values: Said("", values))


@given(BASE, TABLES, st.sampled_from(NAMES), st.sampled_from(["retries", "deps"]))
def test_replacing_and_extending_as_slowly_done(base: Said, tables: list[Said], name: str, key: str) -> None:
    every = [base, *tables]
    expected = slow(every, name, key)
    settings = Settings(project_of(every))
    if expected is TIE:
        with pytest.raises(ConfigError, match=f"disagree about {key} of {name}"):
            value(settings, name, key)
    else:
        found = value(settings, name, key)
        assert (list(found) if isinstance(found, tuple) else found) == expected


@given(BASE, TABLES, st.sampled_from(NAMES))
def test_merging_variables_as_slowly_done(base: Said, tables: list[Said], name: str) -> None:
    every = [base, *tables]
    expected: dict[str, Any] = {}
    for group in ranked(every, name):
        seen: dict[str, Any] = {}
        for said in group:
            for variable, text in {**said.values.get("set_env", {}), **said.values.get("extend_set_env", {})}.items():
                seen[variable] = text if seen.get(variable, text) == text else TIE
        expected.update(seen)
    settings = Settings(project_of(every))
    if TIE in expected.values():
        with pytest.raises(ConfigError, match=r"disagree about set_env\."):
            value(settings, name, "set_env")
    else:
        assert value(settings, name, "set_env") == expected


@given(BASE, TABLES, st.sampled_from(NAMES))
def test_adding_what_is_passed_as_slowly_done(base: Said, tables: list[Said], name: str) -> None:
    every = [base, *tables]
    expected: dict[str, None] = {}
    for group in ranked(every, name):
        for said in group:
            for key in ("pass_env", "extend_pass_env"):
                expected.update(dict.fromkeys(said.values.get(key, ())))
    assert list(value(Settings(project_of(every)), name, "pass_env")) == list(expected)


@given(BASE, TABLES, st.sampled_from(NAMES))
def test_origins_are_tables_that_match_and_say_so(base: Said, tables: list[Said], name: str) -> None:
    every = [base, *tables]
    matching = [said for group in ranked(every, name) for said in group]
    settings = Settings(project_of(every))
    assert set(settings.keys(name, factors_of(name))) == {
        key.removeprefix("extend_") for said in matching for key in said.values
    }
    for key in settings.keys(name, factors_of(name)):
        try:
            found = settings.resolve(name, factors_of(name), key)
        except ConfigError:
            continue
        values = {said.text: said.values for said in matching}
        assert all(keys[-1] in values[keys[-2]] for keys in found.origins)
        assert len(set(found.origins)) == len(found.origins)
