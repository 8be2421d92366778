"""From names to rows: provider, packages, builder, label and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kern.errors import ConfigError, PluginError
from kern.plan.values import Row

if TYPE_CHECKING:
    from core.tests.conftest import FakeRegistry, Open

KINDS = "[package.conda]\n[package.wheel]\n[package.sdist]\n"


@pytest.mark.parametrize(
    ("text", "name", "provider"),
    [
        ("", "py312", "venv"),
        ("", "py312-conda", "conda"),
        ("", "nix-a", "nix"),  # known, though nobody has installed it
        ("[env]\nprovider = 'conda'", "py312", "conda"),
        ("[env]\nprovider = 'conda'", "py312-venv", "venv"),
        ("[env.lint]\nprovider = 'conda'", "lint", "conda"),
        ("[env.lint]\nprovider = 'conda'", "docs", "venv"),
        ("[env]\nprovider = 'mine'", "a", "mine"),
    ],
)
def test_the_provider(open_session: Open, text: str, name: str, provider: str) -> None:
    assert open_session(text).rows.provider_of(name, tuple(name.split("-"))) == provider


def test_two_providers(open_session: Open) -> None:
    with pytest.raises(ConfigError, match="a-venv-conda names two kinds of environment: conda and venv") as caught:
        open_session("env_list = ['a']").rows.rows_of("a-venv-conda")
    assert caught.value.where == "kern.toml:1 env_list"


def test_one_package_has_no_prefix(open_session: Open) -> None:
    why = "package = 'wheel'"
    assert open_session("[env]\npackage = 'wheel'").rows.rows_of("py312-a") == [
        Row("py312-a", ("py312", "a"), "venv", "wheel", "py312-a", "py312-a", why)
    ]
    assert open_session("[env]\npackage = 'none'").rows.rows_of("a")[0].package == ""


def test_several_packages_are_several_rows(open_session: Open) -> None:
    session = open_session("[env]\npackages = ['sdist', 'wheel']\n[env.b]\npackages = ['wheel']")
    why = "packages asks for them"
    assert session.rows.rows(["a", "b"]) == [
        Row("a", ("a",), "venv", "sdist", "(sdist) a", "a@sdist", why),
        Row("a", ("a",), "venv", "wheel", "(wheel) a", "a@wheel", why),
        Row("b", ("b",), "venv", "wheel", "b", "b", why),
    ]


def test_what_the_provider_accepts_decides_what_is_open(open_session: Open, drivers: FakeRegistry) -> None:
    rows = open_session(KINDS).rows
    assert rows.rows_of("a")[0].package == "wheel"
    assert rows.rows_of("a-conda")[0].package == "conda"
    drivers.venv.accepts = ("nothing",)
    assert rows.rows_of("a")[0].package == ""
    assert "accepts none" in rows.rows_of("a")[0].why


def test_one_definition_must_be_accepted_too(open_session: Open) -> None:
    rows = open_session("[package.conda]").rows
    assert rows.rows_of("a-conda")[0].package == "conda"
    assert rows.rows_of("a")[0].package == ""
    assert "accepts none" in rows.rows_of("a")[0].why


def test_what_is_open_may_stay_open(open_session: Open, drivers: FakeRegistry) -> None:
    rows = open_session(KINDS).rows
    assert [(row.package, row.label) for row in rows.rows(["a"], decide=False)] == [("conda", "a")]
    assert drivers.loaded == []


def test_the_builder(open_session: Open, drivers: FakeRegistry) -> None:
    rows = open_session("[package.mine]\nbuilder = 'wheel'\n[package.sdist]").rows
    assert rows.builder_of("mine") == "wheel"
    assert rows.builder_of("sdist") == "sdist"
    assert rows.builder_of("conda") == "conda"
    assert drivers.loaded == []


@pytest.mark.parametrize(
    ("package", "hint"), [("whel", "did you mean wheel?"), ("zzz", "install kern-zzz"), ("min", "did you mean mine?")]
)
def test_an_unknown_package(open_session: Open, package: str, hint: str) -> None:
    rows = open_session("[package.mine]\nbuilder = 'wheel'").rows
    with pytest.raises(ConfigError, match=f"there is no package definition '{package}'") as caught:
        rows.builder_of(package)
    assert (caught.value.where, caught.value.hint) == ("kern.toml:1 package", hint)
    assert isinstance(caught.value.__cause__, PluginError)


def test_no_package_is_not_offered_for_no_package(open_session: Open) -> None:
    """``none`` is no definition: it means nothing in a list, and must not be proposed instead of itself."""
    session = open_session("[env]\npackages = ['none']")
    hint = ""
    try:
        row = session.rows.rows_of("a")[0]
        builder = session.rows.builder_of(row.package) if row.package else ""
    except ConfigError as error:
        hint = error.hint
    else:
        assert (row.package, builder) == ("", "")
    assert hint != "did you mean none?"


def test_a_builder_that_was_installed_just_now(open_session: Open, drivers: FakeRegistry) -> None:
    """Its name may be missing from an index that is older than the plugin; loading it looks again."""
    drivers.hidden = {"wheel"}
    assert open_session("").rows.builder_of("wheel") == "wheel"
