"""The schemas of the configuration and of what is printed: valid themselves, and true."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kern import schemas
from kern.config.keys import ENV_KEYS, PACKAGE_KEYS, TOP_KEYS
from kern.config.kinds import CHECKS
from kern.errors import PluginError
from kern.report.document import DOCUMENT_SCHEMA

if TYPE_CHECKING:
    from kern.drivers import Registry


class VenvOptions(NamedTuple):
    """Options.

    Attributes:
        deps: what is installed.
    """

    deps: tuple[str, ...] = ()
    pip: Literal["old", "new"] = "new"
    system: bool = False


class CondaOptions(NamedTuple):
    deps: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


class WheelOptions(NamedTuple):
    config: dict[str, str] = {}  # noqa: RUF012 - never changed
    weight: float = 1.0


class Driver:
    """Something with options."""

    def __init__(self, options: type[Any]) -> None:
        self.Options = options


class Drivers:
    """A registry in which one driver is broken and one has options that can't be configured."""

    found: dict[str, dict[str, Any]] = {  # noqa: RUF012 - never changed
        "kern.provider": {
            "broken": None,
            "conda": Driver(CondaOptions),
            "odd": Driver(int),
            "venv": Driver(VenvOptions),
        },
        "kern.builder": {"wheel": Driver(WheelOptions)},
    }

    def names(self, group: str) -> tuple[str, ...]:
        return tuple(self.found[group])

    def load(self, group: str, name: str) -> Any:
        if self.found[group][name] is None:
            raise PluginError(f"{name} is broken")
        return self.found[group][name]


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    drivers: Registry = Drivers()  # type: ignore[assignment]
    return schemas.config_schema(drivers)


GOOD = """\
requires = "kern-conda"
env_list = ["a", "b"]
exclude = []
limits = { db = 1 }
labels = { ci = ["a"], x = "b" }

[env]
deps = ["x"]
extend_deps = "y"
pip = "old"
system = true
commands = ["a", ["b", "c"]]
extend_commands = "x"
set_env = { A = "1", B = 2, C = 0.5, file = ["x"] }
timeout = "5m"
total_timeout = 1.5
retries = 3
skip_install = true

[env.a-b]
channels = []
extend_pass_env = ["X"]
set_env.file = "x"
commands = []

[package.wheel]
match = "a"
from = "sdist"
config = { a = "b" }
weight = 1
"""


def test_a_configuration_that_is_right(config: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(config)
    jsonschema.validate(tomllib.loads(GOOD), config)
    jsonschema.validate({}, config)


@pytest.mark.parametrize(
    "text",
    [
        "env_lst = []",
        "env_list = 1",
        "limits = { db = 0 }",
        "labels = { x = 1 }",
        "requires = [1]",
        "[env]\ndep = 1",
        "[env]\ndeps = [1]",
        "[env]\npip = 'newer'",
        "[env]\nsystem = 1",
        "[env]\nretries = -1",
        "[env]\nextend_retries = 1",
        "[env]\ntimeout = 0",
        "[env]\ntimeout = '5 minutes'",
        "[env]\ncommands = [[]]",
        "[env]\nset_env = { A = true }",
        "[env]\nset_env = { A = ['x'] }",
        "[env.a]\nnosuch = 1",
        "[env.a.b]\n",
        "[package]\nwheel = 1",
        "[package.wheel]\nnosuch = 1",
        "[package.wheel]\nconfig = { a = 1 }",
        "[package.wheel]\nweight = 'x'",
    ],
)
def test_mistakes_are_found(config: dict[str, Any], text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), config)


def test_every_key_is_described(config: dict[str, Any]) -> None:
    assert set(config["properties"]) == set(TOP_KEYS)
    env, package = config["properties"]["env"], config["properties"]["package"]["additionalProperties"]
    assert set(ENV_KEYS) | {"deps", "channels", "pip", "extend_deps", "extend_set_env"} <= set(env["properties"])
    assert "extend_retries" not in env["properties"]
    assert config["$defs"]["environment"]["properties"] == env["properties"]
    assert set(package["properties"]) == {*PACKAGE_KEYS, "config", "weight"}
    assert env["properties"]["retries"]["description"] == ENV_KEYS["retries"].help


def test_the_schema_with_the_drivers_that_are_installed() -> None:
    found = schemas.schema("config")
    jsonschema.Draft202012Validator.check_schema(found)
    jsonschema.validate({"env_list": ["a"], "env": {"a": {"commands": "x"}}}, found)


@pytest.mark.parametrize("kind", [*schemas.OUTPUTS, "run"])
def test_schemas_of_what_is_printed(kind: str) -> None:
    found = schemas.schema(kind)
    jsonschema.Draft202012Validator.check_schema(found)
    assert {"schema"} < set(found["required"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, found)


def test_a_run_is_what_its_report_is() -> None:
    assert schemas.schema("run") == DOCUMENT_SCHEMA


TEXTS = st.sampled_from(["", "a", "5m", "1.5h", "90s", "x.y"])
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.5, -0.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "file"]), inner, max_size=2),
    max_leaves=6,
)


@given(st.sampled_from(sorted(set(CHECKS) & set(schemas.KINDS))), VALUES)
@example("count", 0)
@example("seconds", 0)
@example("seconds", 1)
@example("pools", {"a": 1})
@example("pools", {"a": 0})
@example("commands", [["a"]])
@example("commands", [[]])
def test_the_schema_of_a_kind_takes_what_its_check_takes(kind: str, value: Any) -> None:
    try:
        CHECKS[kind](value)
    except ValueError:
        taken = False
    else:
        taken = True
    assert jsonschema.Draft202012Validator(schemas.KINDS[kind]).is_valid(value) == taken
