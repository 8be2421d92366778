"""Braces in the configuration: what is put in is never looked at again, what is no substitution stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.config.substitute import Names, expand, expand_deep, expand_words
from kern.errors import ConfigError

VALUES = {"env_name": "py312", "env_dir": "/w/{env_name}", "project_dir": "/a b"}
ENVIRON = {"HOME": "/home/me", "ODD": "{env_name}}}{{", "EMPTY": "", "A:B": "colon"}
NAMES = Names(VALUES, ENVIRON)

EXPANDED = [
    ("", ""),
    ("plain", "plain"),
    ("{env_name}", "py312"),
    ("a{env_name}b{env_name}", "apy312bpy312"),
    ("{env_dir}/bin", "/w/{env_name}/bin"),
    ("{env:HOME}", "/home/me"),
    ("{env:ODD}", "{env_name}}}{{"),
    ("{env:NO:}", ""),
    ("{env:NO:x}", "x"),
    ("{env:NO:{env:NEITHER:{env_name}}}", "py312"),
    ("{env:NO:a:b}", "a:b"),
    ("{env:EMPTY:x}", ""),
    ("{env:HOME:{nosuch}}", "/home/me"),
    ("{{env_name}}", "{env_name}"),
    ("{{{env_name}}}", "{py312}"),
    ("{{", "{"),
    ("{posargs}", ""),
    ("x{posargs:a  'b c'}", "xa b c"),
    ("{posargs:{env_name} {env:NO:d e}}", "py312 d e"),
    ("print({1: 2})", "print({1: 2})"),
    ("{A}", "{A}"),
    ("{}", "{}"),
    ("{_}", "{_}"),
    ("{a-b}", "{a-b}"),
    ("{é}", "{é}"),
    ("{ env_name }", "{ env_name }"),
    ('{"a": "{env_name}"}', '{"a": "py312"}'),
    ("}", "}"),
    ("a{", "a{"),
]


@pytest.mark.parametrize(("text", "expanded"), EXPANDED)
def test_expand(text: str, expanded: str) -> None:
    assert expand(text, NAMES, "") == expanded


WORDS = [
    (("pytest", "{posargs}"), None, ("pytest",)),
    (("pytest", "{posargs}"), (), ("pytest",)),
    (("pytest", "{posargs}"), ("-k", "a b", "{env_name}"), ("pytest", "-k", "a b", "{env_name}")),
    (("pytest", "{posargs:tests -q}"), None, ("pytest", "tests", "-q")),
    (("pytest", "{posargs:tests -q}"), (), ("pytest",)),
    (("pytest", "{posargs:'a b'}"), None, ("pytest", "a b")),
    (("pytest", "{posargs:}"), None, ("pytest",)),
    (("pytest", "{posargs:{posargs:x y}}"), None, ("pytest", "x", "y")),
    (("pytest", "{posargs:{env_dir} {env:ODD}}"), None, ("pytest", "/w/{env_name}", "{env_name}}}{{")),
    (("sh", "-c", "run {posargs}"), ("a", "b"), ("sh", "-c", "run a b")),
    (("sh", "-c", "run {posargs:x}"), None, ("sh", "-c", "run x")),
    (("{posargs}{posargs}",), ("a", "b"), ("a ba b",)),
    (("{{posargs}}",), ("a",), ("{posargs}",)),
    (("{project_dir}/x",), None, ("/a b/x",)),
    (("", "{env:EMPTY}"), None, ("", "")),
]


@pytest.mark.parametrize(("words", "posargs", "expanded"), WORDS)
def test_expand_words(words: tuple[str, ...], posargs: tuple[str, ...] | None, expanded: tuple[str, ...]) -> None:
    assert expand_words(words, NAMES._replace(posargs=posargs), "") == expanded


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{env_nam}", "unknown substitution {env_nam}", "did you mean env_name?"),
        ("{zzz}", "unknown substitution {zzz}", "write {{ for a plain brace"),
        ("{env_name:x}", "unknown substitution {env_name:x}", "did you mean env_name?"),
        ("{env}", "the variable  is not set", None),
        ("{env:NO}", "the variable NO is not set", "set it, or give a default: {env:NO:default}"),
        ("{env:NO:{nosuch}}", "unknown substitution {nosuch}", None),
        ("{posargs:{nosuch}}", "unknown substitution {nosuch}", None),
        ("{posargs:'}", 'quote is not closed in "\'"', ""),
    ],
)
def test_mistakes(text: str, message: str, hint: str | None) -> None:
    for expanding in (lambda: expand(text, NAMES, "here"), lambda: expand_words((text,), NAMES, "here")):
        with pytest.raises(ConfigError) as caught:
            expanding()
        assert (caught.value.message, caught.value.where) == (message, "here")
        assert hint is None or caught.value.hint == hint


@given(st.text(), st.text(), st.text())
def test_values_are_never_parsed_again(value: str, before: str, after: str) -> None:
    before, after = (text.replace("{", "").replace("}", "") for text in (before, after))
    names = Names({"env_name": value}, {"V": value}, (value, value))
    for braces in ("{env_name}", "{env:V}", "{env:V:{nosuch}}", "{env:NO:{env_name}}"):
        assert expand(f"{before}{braces}{after}", names, "") == before + value + after
        assert expand_words((f"{before}{braces}{after}",), names, "") == (before + value + after,)
    assert expand_words((before, "{posargs:x}", after), names, "") == (before, value, value, after)
    assert expand_deep([f"{before}{{env_name}}"], names, "") == (before + value,)


def _has_small_name(text: str) -> bool:
    """Whether a brace in the text is followed by something that looks like a substitution."""
    return any(piece[:1].isalpha() or piece[:1] == "_" for piece in text.split("{")[1:])


@given(st.text(alphabet='ab{}: 12"_', max_size=16).filter(lambda text: "{{" not in text and not _has_small_name(text)))
def test_text_without_a_name_is_unchanged(text: str) -> None:
    assert expand(text, NAMES, "") == text
    assert expand_words((text,), NAMES, "") == (text,)


BALANCED = st.recursive(st.just("x"), lambda inner: st.lists(inner).map(lambda parts: f"{{{''.join(parts)}}}"))


@given(BALANCED)
def test_doubled_braces_are_plain_ones(text: str) -> None:
    assert expand(text.replace("{", "{{").replace("}", "}}"), NAMES, "") == text


@given(st.text(alphabet="{}:enva_posrg 'x\\", max_size=20), st.none() | st.just(("p", "q")))
def test_any_text_is_expanded_or_refused(text: str, posargs: tuple[str, ...] | None) -> None:
    names = NAMES._replace(posargs=posargs)
    for expanding in (lambda: expand(text, names, "here"), lambda: expand_words((text,), names, "here")):
        where = "here"
        try:
            expanding()
        except ConfigError as error:
            where = error.where
        assert where == "here"


def test_expand_deep_goes_into_lists_and_tables() -> None:
    value: dict[str, Any] = {"a": ["{env_name}", 1, ("{env:HOME}",)], "{env_name}": {"b": "{env_name}", "c": True}}
    assert expand_deep(value, NAMES, "") == {
        "a": ("py312", 1, ("/home/me",)),
        "{env_name}": {"b": "py312", "c": True},
    }
    assert expand_deep(None, NAMES, "") is None
