"""What names mean, held against the real ``pyenv latest``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kern_pyenv.naming import is_name, ranked, version_of
from kern_pyenv.provider import PyenvProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEANINGS = {
    "py39": "3.9",
    "py312": "3.12",
    "py3.12": "3.12",
    "py3.12.1": "3.12.1",
    "py27": "2.7",
    "py3": "3",
    "py": "local",
    "python3.11": "3.11",
    "py313t": "3.13t",
    "py3.13t": "3.13t",
    "3.13.0": "3.13.0",
    "3.13": "3.13",
    "3.13t": "3.13t",
    "3.13.0t": "3.13.0t",
    "3.14.0rc1": "3.14.0rc1",
    "pypy310": "pypy3.10",
    "pypy3.10": "pypy3.10",
    "pypy3": "pypy3",
    "pypy": "pypy3",
    "pypy27": "pypy2.7",
}
NOTHING = (
    *("pyenv", "django42", "3", "312", "lint", "pytest", "pypyfoo", "py4", "py99", "1..2", "3.", ".3", "3.12.1.4"),
    *("3.x", "3.12foo", "cp312", "", "t", "pyt", "3.12rc", "v3.12"),
)


@pytest.mark.parametrize(("factor", "version"), MEANINGS.items())
def test_a_factor_means_a_version(factor: str, version: str) -> None:
    assert version_of(factor) == version
    assert PyenvProvider().claims(factor)


@pytest.mark.parametrize("factor", NOTHING)
def test_other_factors_mean_nothing(factor: str) -> None:
    assert version_of(factor) == ""
    assert not PyenvProvider().claims(factor)


@given(st.text(max_size=12))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(version_of(text), str)
    assert not version_of(text) or is_name(version_of(text))


@pytest.mark.parametrize("text", ["", ".", "..", "../x", "/etc", "a/b", "-h", "--force", "3.12\n", ".hidden"])
def test_what_pyenv_would_take_for_something_else_is_no_name(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize(
    ("prefix", "best"),
    [
        ("3.8", "3.8.18"),
        ("3", "3.13.0"),
        ("3.13", "3.13.0"),
        ("3.13t", "3.13.1t"),
        ("3.1", None),
        ("3.14", None),
        ("3.14.0rc1", "3.14.0rc1"),
        ("3.15", None),
        ("3.15-dev", "3.15-dev"),
        ("pypy3.10", "pypy3.10-7.3.17"),
        ("pypy3", "pypy3.11-7.3.18"),
        ("miniconda3", "miniconda3-4.12.0"),
    ],
)
def test_a_prefix_stands_for_the_newest(prefix: str, best: str | None) -> None:
    names = ["3.8.9", "3.8.18", "3.8.2", "3.13.0", "3.13.1t", "3.14.0rc1", "3.15-dev", "2.7.18"]
    names += ["pypy3.10-7.3.9", "pypy3.10-7.3.17", "pypy3.10-7.3.18-src", "pypy3.11-7.3.18"]
    names += ["miniconda3-4.7.12", "miniconda3-4.12.0", "miniconda3-latest"]
    assert next(iter(ranked(prefix, names)), None) == best


_NUMBER = st.integers(0, 21).map(str)
_RELEASE = st.tuples(st.sampled_from("23"), _NUMBER, _NUMBER).map(".".join)
_TAIL = st.sampled_from(["", "", "", "t", "rc1", "a2", "b3", "-dev", "-src", "-x"])
_CPYTHON = st.tuples(_RELEASE, _TAIL).map("".join)
_PYPY = st.tuples(st.sampled_from(["pypy3.9", "pypy3.10", "pypy2.7"]), st.just("-7.3."), _NUMBER, _TAIL).map("".join)
_CONDA = st.tuples(st.sampled_from(["miniconda3-", "miniconda3-3.12-", "miniforge3-"]), _RELEASE, _TAIL).map("".join)
_NAMES = st.lists(st.one_of(_CPYTHON, _CPYTHON, _PYPY, _CONDA), min_size=1, max_size=12, unique=True)
_CUT = st.integers(1, 4)


@settings(max_examples=25)
@given(names=_NAMES, which=st.integers(0, 11), cut=_CUT, free_threaded=st.booleans())
def test_a_prefix_stands_for_what_pyenv_says(
    names: list[str],
    which: int,
    cut: int,
    free_threaded: bool,
    ask_pyenv: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root: Path = tmp_path_factory.mktemp("root")
    for name in names:
        (root / "versions" / name).mkdir(parents=True)
    chosen = names[which % len(names)]
    prefix = ".".join(chosen.split(".")[:cut]).partition("-")[0] + ("t" if free_threaded else "")
    assert next(iter(ranked(prefix, names)), "") == ask_pyenv(root, "latest", prefix), (prefix, names)
