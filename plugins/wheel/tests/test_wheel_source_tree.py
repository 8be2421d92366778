"""Requires-Python: the quick ways must agree with tomllib and packaging."""

from __future__ import annotations

import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from kern_wheel.source_tree import allows, stated_requirement

if TYPE_CHECKING:
    from pathlib import Path

numbers = st.integers(0, 20)
versions = st.tuples(st.just(3), numbers, numbers)
clauses = st.tuples(
    st.sampled_from([">=", "<", ">", "<=", "==", "!=", "~="]),
    st.lists(numbers, min_size=1, max_size=2).map(lambda rest: ".".join(map(str, [3, *rest]))),
).map("".join)


@given(st.lists(clauses, max_size=3).map(",".join), versions)
def test_known_versions_are_judged_as_packaging_does(requirement: str, version: tuple[int, int, int]) -> None:
    expected = SpecifierSet(requirement).contains(".".join(map(str, version)))
    assert allows(requirement, version) == expected


@given(st.lists(clauses, max_size=3).map(",".join), st.tuples(st.just(3), numbers))
def test_an_unknown_micro_version_is_never_held_against_an_interpreter(
    requirement: str, version: tuple[int, int]
) -> None:
    if any(SpecifierSet(requirement).contains(f"3.{version[1]}.{micro}") for micro in (0, 99)):
        assert allows(requirement, version)


@pytest.mark.parametrize(
    ("requirement", "version", "expected"),
    [
        ("", (3, 7), True),
        (">=3.10", (3, 7, 16), False),
        (">= 3.10 , < 4", (3, 12, 1), True),
        ("<3.13", (3, 13, 0), False),
        (">=3.11.4", (3, 11), True),
        (">=3.11.4", (3, 11, 2), False),
        ("==3.12.*", (3, 12), True),
        ("!=3.12.*", (3, 12, 1), False),
        ("~=3.11", (3, 13, 0), True),
        ("what is this", (3, 12), True),
        (">=3.8,oops", (3, 12), True),
    ],
)
def test_table(requirement: str, version: tuple[int, ...], expected: bool) -> None:
    assert allows(requirement, version) is expected


TEXTS = [
    '[project]\nname = "x"\nrequires-python = ">=3.10"\n',
    "[project]\nrequires-python='>=3.10'",
    '[project]\nrequires-python = ">=3.10" # why\n',
    '[project] # table\nrequires-python = ">=3.10"\n',
    '[tool.other]\nrequires-python = ">=3.10"\n',
    '[tool.other]\nrequires-python = ">=3.12"\n[project]\nrequires-python = ">=3.10"\n',
    'project.requires-python = ">=3.10"\n',
    'project = {requires-python = ">=3.10"}\n',
    '[project]\n"requires-python" = ">=3.10"\n',
    '[project]\ndescription = """\nrequires-python = ">=3.99"\n"""\n',
    '[project]\nrequires-python = ">=3\\u002e10"\n',
    "[project]\nrequires-python = 3\n",
    '[project]\ndynamic = ["requires-python"]\n',
    '# requires-python\n[project]\nname = "x"\n',
    "project = 3 # requires-python\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_statement_is_found_as_tomllib_finds_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    project = tomllib.loads(text).get("project")
    value = project.get("requires-python", "") if isinstance(project, dict) else ""
    assert stated_requirement(str(tmp_path)) == (value if isinstance(value, str) else "")


@pytest.mark.parametrize("content", [b"requires-python = [", b"requires-python \xff", b""])
def test_what_cannot_be_parsed_states_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    assert stated_requirement(str(tmp_path)) == ""


def test_no_file_states_nothing(tmp_path: Path) -> None:
    assert stated_requirement(str(tmp_path)) == ""


def test_the_plain_form_needs_no_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(TEXTS[0])
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    assert stated_requirement(str(tmp_path)) == ">=3.10"
    assert not allows(">=3.10,<4", (3, 9, 1))
