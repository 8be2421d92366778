"""From a table to a driver's options: every type that can be configured, and every way in which that goes wrong."""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern import options
from kern.errors import ConfigError, PluginError


def place(key: str) -> str:
    return f"kern.toml:1 env.{key}"


class Tuple(NamedTuple):
    """Options as a named tuple.

    Attributes:
        text: any
            text at all: even two lines.
        maybe: a text or nothing.
        level: how much of it.
    """

    text: str = "x"
    maybe: str | None = None
    switch: bool = False
    number: int = 3
    size: float = 1.5
    names: tuple[str, ...] = ()
    table: Mapping[str, str] = {}
    other: dict[str, str] | None = None
    level: Literal["low", "high"] = "low"


@dataclass(frozen=True)
class Data:
    """Options as a dataclass.

    Attributes:
        text: any text.
    """

    text: str = "x"
    maybe: str | None = None
    switch: bool = False
    number: int = 3
    size: float = 1.5
    names: tuple[str, ...] = ()
    table: Mapping[str, str] = field(default_factory=dict)
    other: dict[str, str] | None = None
    level: Literal["low", "high"] = "low"


# The same fields with types that are objects, as in a module without ``from __future__ import annotations``.
REAL: dict[str, Any] = {
    "text": str,
    "maybe": str | None,
    "switch": bool,
    "number": int,
    "size": float,
    "names": tuple[str, ...],
    "table": Mapping[str, str],
    "other": dict[str, str] | None,
    "level": Literal["low", "high"],
}
DEFAULTS: dict[str, Any] = {
    "text": "x",
    "maybe": None,
    "switch": False,
    "number": 3,
    "size": 1.5,
    "names": (),
    "table": {},
    "other": None,
    "level": "low",
}


def real_tuple() -> type[Any]:
    """A named tuple with the types of `REAL` themselves as annotations."""
    made: type[Any] = namedtuple("RealTuple", tuple(REAL), defaults=tuple(DEFAULTS.values()))  # type: ignore[misc] # noqa: PYI024
    made.__annotations__ = REAL
    return made


RealData = dataclasses.make_dataclass(
    "RealData",
    [
        (name, kind, field(default_factory=dict) if name == "table" else field(default=DEFAULTS[name]))
        for name, kind in REAL.items()
    ],
)
SHAPES: list[type[Any]] = [Tuple, Data, RealData, real_tuple()]

KINDS = {
    "text": "string",
    "maybe": "string",
    "switch": "boolean",
    "number": "count",
    "size": "number",
    "names": "strings",
    "table": "texts",
    "other": "texts",
    "level": "string",
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_fields_of_options(shape: type[Any]) -> None:
    fields = {field.name: field for field in options.fields_of(shape)}
    assert {name: field.kind for name, field in fields.items()} == KINDS
    assert {name: field.default for name, field in fields.items()} == DEFAULTS
    assert {name: field.choices for name, field in fields.items() if field.choices} == {"level": ("low", "high")}


def test_help_comes_from_the_docstring() -> None:
    helps = {field.name: field.help for field in options.fields_of(Tuple)}
    assert helps["text"] == "any text at all: even two lines."
    assert helps["level"] == "how much of it."
    assert helps["switch"] == ""
    assert {field.help for field in options.fields_of(Strict)} == {""}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_make_checks_and_freezes(shape: type[Any]) -> None:
    made = options.make(
        shape,
        {
            "text": "a",
            "maybe": "b",
            "switch": True,
            "number": 7,
            "size": 2,
            "names": ["c", "d"],
            "table": {"e": "f"},
            "other": {"g": "h"},
            "level": "high",
        },
        place,
    )
    assert isinstance(made, shape)
    assert (made.text, made.maybe, made.switch, made.number) == ("a", "b", True, 7)
    assert made.names == ("c", "d")
    assert (made.table, made.other, made.level) == ({"e": "f"}, {"g": "h"}, "high")
    assert (made.size, type(made.size)) == (2.0, float)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_what_nobody_sets_is_the_default(shape: type[Any]) -> None:
    made = options.make(shape, {"text": None, "names": ("a",)}, place)
    assert (made.text, made.names, made.number, made.table) == ("x", ("a",), 3, {})
    assert options.make(shape, {"names": "one"}, place).names == ("one",)


WRONG = [
    ("text", 1, "text must be a string, not a number"),
    ("maybe", [], "maybe must be a string, not a list"),
    ("switch", "yes", "switch must be true or false, not a string"),
    ("number", -1, "number must be a whole number from 0"),
    ("number", True, "number must be a whole number from 0"),
    ("size", "1", "size must be a number"),
    ("size", True, "size must be a number"),
    ("names", 1, "names must be a list of strings, not a number"),
    ("names", [1], "names must be a list of strings, but holds a number"),
    ("names", (1,), "names must be a list of strings, but holds a number"),
    ("table", [], "table must be a table, not a list"),
    ("table", {"a": 1}, "table must be a string, not a number"),
    ("level", "hihg", "level must be one of low, high, not 'hihg'"),
    ("level", 1, "level must be a string, not a number"),
]


@pytest.mark.parametrize(("key", "value", "message"), WRONG)
def test_a_value_that_does_not_fit(key: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        options.make(Tuple, {"text": "x", key: value}, place)
    assert (caught.value.message, caught.value.where) == (message, place(key))
    assert caught.value.hint == ("did you mean high?" if value == "hihg" else "")


def test_unknown_keys() -> None:
    assert options.unknown(Tuple, ["text", "texd", "level", "x"]) == ("texd", "x")
    assert options.unknown(Data, []) == ()


@dataclass(frozen=True)
class Strict:
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "bad" in self.names:
            raise ValueError("names must not hold bad")


def test_options_may_refuse_values_themselves() -> None:
    assert options.make(Strict, {"names": ["good"]}, place).names == ("good",)
    with pytest.raises(ConfigError, match="names must not hold bad") as caught:
        options.make(Strict, {"names": ["bad"]}, place)
    assert caught.value.where == place("names")


class Plain:
    pass


@dataclass
class Foreign:
    when: complex = 1j


class Uninteresting(NamedTuple):
    names: list[str] = []  # noqa: RUF012 - it must be refused


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (Plain, r"Plain must be a dataclass or a named tuple"),
        (Foreign, r"option when of .*Foreign has the type complex, which can't be configured"),
        (Uninteresting, r"option names of .*Uninteresting has the type list\[str\], which can't be configured"),
    ],
)
def test_options_that_can_not_be_configured(shape: type[Any], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        options.fields_of(shape)


class Needy(NamedTuple):
    need: str
    more: str = ""


@dataclass
class NeedyData:
    need: str
    more: str = ""


@pytest.mark.parametrize("shape", [Needy, NeedyData])
def test_an_option_without_default(shape: type[Any]) -> None:
    with pytest.raises((ConfigError, PluginError), match="need"):
        options.make(shape, {}, place)


def test_a_number_that_no_float_can_hold() -> None:
    with pytest.raises(ConfigError) as caught:
        options.make(Tuple, {"size": 10**400}, place)
    assert caught.value.where == place("size")


SCALARS = st.text() | st.booleans() | st.integers() | st.floats() | st.dates() | st.just(-(10**400))
TOML = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)


@given(st.sampled_from(SHAPES), st.dictionaries(st.sampled_from(sorted(KINDS)), TOML))
def test_any_values_are_taken_or_refused(shape: type[Any], values: dict[str, Any]) -> None:
    where = ""
    try:
        made = options.make(shape, values, place)
    except ConfigError as error:
        where = error.where
    else:
        for field_ in options.fields_of(shape):
            if field_.name not in values:
                assert getattr(made, field_.name) == field_.default
    assert where in {"", *map(place, values)}
