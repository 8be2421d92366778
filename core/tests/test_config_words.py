"""Splitting command strings: like a POSIX shell, checked against shlex where its rules are the same."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.config.words import split_words
from kern.errors import ConfigError

SPLIT = [
    ("", ()),
    (" \t\n ", ()),
    ("pytest", ("pytest",)),
    ("  pytest   -k\tx\n", ("pytest", "-k", "x")),
    ("echo 'a b' \"c d\"", ("echo", "a b", "c d")),
    ("a'b c'd\"e f\"g", ("ab cde fg",)),
    ("'' \"\"", ("", "")),
    ("x''", ("x",)),
    (r"a\ b", ("a b",)),
    (r"\'a\'", ("'a'",)),
    (r"'a\b'", (r"a\b",)),
    (r'"a\b"', (r"a\b",)),
    (r'"\"\\\$\`"', ('"\\$`',)),
    (r'"C:\new"', (r"C:\new",)),
    (r"C:\new", ("C:new",)),
    ("a\\", ("a\\",)),
    ("echo $HOME * ~ ; | && # x", ("echo", "$HOME", "*", "~", ";", "|", "&&", "#", "x")),
    ("pytest {posargs:-k 'a b' tests}", ("pytest", "{posargs:-k 'a b' tests}")),
    ("{posargs:{env:A:x y} z} end", ("{posargs:{env:A:x y} z}", "end")),
    ("x{env:A: }y", ("x{env:A: }y",)),
    ("a } b", ("a", "}", "b")),
    ("'{ ' x", ("{ ", "x")),
    (r"\{ x \}", ("\\{ x \\}",)),
]


@pytest.mark.parametrize(("text", "words"), SPLIT)
def test_split(text: str, words: tuple[str, ...]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize(
    ("text", "what"), [("a 'b", "quote"), ('a "b', "quote"), ("a {b", "brace"), ("{a}{", "brace"), ('"{" "', "quote")]
)
def test_what_is_not_closed_is_said(text: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        split_words(text, "kern.toml:3 env.commands")
    assert caught.value.message == f"{what} is not closed in {text!r}"
    assert caught.value.where == "kern.toml:3 env.commands"


@given(st.text(alphabet="ab \t\n'\"\\", max_size=12))
def test_it_splits_as_shlex_does(text: str) -> None:
    if text.count("\\") and ("\\\n" in text or text.endswith("\\")):
        return  # the shell drops the pair, shlex keeps the newline; a last backslash is an error for shlex alone
    try:
        expected = tuple(shlex.split(text))
    except ValueError:
        with pytest.raises(ConfigError):
            split_words(text)
    else:
        assert split_words(text) == expected


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="{}"), max_size=8)))
def test_what_shlex_quotes_comes_back(words: list[str]) -> None:
    assert split_words(shlex.join(words)) == tuple(words)


@given(st.text(alphabet="ab '\"\\{}\n$", max_size=14))
def test_any_text_is_split_or_refused(text: str) -> None:
    where = "here"
    try:
        words = split_words(text, "here")
    except ConfigError as error:
        where = error.where
    else:
        assert sum(map(len, words)) <= len(text)
    assert where == "here"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pytest \\\n  -k foo", ("pytest", "-k", "foo")),
        ("py\\\ntest", ("pytest",)),
        ('"a\\\nb"', ("ab",)),
        ("'a\\\nb'", ("a\\\nb",)),
    ],
)
def test_a_backslash_joins_lines(text: str, words: tuple[str, ...]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u2028", "\x1c", "\x85"])
def test_only_plain_white_space_splits(space: str) -> None:
    assert split_words(f"a{space}b") == (f"a{space}b",)


@given(st.text(alphabet="ab '\"\\", max_size=10))
def test_what_stands_in_braces_is_kept_for_later(inside: str) -> None:
    assert split_words(f"x {{posargs:{inside}}} y") == ("x", f"{{posargs:{inside}}}", "y")
