"""The factor language: tables of examples, and hypothesis against a slow second implementation."""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import NamedTuple

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kern.errors import ConfigError
from kern.expression import (
    LARGEST,
    Specificity,
    check_name,
    factors_of,
    is_generative,
    literal_factors,
    matches,
    names,
    parse,
    required_factors,
    specificity,
)
from kern.expression_index import candidates, index

GENERATED = [
    ("py311", "py311"),
    ("py311,lint", "py311 lint"),
    (" py311 ,\n lint\t", "py311 lint"),
    ("py311-conda", "py311-conda"),
    ("py3{11,12}", "py311 py312"),
    ("py3{ 11 , 12 }", "py311 py312"),
    ("py3{11-13}", "py311 py312 py313"),
    ("py3{13-11}", "py313 py312 py311"),
    ("x{08-11}", "x08 x09 x10 x11"),
    ("x{8-011}", "x008 x009 x010 x011"),
    ("x{0-2}", "x0 x1 x2"),
    ("x{10-0}", "x10 x9 x8 x7 x6 x5 x4 x3 x2 x1 x0"),
    ("x{3-3}", "x3"),
    ("x{1,3-5,9}", "x1 x3 x4 x5 x9"),
    ("py3{11-12}-{venv,conda}", "py311-venv py311-conda py312-venv py312-conda"),
    ("{a,b}-{1-2}-c", "a-1-c a-2-c b-1-c b-2-c"),
    ("py312{,-slow}", "py312 py312-slow"),
    ("py312-{,slow}", "py312 py312-slow"),
    ("{,fast-}py312", "py312 fast-py312"),
    ("{py311-a,py312-b}", "py311-a py312-b"),
    ("{py311-a,py312-b}-x", "py311-a-x py312-b-x"),
    ("{a,{b,c}d}e", "ae bde cde"),
    ("{{11-12},x}", "11 12 x"),
    ("{1{1,2}-13}", "11-13 12-13"),
    ("{11-x}", "11-x"),
    ("{11-12-x}", "11-12-x"),
    ("11-13", "11-13"),
    ("a{b}c", "abc"),
    ("a{}c", "ac"),
    ("a-{}", "a"),
    ("{a,b}{1,2}", "a1 a2 b1 b2"),
    ("{a,b},{b,c}", "a b c"),
    ("{a,a}", "a"),
    ("{a,-a}", "a"),
    ("py3.12", "py3.12"),
    ("a+b_c.d", "a+b_c.d"),
]

MATCHED: list[tuple[str, str, tuple[bool, int, int] | None]] = [
    ("conda", "py312-conda", (False, 1, 1)),
    ("py312-conda", "py312-conda", (True, 2, 2)),
    ("conda-py312", "py312-conda", (False, 2, 2)),
    ("py312-conda", "py312-conda-slow", (False, 2, 2)),
    ("py312-conda", "py312", None),
    ("py3{11-13}", "py312", (False, 1, 1)),
    ("py3{11-13}", "py314", None),
    ("py3{11-13}-conda", "py312-conda", (False, 2, 2)),
    ("py312{,-slow}", "py312-slow", (False, 2, 2)),
    ("py312{,-slow}", "py312", (False, 1, 1)),
    ("py312{,-slow}", "py312-slow-x", (False, 2, 2)),
    ("py312-{,slow}-x", "py312-x", (False, 2, 2)),
    ("!conda", "py312", (False, 1, 0)),
    ("!conda", "py312-conda", None),
    ("py313-!conda", "py313", (False, 2, 1)),
    ("py313-!conda", "py313-conda", None),
    ("!{a,b}", "c", (False, 1, 0)),
    ("!{a,b}", "b", None),
    ("!{a-b}", "a", (False, 1, 0)),
    ("!{a-b}", "a-b", None),
    ("!{!a,b}", "a", (False, 1, 0)),
    ("!{!a,b}", "a-b", None),
    ("{!a,b}", "a", None),
    ("{!a,b}", "a-b", (False, 1, 1)),
    ("{!a,b}", "c", (False, 1, 0)),
    ("{a-!b,c}", "a", (False, 2, 1)),
    ("{a-!b,c}", "a-b", None),
    ("{a-!b,c}", "a-c", (False, 2, 1)),
    ("{!,}a", "a", (False, 1, 1)),
    ("py31*", "py312", (False, 1, 0)),
    ("py31*", "py3", None),
    ("py31*-conda", "py312-conda", (False, 2, 1)),
    ("*", "anything", (False, 1, 0)),
    ("*conda", "miniconda", (False, 1, 0)),
    ("a*b*c", "axxbyyc", (False, 1, 0)),
    ("a*b*c", "axxcyyb", None),
    ("a*a", "a", None),
    ("a**a", "aa", (False, 1, 0)),
    ("a*bc*c", "abc", None),
    ("!py31*", "py312", None),
    ("!py31*", "py27", (False, 1, 0)),
    ("a*-!ab", "ac", (False, 2, 0)),
    ("a,b", "b", (False, 1, 1)),
    ("a,b-c", "a-b-c", (False, 2, 2)),
    ("a-!x,b", "a-b", (False, 2, 1)),
    ("a,b*", "a", (False, 1, 1)),
    ("{,a}", "b", (False, 0, 0)),
    ("{a,b}", "a-b", (False, 1, 1)),
    ("{a-b,b}-c", "a-b-c", (False, 3, 3)),
    ("{a-b,a}-{b-c,c}", "a-b-c", (False, 4, 4)),
    ("A", "a", None),
]

BROKEN = [
    ("", "is empty", "name a factor"),
    (" \n", "is empty", "name a factor"),
    ("py312,", "empty name at position 7", "comma"),
    ("a,,b", "empty name at position 3", "comma"),
    ("a,{}", "empty name at position 3", "between the braces"),
    ("{,}", "empty name at position 1", "between the braces"),
    ("a--b", "empty factor at position 3", "dash"),
    ("-a", "empty factor at position 1", "dash"),
    ("a-", "empty factor at position 3", "dash"),
    ("a-{b", "unbalanced '{' at position 3", "close it"),
    ("{{a}", "unbalanced '{' at position 1", "close it"),
    ("a}b", "unbalanced '}' at position 2", "before it"),
    ("a,b/c", "illegal character '/' at position 4", "a factor has letters"),
    ("a\x1b", "illegal character '\\x1b' at position 2", "a factor has letters"),
    ("ä", "illegal character 'ä' at position 1", "a factor has letters"),
    ("py 312", "white space at position 3", "beside a comma or a brace"),
    ("a, b c", "white space at position 5", "beside a comma or a brace"),
    ("! a", "white space at position 2", "beside a comma or a brace"),
    ("x-!!a", "'!' twice at position 3", "one '!'"),
    ("{!!a}", "'!' inside a factor at position 1", "before what it negates"),
    ("a!b", "'!' inside a factor at position 1", "before what it negates"),
    ("x-{a,b}!c", "'!' inside a factor at position 3", "before what it negates"),
    ("!", "'!' with nothing to negate at position 1", "after it"),
    ("a-!", "'!' with nothing to negate at position 3", "after it"),
    ("{!,a}", "'!' with nothing to negate at position 1", "after it"),
    ("!{a,}", "'!' with nothing to negate at position 1", "after it"),
    ("a{1-9999999999}", "number too long for a range at position 3", "digits"),
    ("{" * 21 + "a" + "}" * 21, "too many nested braces at position 21", "20"),
    ("a{0-1000000}", "more than 1,000,000 names", "smaller"),
    ("{1-1000}-{1-1001}", "more than 1,000,000 names", "smaller"),
    ("{1-1000}{1-1001}", "more than 1,000,000 names", "smaller"),
    ("{1-1000}-{1-1000},a", "more than 1,000,000 names", "smaller"),
    ("!{1-900000,1-100001}", "more than 1,000,000 names", "smaller"),
]


def words(text: str) -> frozenset[str]:
    return frozenset(text.split("-"))


@pytest.mark.parametrize(("text", "expected"), GENERATED)
def test_generates_names_in_order_without_doubles(text: str, expected: str) -> None:
    assert names(parse(text)) == tuple(expected.split())


@pytest.mark.parametrize(("text", "name", "expected"), MATCHED)
def test_matches_by_factors_and_says_how_closely(text: str, name: str, expected: tuple[bool, int, int] | None) -> None:
    expression = parse(text)
    assert matches(expression, words(name)) == (expected is not None)
    assert specificity(expression, name, words(name)) == expected


@pytest.mark.parametrize(("text", "problem", "hint"), BROKEN)
def test_a_broken_expression_says_where_and_how_to_mend_it(text: str, problem: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "kern.toml:3 env_list")
    assert problem in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.where == "kern.toml:3 env_list"


def test_a_long_expression_is_shown_in_part() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("x" * 5000 + "/")
    assert len(caught.value.message) < 150


def test_the_largest_expression_is_still_fine() -> None:
    assert len(names(parse("{1-1000}-{1-1000}"))) == LARGEST


def test_white_space_is_gone_from_the_text() -> None:
    assert parse(" a , { b , c } ").text == "a,{b,c}"


def test_a_big_matrix_stays_factored() -> None:
    text = "-".join(f"{{{axis}{{1-{size}}}}}" for axis, size in (("a", 50), ("b", 50), ("c", 20)))
    expression = parse(text)
    assert sum(len(term.texts) for term in expression.alternatives[0].terms) == 120
    assert len(names(expression)) == 50_000
    assert specificity(expression, "a50-b7-c20", words("a50-b7-c20")) == Specificity(False, 3, 3)
    assert specificity(expression, "a50-b7-c20-x", words("a50-b7-c20-x")) == Specificity(False, 3, 3)


@pytest.mark.parametrize("text", ["py31*", "py311-!conda", "a,{!b,c}"])
def test_negations_and_wildcards_generate_nothing(text: str) -> None:
    assert not is_generative(parse(text))
    with pytest.raises(ConfigError, match="can't generate names") as caught:
        names(parse(text), "kern.toml env_list")
    assert caught.value.where == "kern.toml env_list"
    assert "match, exclude and on the command line" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "problem"), [("{,a}", "'' is empty"), ("a,{.b,c}", "starts with a dot"), ("x" * 101, "101 char")]
)
def test_a_generated_name_has_to_be_legal(text: str, problem: str) -> None:
    assert is_generative(parse(text))
    with pytest.raises(ConfigError, match=problem) as caught:
        names(parse(text), "kern.toml env_list")
    assert caught.value.where == "kern.toml env_list"


def test_more_factors_beat_fewer_and_the_exact_name_beats_all() -> None:
    name, factors = "py312-conda-slow", words("py312-conda-slow")
    ranked = ["py312-conda-slow", "!x-!y-!z-!w", "py312-conda-!x", "py312-conda", "py3*-conda", "!x-!y", "py312", "py*"]
    found = [specificity(parse(text), name, factors) for text in ranked]
    assert all(found)
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]  # None is ruled out one line above
    assert len(set(found)) == len(found)


def test_factors_may_be_more_than_the_name_shows() -> None:
    assert specificity(parse("linux"), "py312", frozenset(("py312", "linux"))) == Specificity(False, 1, 1)


def test_literal_factors_are_those_that_are_really_asked_for() -> None:
    assert literal_factors(parse("py3{11-12}-!conda,{a-!b,c*}-x,!{d-e,f}")) == {"py311", "py312", "a", "x"}


def test_required_factors_name_sets_of_which_one_must_be_there() -> None:
    assert required_factors(parse("py312-{a,b}-!c,!x,{d-e,f*},{d-*,e},{g,}")) == (
        (frozenset(("py312",)), frozenset(("a", "b"))),
        (),
        (),
        (frozenset(("d", "e")),),
        (),
    )


def test_an_index_uses_the_rarest_factor() -> None:
    found = index([parse("py312-a"), parse("py312-b"), parse("!a"), parse("c,d")])
    assert candidates(found, ["py312", "a"]) == [0, 2]
    assert candidates(found, ["py312", "b"]) == [1, 2]
    assert candidates(found, ["d", "c", "b"]) == [1, 2, 3]
    assert candidates(found, []) == [2]


def test_factors_of_a_name() -> None:
    assert factors_of("py312-conda") == ("py312", "conda")


@pytest.mark.parametrize("name", ["a", "py3.12-c++_x", "_", "+", "x" * 100, "a-.", "a..b"])
def test_legal_names(name: str) -> None:
    check_name(name, "")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty"),
        ("x" * 101, "has 101 characters"),
        (".", "starts with a dot"),
        ("..", "starts with a dot"),
        (".hidden", "starts with a dot"),
        ("-a", "empty factor"),
        ("a-", "empty factor"),
        ("a--b", "empty factor"),
        ("a/b", "holds '/'"),
        ("../up", "holds '/'"),
        ("a\x1b[31m", r"'a\x1b[31m' holds '\x1b'"),
        ("a\n", r"holds '\n'"),
        ("é", "holds 'é'"),
        ("a\u202eb", r"holds '\u202e'"),
        ("a\ud800", r"holds '\ud800'"),
    ],
)
def test_illegal_names_are_refused_and_shown_harmlessly(name: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_name(name, "kern.toml:9")
    assert problem in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.where == "kern.toml:9"
    assert caught.value.hint


class Slow(NamedTuple):
    """An expression written out: for each alternative, for each term, whether it is negated and all its choices."""

    alternatives: list[list[tuple[bool, list[list[str]]]]]
    generative: bool

    def holds(self, atom: str, factors: frozenset[str]) -> bool:
        pattern = re.escape(atom.lstrip("!")).replace(r"\*", ".*")
        return any(re.fullmatch(pattern, factor) for factor in factors) != atom.startswith("!")

    def ways(self, factors: frozenset[str]) -> list[tuple[int, int]]:
        """Terms and literals of every way to match."""
        found = []
        for terms in self.alternatives:
            weights = []
            for negated, choices in terms:
                held = [atoms for atoms in choices if all(self.holds(atom, factors) for atom in atoms)]
                if negated:
                    weights.append([] if held else [(1, 0)])
                else:
                    weights.append([(len(atoms), sum(not set(atom) & set("!*") for atom in atoms)) for atoms in held])
            found += [(sum(terms for terms, _ in way), sum(more for _, more in way)) for way in product(*weights)]
        return found

    def size(self) -> int:
        return sum(prod(len(choices) for _, choices in terms) for terms in self.alternatives)

    def names(self) -> set[str]:
        ways = [way for terms in self.alternatives for way in product(*(choices for _, choices in terms))]
        return {"-".join(atom for atoms in way for atom in atoms) for way in ways}


def slow_split(text: str, separator: str) -> list[str]:
    """Replace the separators outside of all braces by a line feed, and split there."""
    depths = [text[:position].count("{") - text[:position].count("}") for position in range(len(text))]
    marked = "".join("\n" if c == separator and not depth else c for c, depth in zip(text, depths, strict=True))
    return marked.split("\n")


def slow_expand(text: str) -> list[str]:
    """Write out the innermost braces again and again; a mark keeps what came from them from being read as a range."""
    found = re.search(r"\{([^{}]*)\}", text)
    if not found:
        if set(text) & set("{}"):
            raise ValueError(text)
        return [text]
    items: list[str] = []
    for item in found[1].split(","):
        if limits := re.fullmatch(r"(\d+)-(\d+)", item):
            first, last = int(limits[1]), int(limits[2])
            width = max(map(len, limits.groups())) if re.search(r"\b0\d", item) else 1
            numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
            items += [f"{number:0{width}}" for number in numbers]
        else:
            items.append(item)
    return [whole for item in items for whole in slow_expand(f"{text[: found.start()]}\0{item}\0{text[found.end() :]}")]


def slow_parse(text: str) -> Slow:
    """Parse an expression the slow way; a broken one is a `ValueError`."""
    text = re.sub(r"\s*([{},])\s*", r"\1", text).strip()
    opened = closed = 0
    for letter in text:
        opened, closed = opened + (letter == "{"), closed + (letter == "}")
        if closed > opened:
            raise ValueError(text)
    alternatives = []
    for alternative in slow_split(text, ","):
        terms = []
        for term in slow_split(alternative, "-"):
            negated = term.startswith("!")
            whole = [choice.replace("\0", "") for choice in slow_expand(term[negated:])]
            choices = [[atom for atom in choice.split("-") if atom] for choice in whole]
            legal = all(re.fullmatch(r"!?[\w.+*]+", atom) for choice in choices for atom in choice)
            if not term or term.startswith("!!") or not legal or (negated and [] in choices):
                raise ValueError(text)
            terms.append((negated, choices))
        if not any(choice for _, choices in terms for choice in choices):
            raise ValueError(text)
        alternatives.append(terms)
    return Slow(alternatives, not set(text) & set("!*"))


ATOMS = st.sampled_from(["a", "b", "c", "ab", "1", "2", "10", "a*", "*b", "*", "a*b*", "{1-2}", "{3-2}", "{08-10}"])
PIECES = st.recursive(
    ATOMS | ATOMS.map("!".__add__),
    lambda inner: st.one_of(
        st.lists(inner | st.just(""), min_size=1, max_size=3).map(lambda items: "{" + " , ".join(items) + "}"),
        st.lists(inner, min_size=2, max_size=3).map("-".join),
        st.tuples(inner, inner).map("".join),
    ),
    max_leaves=4,
)
TERMS = st.builds("".join, st.tuples(st.sampled_from(["", "", "!"]), PIECES))
TEXTS = st.lists(st.lists(TERMS, min_size=1, max_size=3).map("-".join), min_size=1, max_size=3).map(",".join)
NOISE = st.text("ab1*!-{}, ", max_size=16)
FACTORS = st.lists(st.sampled_from(["a", "b", "c", "ab", "1", "2", "3", "10", "a1", "b2", "08", "abb"]), max_size=4)


@settings(max_examples=250)
@given(text=TEXTS | NOISE, factors=FACTORS)
@example(text="{a-b,a}-{b-c,c}", factors=["a", "b", "c"])
@example(text="!{a,{b-!c}}", factors=["b"])
def test_the_quick_way_agrees_with_the_slow_way(text: str, factors: list[str]) -> None:
    try:
        slow = slow_parse(text)
        assume(slow.size() <= 5000)
    except ValueError:
        with pytest.raises(ConfigError):
            parse(text)
        return
    expression = parse(text)
    name, present = "-".join(factors) or "none", frozenset(factors)
    ways = slow.ways(present)
    assert is_generative(expression) == slow.generative
    assert matches(expression, present) == bool(ways)
    exact = name == expression.text
    assert specificity(expression, name, present) == (Specificity(exact, *max(ways)) if ways else None)
    for sets in required_factors(expression):
        assert all(sets)
    if ways:
        assert any(all(one & present for one in sets) for sets in required_factors(expression))


@settings(max_examples=150)
@given(text=TEXTS.map(lambda text: text.replace("!", "").replace("*", "x")))
def test_names_are_those_of_the_slow_way_and_match_exactly(text: str) -> None:
    expected = slow_parse_or_none(text)
    if expected is None or expected.size() > 5000:
        return
    expression = parse(text)
    if "" in expected.names():
        with pytest.raises(ConfigError):
            names(expression)
        return
    found = names(expression)
    assert len(found) == len(set(found))
    assert set(found) == expected.names()
    for name in found[:20]:
        close = specificity(expression, name, frozenset(factors_of(name)))
        written_out = specificity(parse(name), name, frozenset(factors_of(name)))
        assert close is not None
        assert written_out is not None
        assert written_out.exact
        assert close < written_out or expression.text == name


def slow_parse_or_none(text: str) -> Slow | None:
    try:
        return slow_parse(text)
    except ValueError:
        return None


@settings(max_examples=80)
@given(texts=st.lists(TEXTS, max_size=8), factors=FACTORS)
def test_an_index_loses_nothing(texts: list[str], factors: list[str]) -> None:
    expressions = [parse(text) for text in texts if slow_parse_or_none(text)]
    tried = candidates(index(expressions), factors)
    assert tried == sorted(set(tried))
    matching = [place for place, expression in enumerate(expressions) if matches(expression, frozenset(factors))]
    assert set(matching) <= set(tried)


@given(name=st.text("abz09_.+-/\x1b A", max_size=12))
def test_names_are_legal_exactly_by_their_rule(name: str) -> None:
    legal = re.fullmatch(r"[A-Za-z0-9_+][A-Za-z0-9_.+]*(-[A-Za-z0-9_.+]+)*", name) is not None
    if legal:
        check_name(name, "")
    else:
        with pytest.raises(ConfigError):
            check_name(name, "")
