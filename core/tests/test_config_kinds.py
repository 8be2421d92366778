"""Checks of configured values: what fits becomes a frozen value, what does not a sentence, and nothing else happens."""

from __future__ import annotations

import datetime as dt
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.config.keys import ENV_KEYS, PACKAGE_KEYS, TOP_KEYS
from kern.config.kinds import CHECKS

SCALARS = (
    st.text()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.sampled_from(["1s", "0s", "-1m", "nans", "infh", "1e400s", "\0", "s", 10**400, -(10**400)])
    | st.booleans().map(lambda _: 1 << 20000)  # has no decimal form that Python would write
)
TOML = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.sampled_from(sorted(CHECKS)), TOML)
def test_any_value_is_checked_or_refused_with_a_sentence(kind: str, value: Any) -> None:
    sentence = "must"
    try:
        CHECKS[kind](value)
    except ValueError as error:
        sentence = str(error)
    assert sentence.startswith(("must", "has "))


def test_a_number_that_has_no_decimal_form() -> None:
    with pytest.raises(ValueError, match=r"^must give a text for X"):
        CHECKS["variables"]({"X": 1 << 20000})


GOOD = [
    ("string", "", ""),
    ("string", "a\nb", "a\nb"),
    ("strings", "a b", ("a b",)),
    ("strings", ["a", "b"], ("a", "b")),
    ("strings", [], ()),
    ("boolean", True, True),
    ("boolean", False, False),
    ("count", 0, 0),
    ("count", 7, 7),
    ("seconds", 1, 1.0),
    ("seconds", 0.5, 0.5),
    ("seconds", "90s", 90.0),
    ("seconds", "5m", 300.0),
    ("seconds", "1.5h", 5400.0),
    ("table", {"a": 1}, {"a": 1}),
    ("pools", {"db": 1, "gpu": 3}, {"db": 1, "gpu": 3}),
    ("lists", {"ci": ["a", "b"], "one": "c"}, {"ci": ("a", "b"), "one": ("c",)}),
    ("variables", {"A": "x", "B": 1, "C": 0.5, "file": "f"}, {"A": "x", "B": "1", "C": "0.5", "file": ("f",)}),
    ("variables", {"file": ["f", "g"]}, {"file": ("f", "g")}),
    ("commands", "a b", ("a b",)),
    ("commands", ["a b", ["c", "d"]], ("a b", ("c", "d"))),
    ("commands", [], ()),
]


@pytest.mark.parametrize(("kind", "value", "checked"), GOOD)
def test_what_fits(kind: str, value: Any, checked: Any) -> None:
    found = CHECKS[kind](value)
    assert found == checked
    assert type(found) is type(checked)


BAD = [
    ("string", 1, "must be a string, not a number"),
    ("string", ["a"], "must be a string, not a list"),
    ("string", "a\0b", "must not hold a NUL character"),
    ("strings", 1, "must be a list of strings, not a number"),
    ("strings", {}, "must be a list of strings, not a table"),
    ("strings", ["a", 1], "must be a list of strings, but holds a number"),
    ("strings", ["a", ["b"]], "must be a list of strings, but holds a list"),
    ("strings", "\0", "must not hold a NUL character"),
    ("strings", ["\0"], "must not hold a NUL character"),
    ("boolean", 1, "must be true or false, not a number"),
    ("boolean", "true", "must be true or false, not a string"),
    ("count", -1, "must be a whole number from 0"),
    ("count", True, "must be a whole number from 0"),
    ("count", 10**9 + 1, "must be at most 1000000000"),
    ("count", 1.0, "must be a whole number from 0"),
    ("seconds", 0, "must be a positive number of seconds"),
    ("seconds", -1, "must be a positive number of seconds"),
    ("seconds", 10**10, "must be a positive number of seconds"),
    ("seconds", True, "must be a positive number of seconds"),
    ("seconds", "90", "must be a positive number of seconds"),
    ("seconds", "s", "must be a positive number of seconds"),
    ("seconds", "", "must be a positive number of seconds"),
    ("seconds", "1d", "must be a positive number of seconds"),
    ("seconds", float("nan"), "must be a positive number of seconds"),
    ("seconds", float("inf"), "must be a positive number of seconds"),
    ("table", [], "must be a table, not a list"),
    ("table", dt.date(2020, 1, 1), "must be a table, not a date"),
    ("pools", {"db": 0}, "must give a whole number from 1 for 'db'"),
    ("pools", {"db": True}, "must give a whole number from 1 for 'db'"),
    ("pools", {"db": 10**9 + 1}, "must give a whole number from 1 for 'db'"),
    ("pools", {"db": 1.5}, "must give a whole number from 1 for 'db'"),
    ("pools", 1, "must be a table, not a number"),
    ("lists", {"ci": 1}, "must be a list of strings, not a number"),
    ("variables", {"": "x"}, "has '', which can't be the name of a variable"),
    ("variables", {"A=B": "x"}, "has 'A=B', which can't be the name of a variable"),
    ("variables", {"A\0": "x"}, "has 'A\\x00', which can't be the name of a variable"),
    ("variables", {"A": True}, "must give a text for A, not a boolean"),
    ("variables", {"A": ["x"]}, "must give a text for A, not a list"),
    ("variables", {"A": "\0"}, "must not hold a NUL character"),
    ("variables", {"file": 1}, "must be a list of strings, not a number"),
    ("variables", "A=1", "must be a table, not a string"),
    ("commands", 1, "must be a list of commands, not a number"),
    ("commands", [1], "must hold commands that are strings or lists of strings that are not empty"),
    ("commands", [[]], "must hold commands that are strings or lists of strings that are not empty"),
    ("commands", [["a", 1]], "must hold commands that are strings or lists of strings that are not empty"),
    ("commands", ["\0"], "must not hold a NUL character"),
    ("commands", [["\0"]], "must not hold a NUL character"),
]


@pytest.mark.parametrize(("kind", "value", "sentence"), BAD)
def test_what_does_not_fit(kind: str, value: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"^must |^has ") as caught:
        CHECKS[kind](value)
    assert str(caught.value).startswith(sentence)


def test_every_key_has_a_check_that_accepts_what_stands_for_its_default() -> None:
    for key in (*TOP_KEYS.values(), *ENV_KEYS.values(), *PACKAGE_KEYS.values()):
        assert key.help
        if key.default is not None:
            value = list(key.default) if isinstance(key.default, tuple) else key.default
            assert CHECKS[key.kind](value) == key.default


def test_a_checked_list_does_not_change_with_what_was_read() -> None:
    read = tomllib.loads('a = ["x"]\nb = [["y"]]\nc = { d = 1 }')
    frozen = CHECKS["strings"](read["a"]), CHECKS["commands"](read["b"]), CHECKS["pools"](read["c"])
    read["a"].append("z")
    read["b"][0].append("z")
    read["c"]["z"] = 9
    assert frozen == (("x",), (("y",),), {"d": 1})
