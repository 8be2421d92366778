"""The declarations of the verbs agree with themselves."""

from __future__ import annotations

from typing import get_type_hints

import pytest

from kern.cli import declarations
from kern.cli.declarations import VERBS, verb_named
from kern.cli.declarations.model import (
    COMMON,
    COUNT,
    JOBS,
    MANY,
    SECONDS,
    SWITCH,
    TEXT,
    Option,
    completed,
    convert,
    default_text,
    usage,
)

TYPES = {SWITCH: bool, COUNT: int, TEXT: str, JOBS: str, SECONDS: float, MANY: tuple[str, ...]}
EMPTY = {SWITCH: False, COUNT: 0, MANY: ()}
KINDS = set(TYPES)


def everything(name: str) -> list[Option]:
    verb = verb_named(name)
    return [*verb.options, *COMMON, *([verb.operand] if verb.operand else [])]


@pytest.mark.parametrize("name", VERBS)
def test_every_field_is_declared_once_with_the_type_of_its_kind(name: str) -> None:
    verb = verb_named(name)
    declared = everything(name)
    fields = [option.field for option in declared] + (["rest"] if verb.rest else [])
    assert sorted(fields) == sorted(verb.fields())
    hints = get_type_hints(verb.arguments)
    assert {option.field: hints[option.field] for option in declared} == {
        option.field: TYPES[option.kind] for option in declared
    }


@pytest.mark.parametrize("name", VERBS)
def test_what_is_there_or_not_there_is_not_there_by_default(name: str) -> None:
    verb = verb_named(name)
    for option in everything(name):
        if option.flags and option.kind in EMPTY:
            assert verb.defaults()[option.field] == EMPTY[option.kind]


@pytest.mark.parametrize("name", VERBS)
def test_defaults_are_values_that_could_be_given(name: str) -> None:
    verb = verb_named(name)
    for option in everything(name):
        if text := default_text(verb, option):
            assert convert(option, text) == verb.defaults()[option.field]


@pytest.mark.parametrize("name", VERBS)
def test_no_flag_has_two_meanings_and_all_are_well_formed(name: str) -> None:
    flags = [flag for option in everything(name) for flag in option.flags]
    assert len(flags) == len(set(flags))
    reserved = {"-h", "--help", "-V", "--version", "--"}
    assert not reserved & set(flags)
    for option in everything(name):
        shorts = [flag for flag in option.flags if not flag.startswith("--")]
        assert all(len(flag) == 2 and flag[1].isalpha() for flag in shorts)
        assert all(flag[2:].replace("-", "").isalpha() for flag in option.flags if flag.startswith("--"))
        assert option.kind in KINDS
        assert bool(option.metavar) == (option.kind not in (SWITCH, COUNT))


@pytest.mark.parametrize("name", VERBS)
def test_texts_are_whole_sentences_and_every_verb_has_an_example(name: str) -> None:
    verb = verb_named(name)
    assert verb.name == name
    texts = [VERBS[name], verb.help, *(option.help for option in everything(name))]
    texts += [verb.rest_help] if verb.rest else []
    for text in texts:
        assert text[0].isupper()
        assert text.endswith(".")
    assert verb.examples
    assert all(f"kern {name}" in line for line, _ in verb.examples)


def test_the_same_field_is_spelt_the_same_in_every_verb() -> None:
    spelt: dict[str, set[tuple[str, ...]]] = {}
    for name in VERBS:
        for option in everything(name):
            if option.flags:
                spelt.setdefault(option.field, set()).add(option.flags)
    # --for names environments where others take them without a flag; nothing else may differ.
    assert {field for field, flags in spelt.items() if len(flags) > 1} == set()


def test_types_of_arguments_come_by_name() -> None:
    assert declarations.RunArguments is verb_named("run").arguments
    assert declarations.RunArguments().jobs == "auto"
    with pytest.raises(AttributeError, match="NoArguments"):
        _ = declarations.NoArguments
    with pytest.raises(AttributeError, match="runArguments"):
        _ = declarations.runArguments


def test_usage_shows_what_is_demanded() -> None:
    assert usage(verb_named("run")) == "kern run [OPTIONS] [SELECTION...] [-- POSARGS...]"
    assert usage(verb_named("exec")) == "kern exec [OPTIONS] TARGET -- COMMAND..."
    assert usage(verb_named("show")) == "kern show [OPTIONS] ENV..."
    assert usage(verb_named("schema")) == "kern schema [OPTIONS] [KIND]"
    assert usage(verb_named("plugins")) == "kern plugins [OPTIONS] [ACTION...]"


@pytest.mark.parametrize("text", ["auto", "1", "16", "9999"])
def test_jobs_that_make_sense(text: str) -> None:
    assert convert(Option("jobs", ("-j",), JOBS, ""), text) == text


@pytest.mark.parametrize("text", ["", "0", "00", "-1", "1.5", "many", "10000", "٣", "9" * 5000])
def test_jobs_that_make_none(text: str) -> None:
    with pytest.raises(ValueError, match="it takes"):
        convert(Option("jobs", ("-j",), JOBS, ""), text)


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("1.5", 1.5), ("1e3", 1000.0), ("600", 600.0)])
def test_seconds_that_make_sense(text: str, number: float) -> None:
    assert convert(Option("wait", ("--wait",), SECONDS, ""), text) == number


@pytest.mark.parametrize("text", ["", "-1", "inf", "nan", "1e9", "soon"])
def test_seconds_that_make_none(text: str) -> None:
    with pytest.raises(ValueError, match="it takes"):
        convert(Option("wait", ("--wait",), SECONDS, ""), text)


def test_variables_fill_in_what_was_not_given() -> None:
    run = verb_named("run")
    environ = {"KERN_JOBS": "3", "KERN_MISSING": "skip"}
    assert completed(run, {}, (), environ) == run.arguments(jobs="3", missing="skip")
    assert completed(run, {"jobs": "auto"}, (), environ) == run.arguments(missing="skip")
    assert completed(run, {}, (), {"KERN_JOBS": "", "KERN_MISSING": ""}) == run.arguments()


def test_a_variable_with_a_wrong_value_is_named() -> None:
    with pytest.raises(ValueError, match="KERN_JOBS is set to 'x', but it takes a number from 1 to 9999, or auto"):
        completed(verb_named("run"), {}, (), {"KERN_JOBS": "x"})
