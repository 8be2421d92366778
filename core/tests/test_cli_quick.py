"""The quick reader of command lines: right where it answers, and never sure where cyclopts is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kern.cli import app, quick
from kern.cli.declarations import VERBS, verb_named
from kern.cli.declarations.model import COMMON, COUNT, JOBS, SECONDS, SWITCH, Option
from kern.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.cli.declarations import Arguments

ASKING = {"-h", "--help", "-V", "--version"}


def quickly(*words: str, **environ: str) -> Arguments | None:
    found = quick.read(words, environ)
    return found[1] if found else None


def test_nothing_but_the_verb_gives_the_defaults() -> None:
    for name in VERBS:
        verb = verb_named(name)
        if verb.operand is None or verb.operand.field in verb.defaults():
            assert quickly(name) == verb.arguments()


@pytest.mark.parametrize("words", [["--jobs=4"], ["--jobs", "4"], ["-j4"], ["-j", "4"], ["-j", "9", "--jobs=4"]])
def test_the_spellings_of_a_value(words: Sequence[str]) -> None:
    found = quickly("run", *words)
    assert found == verb_named("run").arguments(jobs="4")


def test_short_options_share_a_word() -> None:
    expected = verb_named("run").arguments(fail_fast=True, verbose=2, jobs="4")
    assert quickly("run", "-xvvj4") == expected
    assert quickly("run", "-xvvj", "4") == expected


def test_options_and_words_in_any_order() -> None:
    expected = verb_named("run").arguments(selection=("a", "b"), labels=("l", "m"), directory="d", verbose=2)
    assert quickly("-C", "d", "-v", "run", "a", "-l", "l", "b", "--label=m", "-v") == expected
    assert quickly("-Cd", "run", "-vv", "-ll", "a", "-lm", "b") == expected


def test_everything_after_the_first_dashes_is_rest() -> None:
    found = quickly("run", "a", "--", "-x", "--", "--help")
    assert found == verb_named("run").arguments(selection=("a",), rest=("-x", "--", "--help"))


def test_the_last_of_two_values_counts_also_before_the_verb() -> None:
    assert quickly("-C", "a", "list", "-C", "b", "-q", "-q") == verb_named("list").arguments(directory="b", quiet=True)


def test_a_variable_gives_a_value() -> None:
    assert quickly("run", KERN_JOBS="3") == verb_named("run").arguments(jobs="3")
    assert quickly("run", KERN_JOBS="three") is None


UNSURE = [
    [],
    ["rnu"],
    ["--json", "run"],
    ["run", "--help"],
    ["run", "-xh"],
    ["run", "--jbos", "4"],
    ["run", "--recr"],
    ["run", "--jobs"],
    ["run", "--jobs="],
    ["run", "--jobs=", "4"],
    ["run", "--jobs", "--json"],
    ["run", "--jobs", "0"],
    ["run", "--jobs", ""],
    ["run", "-j=4"],
    ["run", "-l=x"],
    ["-C=x", "run"],
    ["run", "-"],
    ["run", ""],
    ["run", "--json=yes"],
    ["run", "--verbose=2"],
    ["run", "--missing", "maybe"],
    ["run", "--lock-timeout", "1e3"],
    ["run", "--lock-timeout", "soon"],
    ["run", "--lock-timeout", "٣"],
    ["run", "--lock-timeout", "."],
    ["exec", "py312"],
    ["exec", "py312", "--"],
    ["exec", "--", "ls"],
    ["exec", "a", "b", "--", "ls"],
    ["list", "--"],
    ["show"],
    ["schema", "nonsense"],
    ["schema", "run", "list"],
    ["completion"],
]


@pytest.mark.parametrize("words", UNSURE, ids=" ".join)
def test_not_sure(words: Sequence[str]) -> None:
    assert quickly(*words) is None


texts = st.text(st.sampled_from("abz019-=.,:_{}[]!*'\" $/é\udc80\x1b"), min_size=1, max_size=6)
numbers = st.sampled_from(["1", "4", "16", "0", "007", "1.5", ".5", "5.", "1e3", "1_0", "٣", "inf", "-1", "+2"])


def values(option: Option) -> st.SearchStrategy[str]:
    """Values for an option, most of them right."""
    if option.choices:
        return st.one_of(st.sampled_from(option.choices), texts)
    if option.kind == JOBS:
        return st.one_of(st.just("auto"), numbers)
    if option.kind == SECONDS:
        return numbers
    return st.one_of(st.sampled_from(["py312", "lint", "a b", '["a"]', "{}", "none", "true"]), texts)


@st.composite
def option_words(draw: st.DrawFn, options: Sequence[Option]) -> list[str]:
    """One option in one of its spellings, perhaps behind others in its word."""
    option = draw(st.sampled_from(options))
    flag = draw(st.sampled_from(option.flags))
    short = not flag.startswith("--")
    switches = [o.flags[0][1] for o in options if o.kind in (SWITCH, COUNT) and len(o.flags) > 1]
    if short and switches:
        flag = "-" + "".join(draw(st.lists(st.sampled_from(switches), max_size=2))) + flag[1]
    if option.kind in (SWITCH, COUNT):
        return [flag]
    value = draw(values(option))
    if draw(st.booleans()):
        return [flag, value]
    return [flag + value if short else f"{flag}={value}"]


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A command line that is right, or nearly."""
    verb = verb_named(draw(st.sampled_from(list(VERBS))))
    before = draw(st.lists(option_words(COMMON), max_size=2))
    pieces = draw(st.lists(option_words((*verb.options, *COMMON)), max_size=4))
    if verb.operand:
        single = values(verb.operand).map(lambda word: [word])
        pieces += draw(st.lists(single, min_size=1 if verb.operand.field not in verb.defaults() else 0, max_size=2))
    pieces = draw(st.permutations(pieces))
    rest = draw(st.lists(st.one_of(texts, st.just("--")), min_size=int(verb.rest_demanded), max_size=2))
    tail = ["--", *rest] if rest and verb.rest else []
    return [*(w for piece in before for w in piece), verb.name, *(w for piece in pieces for w in piece), *tail]


@st.composite
def damaged(draw: st.DrawFn) -> list[str]:
    """A command line that somebody's finger slipped on."""
    words = draw(lines())
    for _ in range(draw(st.integers(1, 2))):
        index = draw(st.integers(0, len(words) - 1))
        how = draw(st.sampled_from(["drop", "double", "swap", "insert", "cut", "letter"]))
        word = words[index]
        words[index : index + 1] = {
            "drop": [],
            "double": [word, word],
            "swap": [*words[index + 1 : index + 2], word],
            "insert": [draw(st.one_of(texts, st.sampled_from(["--", "-", "", "-x", "--json", "-vx", "run"]))), word],
            "cut": [word[:-1]],
            "letter": [word[:2] + draw(st.sampled_from("-=xjq4 ")) + word[2:]],
        }[how]
        if not words:
            break
    return words


def slowly(words: list[str], environ: dict[str, str]) -> Arguments | None:
    """What cyclopts makes of a line, ``None`` where it refuses."""
    try:
        found = app.read(words, environ)
    except UsageError:
        return None
    assert found is not None
    return found[1]


environs = st.fixed_dictionaries(
    {},
    optional={
        "KERN_JOBS": st.sampled_from(["", "auto", "3", "x"]),
        "KERN_MISSING": st.sampled_from(["", "skip", "x"]),
    },
)


@settings(max_examples=250)
@given(words=st.one_of(lines(), damaged()), environ=environs)
def test_cyclopts_agrees_with_every_answer(words: list[str], environ: dict[str, str]) -> None:
    found = quick.read(words, environ)
    if ASKING & set(quick.split(words)[0]):
        assert found is None
        return
    answer = slowly(words, environ)
    if found is not None:
        assert answer == found[1]
        assert type(answer) is type(found[1])
    if answer is None:
        assert found is None


@settings(max_examples=100)
@given(name=st.sampled_from(list(VERBS)), data=st.data())
def test_ordinary_lines_are_answered(name: str, data: st.DataObject) -> None:
    """Without this the reader that is never sure would pass."""
    verb = verb_named(name)
    words = [name]
    expected: dict[str, object] = {}
    for option in data.draw(st.lists(st.sampled_from((*verb.options, *COMMON)), unique=True, max_size=5)):
        flag = data.draw(st.sampled_from(option.flags))
        if option.kind in (SWITCH, COUNT):
            words.append(flag)
            expected[option.field] = True if option.kind == SWITCH else 1
        else:
            text = option.choices[0] if option.choices else "7"
            words += [flag, text]
            expected[option.field] = {SECONDS: 7.0, "many": ("7",)}.get(option.kind, text)
    if verb.operand:
        text = verb.operand.choices[0] if verb.operand.choices else "py312"
        words.append(text)
        expected[verb.operand.field] = (text,) if verb.operand.kind == "many" else text
    if verb.rest:
        words += ["--", "-x"]
        expected["rest"] = ("-x",)
    assert quickly(*words) == verb.arguments(**expected)
