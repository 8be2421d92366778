"""Which environments a command line means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.errors import ConfigError, UsageError
from kern.expression import factors_of, is_generative, matches, names, parse
from kern.select import Selected, select

KNOWN = {
    "py311-venv": True,
    "py312-venv": True,
    "py311-conda": True,
    "lint": True,
    "docs": False,
    "ALL-x": False,
}


def never(_: str) -> bool:
    return False


def chosen(*wanted: str, skip: tuple[str, ...] = (), labelled: tuple[str, ...] = ()) -> tuple[str, ...]:
    return select(KNOWN, wanted, labelled, skip, never).names


SELECTED = [
    ((), "py311-venv py312-venv py311-conda lint"),
    (("lint",), "lint"),
    (("docs",), "docs"),
    (("ALL",), "py311-venv py312-venv py311-conda lint docs ALL-x"),
    (("venv",), "py311-venv py312-venv"),
    (("py311",), "py311-venv py311-conda"),
    (("conda-py311",), "py311-conda"),
    (("py31{1,2}-venv",), "py311-venv py312-venv"),
    (("py31*",), "py311-venv py312-venv py311-conda"),
    (("!venv",), "py311-conda lint docs ALL-x"),
    (("py31*-!conda",), "py311-venv py312-venv"),
    (("lint", "conda"), "py311-conda lint"),
    (("lint,docs",), "lint docs"),
    ((" docs , lint ",), "lint docs"),
    (("lint", "lint", "l*"), "lint"),
]


@pytest.mark.parametrize(("wanted", "expected"), SELECTED)
def test_select(wanted: tuple[str, ...], expected: str) -> None:
    assert chosen(*wanted) == tuple(expected.split())


def test_labels_and_expressions_add_up() -> None:
    assert chosen(labelled=("docs", "lint")) == ("lint", "docs")
    assert chosen("conda", labelled=("docs",)) == ("py311-conda", "docs")


def test_skipping() -> None:
    assert chosen(skip=("venv",)) == ("py311-conda", "lint")
    assert chosen("ALL", skip=("venv", "!py311-!docs")) == ("py311-conda", "docs")
    assert chosen("lint", skip=("*",)) == ()
    assert chosen(skip=("nosuch",)) == chosen()


def test_a_name_that_explains_itself() -> None:
    said = select(KNOWN, ("py313-venv", "lint"), (), (), lambda name: name.startswith("py"))
    assert said == Selected(
        ("lint", "py313-venv"),
        ("py313-venv is not in env_list: running it with the settings that match its factors",),
    )
    several = select(KNOWN, ("py3{12-14}-venv",), (), (), lambda name: name.startswith("py"))
    assert several.names == ("py312-venv", "py313-venv", "py314-venv")
    assert len(several.notices) == 2
    assert select(KNOWN, ("py313",), (), ("py313",), lambda _: True).names == ()


def test_known_environments_come_before_made_up_ones() -> None:
    """A factor that some environments have means these, even if it would explain itself."""
    assert select(KNOWN, ("conda",), (), (), lambda _: True) == Selected(("py311-conda",))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("lnt", "no environment matches 'lnt'", "did you mean lint?"),
        ("py312-conda", "no environment matches 'py312-conda'", "did you mean py311-conda?"),
        ("{lint,zzz}", "no environment matches 'zzz'", "environments: py311-venv, py312-venv, py311-conda"),
        ("z*", "no environment matches 'z*'", "environments: "),
        ("a b", "white space at position 2 of the expression 'a b'", "it may stand"),
        ("", "the expression is empty", "name a factor"),
        ("a--b", "empty factor at position 3 of the expression 'a--b'", ""),
    ],
)
def test_mistakes(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen("lint", text)
    assert (caught.value.message, caught.value.where) == (message, "command line")
    assert caught.value.hint.startswith(hint)


def test_mistakes_in_what_is_skipped() -> None:
    with pytest.raises(UsageError, match="empty factor"):
        chosen(skip=("a--b",))


@pytest.mark.parametrize("text", [".a", "a" * 101])
def test_names_that_can_not_be(text: str) -> None:
    with pytest.raises((UsageError, ConfigError)) as caught:
        chosen(text)
    assert (caught.value.exit_code, caught.value.where) == (2, "command line")


def test_without_any_environment() -> None:
    assert select({}, (), (), (), never) == Selected(())
    with pytest.raises(UsageError) as caught:
        select({}, ("a",), (), (), never)
    assert caught.value.hint == "env_list is empty"


NAMES = ["a", "b", "a-b", "b-c", "a-c-d", "e"]
TEXTS = ["a", "b-a", "c", "e", "z", "a-z", "!a", "*", "b*", "{a,b}-{c,d}", "ALL", "{a,e}", "a,z", "x*"]


@given(
    st.dictionaries(st.sampled_from(NAMES), st.booleans()),
    st.lists(st.sampled_from(TEXTS), max_size=3),
    st.lists(st.sampled_from(NAMES), max_size=2),
    st.lists(st.sampled_from(["a", "!b", "z", "c"]), max_size=2),
    st.sets(st.sampled_from(["z", "a-z", "a-d"])),
)
def test_selecting_as_slowly_done(
    known: dict[str, bool], wanted: list[str], labelled: list[str], skip: list[str], explained: set[str]
) -> None:
    labelled = [name for name in labelled if name in known]
    expected = _slowly(known, wanted, labelled, explained)
    if expected is None:
        with pytest.raises(UsageError):
            select(known, wanted, labelled, skip, explained.__contains__)
        return
    found = select(known, wanted, labelled, skip, explained.__contains__).names
    left = [name for name in expected if not any(_fits(name, text) for text in skip)]
    assert set(found) == set(left)
    listed = [name for name in found if name in known]
    assert listed == [name for name in known if name in left]
    assert found[: len(listed)] == tuple(listed)


def _slowly(known: dict[str, bool], wanted: list[str], labelled: list[str], explained: set[str]) -> set[str] | None:
    if not wanted and not labelled:
        return {name for name, default in known.items() if default}
    found = set(labelled)
    for text in wanted:
        for part in _parts(known, text):
            fitting = {part} if part in known else {name for name in known if text == "ALL" or _fits(name, part)}
            if not fitting and part in explained:
                fitting = {part}
            if not fitting and text != "ALL":
                return None
            found |= fitting
    return found


def _parts(known: dict[str, bool], text: str) -> tuple[str, ...]:
    if text == "ALL" or not is_generative(parse(text)):
        return (text,)
    return names(parse(text))


def _fits(name: str, text: str) -> bool:
    return matches(parse(text), frozenset(factors_of(name)))
