"""Which packages an environment tests: what it asks for, else what matches, else what fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.config.project import PackageTable, Project, Table, load
from kern.errors import ConfigError
from kern.expression import factors_of, parse, specificity
from kern.match import DEFAULT, TREES, Match, label, match, settle
from kern.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Matched = Callable[[str, str], Match]


@pytest.fixture
def matched(tmp_path: Path) -> Matched:
    def write_and_match(text: str, name: str) -> Match:
        (tmp_path / "kern.toml").write_text(text)
        project = load(str(tmp_path))
        return match(project, Settings(project), name, factors_of(name))

    return write_and_match


TWO = "[package.sdist]\nmatch = 'a'\n[package.wheel]\nmatch = ['a-b', '!a']\n"
ASKED = [
    ("[env]\npackage = 'wheel'", ("wheel",), "package = 'wheel'"),
    ("[env]\npackage = 'none'", (), 'package = "none"'),
    ("[env]\npackages = ['wheel', 'sdist', 'wheel']", ("wheel", "sdist"), "packages asks for them"),
    ("[env]\nskip_install = true\npackage = 'wheel'", (), "skip_install is set"),
    ("[env]\npackage = 'x'\n[env.a]\npackages = ['y', 'z']", ("y", "z"), "packages asks for them"),
    ("[env]\npackages = ['y', 'z']\n[env.a]\npackage = 'x'", ("x",), "package = 'x'"),
    ("[env]\npackages = ['y', 'z']\n[env.a]\npackage = 'none'", (), 'package = "none"'),
    ("[env]\npackage = 'wheel'\n" + TWO, ("wheel",), "package = 'wheel'"),
    ("[env]\npackages = []\n" + TWO, ("sdist",), "match 'a' of package.sdist is the most specific"),
]


@pytest.mark.parametrize(("text", "packages", "why"), ASKED)
def test_what_an_environment_asks_for(matched: Matched, text: str, packages: tuple[str, ...], why: str) -> None:
    assert matched(text, "a") == Match(packages, why)


def test_the_more_special_of_package_and_packages_wins(matched: Matched) -> None:
    text = "[env.a]\npackages = ['y', 'z']\n[env.a-b]\npackage = 'none'\n"
    assert matched(text, "a").packages == ("y", "z")
    assert matched(text, "a-b") == Match((), 'package = "none"')
    text = "[env.a]\npackage = 'none'\n[env.a-b]\npackages = ['y', 'z']\n"
    assert matched(text, "a-b").packages == ("y", "z")
    text = "[env.'{a,b}-!c']\npackages = ['y', 'z']\n[env.a-b]\npackage = 'x'\n"
    assert matched(text, "a-b").packages == ("x",)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("[env]\npackage = 'x'\npackages = ['y']", "kern.toml:2 env.package and kern.toml:3 env.packages"),
        ("[env.a]\npackages = ['y']\npackage = 'x'", "kern.toml:3 env.a.package and kern.toml:2 env.a.packages"),
        (
            "[env.a]\npackage = 'x'\n[env.b]\npackages = ['y']",
            "kern.toml:2 env.a.package and kern.toml:4 env.b.packages",
        ),
    ],
)
def test_package_and_packages_that_are_equally_special(matched: Matched, text: str, places: str) -> None:
    with pytest.raises(ConfigError) as caught:
        matched(text, "a-b")
    assert caught.value.message == f"package and packages are both set for a-b: {places}"


MATCHED = [
    ("a", ("sdist",), "match 'a' of package.sdist is the most specific"),
    ("a-b", ("wheel",), "match 'a-b' of package.wheel is the most specific"),
    ("c", ("wheel",), "match '!a' of package.wheel is the most specific"),
    ("c-sdist", ("sdist",), "the factor 'sdist' is a package definition"),
    ("a-b-sdist", ("sdist",), "the factor 'sdist' is a package definition"),
    ("wheel-sdist", ("wheel", "sdist"), "the factor 'wheel' is a package definition"),
]


@pytest.mark.parametrize(("name", "packages", "why"), MATCHED)
def test_what_definitions_match(matched: Matched, name: str, packages: tuple[str, ...], why: str) -> None:
    assert matched(TWO, name) == Match(packages, why)


def test_two_definitions_match_equally_well(matched: Matched) -> None:
    text = "[package.x]\nmatch = ['a', 'c']\n[package.y]\nmatch = 'b'\n[package.z]\nmatch = 'z'\n"
    assert matched(text, "a-c").packages == ("x",)
    with pytest.raises(ConfigError) as caught:
        matched(text, "a-b")
    assert caught.value.message == "packages 'x' (match 'a') and 'y' (match 'b') match a-b equally well"
    assert caught.value.where == "kern.toml:4 package.y.match"
    assert '[env."a-b"]' in caught.value.hint


def test_what_is_left(matched: Matched, tmp_path: Path) -> None:
    both = "[package.x]\n[package.y]\n[package.z]\nmatch = 'z'"
    assert matched(both, "a") == Match(("x", "y"), "the first definition that the provider accepts", open=True)
    assert matched("[package.x]\n[package.z]\nmatch = 'z'", "a").packages == ("x",)
    assert matched("[package.z]\nmatch = 'z'", "a") == Match((), "no package definition matches it")
    assert matched("", "a") == Match((), "there is nothing to build")
    for tree in TREES:
        (tmp_path / tree).touch()
        assert matched("", "a") == Match((DEFAULT,), "nothing is defined: an sdist by default")
        (tmp_path / tree).unlink()


def test_settling() -> None:
    produced = {"x": "conda", "y": "wheel", "z": "wheel"}.__getitem__
    found = Match(("x", "y", "z"), "open", open=True)
    assert settle(found, ("sdist", "wheel"), produced) == Match(
        ("y",), "the first definition whose kind (wheel) the provider accepts"
    )
    assert settle(found, ("deb", "rpm"), produced) == Match(
        (), "the provider accepts none of what is defined (deb, rpm)"
    )
    closed = Match(("x",), "asked for")
    assert settle(closed, ("wheel",), produced) is closed


def test_labels_of_rows() -> None:
    assert label("a", "sdist", ("sdist", "wheel")) == "(sdist) a"
    assert label("a", "sdist", ("sdist",)) == "a"


EXPRESSIONS = ["a", "b", "!c", "a-b", "a*", "{a,c}", "*-b", "a-b-c", "!a-!b"]
DEFINITIONS = st.dictionaries(
    st.sampled_from(["p", "q", "r"]), st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=3)
)


@given(DEFINITIONS, st.sampled_from(["a", "b", "c", "a-b", "c-b", "a-b-c", "d"]))
def test_the_most_specific_expression_wins(definitions: dict[str, list[str]], name: str) -> None:
    packages = {
        package: PackageTable(package, {}, {}, tuple(map(parse, texts)), tuple(texts))
        for package, texts in definitions.items()
    }
    project = Project("/p", None, (), (), (), (Table("", None, {}, ("env",), 0),), packages, {}, {})
    ranks = {
        package: max(
            filter(None, (specificity(parse(text), name, frozenset(factors_of(name))) for text in texts)), default=None
        )
        for package, texts in definitions.items()
    }
    best = max(filter(None, ranks.values()), default=None)
    winners = [package for package, rank in ranks.items() if rank == best and rank is not None]
    if len(winners) > 1:
        with pytest.raises(ConfigError, match="equally well"):
            match(project, Settings(project), name, factors_of(name))
    else:
        assert match(project, Settings(project), name, factors_of(name)).packages == tuple(winners)
