from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern_venv.wanted import Wanted, names_interpreter, parse_version, parse_wanted, wanted_interpreters

WISHES = {
    "py": Wanted(),
    "py3": Wanted("cpython", (3,)),
    "py312": Wanted("cpython", (3, 12)),
    "py3.12": Wanted("cpython", (3, 12)),
    "python3.12": Wanted("cpython", (3, 12)),
    "Python3.12": Wanted("cpython", (3, 12)),
    "cp312": Wanted("cpython", (3, 12)),
    "3.12": Wanted("cpython", (3, 12)),
    "3.12.1": Wanted("cpython", (3, 12, 1)),
    "3": Wanted("cpython", (3,)),
    "py27": Wanted("cpython", (2, 7)),
    "py313t": Wanted("cpython", (3, 13), free_threaded=True),
    "3.13t": Wanted("cpython", (3, 13), free_threaded=True),
    "pypy": Wanted("pypy"),
    "pypy310": Wanted("pypy", (3, 10)),
    "pypy3.10": Wanted("pypy", (3, 10)),
    "graalpy": Wanted("graalpy"),
    ">=3.11": Wanted(specifier=">=3.11"),
    "~=3.11.2": Wanted(specifier="~=3.11.2"),
    "/usr/bin/python3": Wanted(path="/usr/bin/python3"),
    "~/bin/python": Wanted(path="~/bin/python"),
}


@pytest.mark.parametrize("text", WISHES)
def test_a_wish_is_read(text: str) -> None:
    assert parse_wanted(text) == WISHES[text]


@pytest.mark.parametrize(
    "text", ["", "pytest", "py3x", "312", "django42", "t", "pyt", "3.12.1.4", "lint", "py3.", "py٣"]
)
def test_what_is_no_wish_is_none(text: str) -> None:
    assert parse_wanted(text) is None


@pytest.mark.parametrize(
    "factor", ["py", "py3", "py312", "py3.12", "pypy", "pypy310", "pypy3.10", "py313t", "python3.9"]
)
def test_factors_that_name_an_interpreter(factor: str) -> None:
    assert names_interpreter(factor)


@pytest.mark.parametrize(
    "factor", ["", "py5", "pytest", "python", "cp312", "3.12", "4.2", "venv", "a/py3", ">=3", "PY312"]
)
def test_factors_that_are_free(factor: str) -> None:
    assert not names_interpreter(factor)


@given(st.sampled_from([2, 3]), st.integers(0, 99), st.booleans())
def test_every_spelling_of_a_version_is_the_same_wish(major: int, minor: int, threaded: bool) -> None:
    tail = "t" if threaded else ""
    spellings = [f"py{major}{minor}", f"py{major}.{minor}", f"python{major}.{minor}", f"{major}.{minor}"]
    assert {parse_wanted(spelling + tail) for spelling in spellings} == {Wanted("cpython", (major, minor), threaded)}


@given(st.text())
def test_reading_never_raises(text: str) -> None:
    parse_wanted(text)
    names_interpreter(text)


@given(st.tuples(st.integers(0, 9), st.integers(0, 999), st.integers(0, 999)))
def test_a_full_version_survives_reading(version: tuple[int, int, int]) -> None:
    assert parse_version(".".join(map(str, version))) == version


def test_base_python_comes_before_factors_and_factors_before_the_default() -> None:
    assert wanted_interpreters(SimpleNamespace(base_python=("3.9", "3.8")), ("py312",)) == ("3.9", "3.8")
    assert wanted_interpreters(SimpleNamespace(base_python=()), ("lint", "py312", "pypy310")) == ("py312", "pypy310")
    assert wanted_interpreters(SimpleNamespace(), ("lint",)) == ("py",)
