"""What `kern list` and `kern show` say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from kern import listing, showing
from kern.errors import ConfigError, PluginError
from kern.schemas import schema

if TYPE_CHECKING:
    from core.tests.conftest import FakeRegistry, Open
    from kern.listing import Listed
    from kern.session import Session


def listed(session: Session, *, decide: bool = True) -> list[Listed]:
    return list(listing.listing(session, list(session.matrix), decide=decide))


def test_a_list_without_packages(open_session: Open, drivers: FakeRegistry) -> None:
    session = open_session("env_list = ['a-conda', 'b']\n[env.c]\n")
    found = listed(session)
    assert [(one.row.label, one.row.provider, one.default) for one in found] == [
        ("a-conda", "conda", True),
        ("b", "venv", True),
        ("c", "venv", False),
    ]
    assert {one.row.why for one in found} == {"there is nothing to build"}
    assert drivers.loaded == []


def test_one_rule_for_all_is_asked_once(open_session: Open) -> None:
    session = open_session("env_list = ['a', 'b']\n[env]\npackage = 'wheel'")
    assert {(one.row.package, one.row.why) for one in listed(session)} == {("wheel", "package = 'wheel'")}


ROWS = [
    ("[env]\npackages = ['wheel', 'sdist']", ["(wheel) a", "(sdist) a", "(wheel) b", "(sdist) b"]),
    ("[env.b]\npackages = ['wheel', 'sdist']", ["a", "(wheel) b", "(sdist) b"]),
    ("[package.wheel]\n[package.conda]", ["a", "b"]),
]


@pytest.mark.parametrize(("text", "rows"), ROWS)
@pytest.mark.parametrize("decide", [True, False])
def test_rows(open_session: Open, text: str, rows: list[str], decide: bool) -> None:
    session = open_session(f"env_list = ['a', 'b']\n{text}")
    found = listed(session, decide=decide)
    assert [one.row.label for one in found] == rows
    assert [one.row for one in found] == session.rows.rows(["a", "b"], decide=decide)


def test_the_short_way_gives_the_same_rows(open_session: Open) -> None:
    for text in ("", "[env]\npackage = 'wheel'", "[env]\nskip_install = true", "[env]\nprovider = 'conda'"):
        session = open_session(f"env_list = ['a', 'b-conda']\n{text}")
        assert [one.row for one in listed(session)] == session.rows.rows(["a", "b-conda"])


@pytest.mark.parametrize(
    ("text", "descriptions"),
    [
        ("", ["", ""]),
        ("[env]\ndescription = 'same'", ["same", "same"]),
        ("[env]\ndescription = 'of {env_name} for {env:HOME}'", ["of a for /home/me", "of b for /home/me"]),
        ("[env]\ndescription = 'x'\n[env.b]\ndescription = '{env_name}!'", ["x", "b!"]),
        ("[env]\ndescription = 'x{posargs:y}{python}'", ["xy", "xy"]),
    ],
)
def test_descriptions(open_session: Open, text: str, descriptions: list[str]) -> None:
    session = open_session(f"env_list = ['a', 'b']\n{text}")
    assert [one.description for one in listed(session)] == descriptions


def test_a_mistake_in_a_description(open_session: Open) -> None:
    session = open_session("env_list = ['a']\n[env.a]\ndescription = '{nosuch}'")
    with pytest.raises(ConfigError, match=r"unknown substitution \{nosuch\}") as caught:
        listed(session)
    assert caught.value.where == "kern.toml:3 env.a.description"


def test_the_list_as_json(open_session: Open) -> None:
    session = open_session("env_list = ['a-conda']\n[env]\npackages = ['wheel', 'sdist']\ndescription = 'x'")
    found = {"schema": 1, "environments": [listing.document(one) for one in listed(session)]}
    jsonschema.validate(found, schema("list"))
    assert found["environments"] == [
        {
            "row": f"({package}) a-conda",
            "environment": "a-conda",
            "package": package,
            "default": True,
            "provider": "conda",
            "factors": ["a", "conda"],
            "description": "x",
            "why": "packages asks for them",
            "existing": "",
        }
        for package in ("wheel", "sdist")
    ]


SHOWN = """\
env_list = ["a"]
[env]
deps = ["x"]
commands = ["pytest"]
set_env.A = "1"
channels = ["for conda alone"]
[env.a]
extend_deps = ["y"]
retries = 2
set_env.B = "2"
"""


def test_the_settings_of_an_environment(open_session: Open) -> None:
    found = {shown.key: (shown.value, shown.origins) for shown in showing.settings_of(open_session(SHOWN), "a")}
    assert found["deps"] == (("x", "y"), ("kern.toml:3 env.deps", "kern.toml:8 env.a.extend_deps"))
    assert found["retries"] == (2, ("kern.toml:9 env.a.retries",))
    assert found["set_env"][0] == {"A": "1", "B": "2"}
    assert found["base_python"] == ("", ())
    assert found["timeout"] == (None, ())
    assert found["provider"] == ("venv", ())
    assert "channels" not in found
    assert all(shown.help for shown in showing.settings_of(open_session(SHOWN), "a-conda") if shown.key == "retries")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("s3cret-of-mine", "***"),
        ("{env:CI_TOKEN}", "{env:CI_TOKEN}"),
        ("{env:CI_TOKEN:s3cret-of-mine}", "***"),
        ("{env:CI_TOKEN}-s3cret", "***"),
        ("s3cret{env:X}", "***"),
    ],
)
def test_secrets_in_the_configuration_are_masked(open_session: Open, text: str, masked: str) -> None:
    session = open_session(f"[env]\nset_env.API_TOKEN = '{text}'\nset_env.file = 'x.env'")
    assert showing.settings_of(session, "a")
    assert session.masker.mask_text(text) == masked


def test_a_factor_names_the_provider(open_session: Open) -> None:
    found = {shown.key: shown.value for shown in showing.settings_of(open_session(SHOWN), "a-conda")}
    assert (found["provider"], found["channels"]) == ("conda", ["for conda alone"])
    assert "base_python" not in found


def test_the_settings_as_json(open_session: Open) -> None:
    session = open_session(SHOWN + "packages = ['sdist', 'wheel']\n")
    found = {"schema": 1, "environments": [showing.document(session, name) for name in ("a", "new-conda")]}
    jsonschema.validate(json.loads(json.dumps(found)), schema("show"))
    first: dict[str, Any] = found["environments"][0]  # type: ignore[index]
    assert [row["row"] for row in first["rows"]] == ["(sdist) a", "(wheel) a"]
    assert (first["environment"], first["default"], first["provider"]) == ("a", True, "venv")
    assert first["settings"]["retries"] == {"value": 2, "from": ["kern.toml:9 env.a.retries"]}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("[env]\ndep = 1", ConfigError, "unknown key 'dep'"),
        ("[env]\nprovider = 'nosuch'", PluginError, "nothing offers nosuch"),
        ("[env.a]\nretries = 1\n[env.'{a,b}']\nretries = 2", None, ""),
        ("[env.'a,b']\nretries = 1\n[env.'{a,b}']\nretries = 2", ConfigError, "disagree about retries"),
    ],
)
def test_mistakes(open_session: Open, text: str, error: type[Exception] | None, message: str) -> None:
    session = open_session(text)
    if error is None:
        assert showing.settings_of(session, "a")
        return
    with pytest.raises(error, match=message):
        showing.settings_of(session, "a")
