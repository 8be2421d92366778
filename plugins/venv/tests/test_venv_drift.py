"""What an environment lacks of what a row asks for, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from kern.api import Adopted, ConfigError, Environment, EnvSpec
from kern_venv.api import missing_requirements
from kern_venv.drift import find_drift, requirements
from kern_venv.options import VenvOptions

if TYPE_CHECKING:
    from pathlib import Path

INSTALLED = {"numpy": "1.26.4", "Py_YAML": "6.0", "pre": "2.0rc1", "odd": "1.0-debian~3"}


def missing(tmp_path: Path, *texts: str, version: str = "3.11.7") -> tuple[str, ...]:
    return missing_requirements(texts, INSTALLED, project_dir=str(tmp_path), python_version=version)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("numpy", ()),
        ("NumPy >=1, <2", ()),
        ("numpy>=2", ("numpy is 1.26.4, wanted >=2",)),
        ("numpy[extra]>=1", ()),
        ("py.yaml==6.0", ()),
        ("pytest>=8", ("pytest>=8 is not installed",)),
        ("pytest", ("pytest is not installed",)),
        ("pre>=1", ()),
        ("odd", ()),
        ("odd>=1", ("odd is 1.0-debian~3, wanted >=1",)),
        ("nothere; python_version < '3.9'", ()),
        ("nothere; python_version >= '3.9'", ("nothere is not installed",)),
        ("nothere; python_full_version < '3.11.7'", ()),
        ("nothere; extra == 'x'", ()),
        ("nothere; sys_platform == 'win32'", ()),
        ("named @ https://example.org/named.zip", ("named is not installed",)),
        ("https://example.org/who-knows.zip", ()),
        ("./wheels/other-1.0-py3-none-any.whl", ("other (./wheels/other-1.0-py3-none-any.whl) is not installed",)),
        ("-i https://example.org/simple", ()),
        ("not a requirement", ("'not a requirement' is no requirement",)),
    ],
)
def test_one_entry(tmp_path: Path, text: str, said: tuple[str, ...]) -> None:
    wheel = tmp_path / "wheels" / "other-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    assert missing(tmp_path, text) == said


def test_files_are_followed_each_once_and_constraints_count_for_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "r.txt").write_text("# a comment\n-r sub/deeper.txt\nfirst==1 \\\n  --hash=sha256:00\n-c c.txt\n")
    (tmp_path / "sub" / "deeper.txt").write_text("second\n-r ../r.txt\n")
    (tmp_path / "c.txt").write_text("numpy<1\nabsent==3\n")
    assert missing(tmp_path, "-r r.txt", "first==1") == (
        "second is not installed",
        "first==1 is not installed",
        "numpy is 1.26.4, wanted <1",
    )
    with pytest.raises(ConfigError, match=r"gone\.txt, which does not exist"):
        missing(tmp_path, "-r gone.txt")


def test_a_source_tree_is_known_by_its_metadata(tmp_path: Path) -> None:
    for name, text in (("one", '[project]\nname = "One"\n'), ("two", '[project]\nname = "Py-YAML"\n'), ("three", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text(text)
    said = missing(tmp_path, "-e ./one[extra]", "./two", "./three")
    assert said == ("One (./one[extra]) is not installed",)


@given(st.sampled_from(["3.8", "3.11", "3.11.7", "3.13.0"]), st.sampled_from(["<", "<=", "==", ">=", ">"]))
def test_markers_see_the_version_that_is_said(version: str, operator: str) -> None:
    text = f"absent; python_version {operator} '3.11'"
    marker = Requirement(text).marker
    assert marker is not None
    short = ".".join(version.split(".")[:2])
    expected = ("absent is not installed",) if marker.evaluate({"python_version": short}) else ()
    assert missing_requirements([text], {}, project_dir="/", python_version=version) == expected


def spec(tmp_path: Path, name: str = "lint", **options: object) -> EnvSpec:
    made = VenvOptions(**options)  # type: ignore[arg-type]
    return EnvSpec(name, tuple(name.split("-")), made, str(tmp_path / "env"), str(tmp_path))


def adopted(version: str = "3.11.7", implementation: str = "cpython", flags: str = "") -> Adopted:
    facts = {"version": version, "implementation": implementation, "flags": flags}
    return Adopted(Environment("/there", "venv", facts=facts), 2, "it is there", INSTALLED)


def test_options_together(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[dependency-groups]\ntest = ["kiwi", {include-group = "b"}]\nb = ["lime"]\n'
    )
    (tmp_path / "c.txt").write_text("numpy>2\n")
    wanted = spec(tmp_path, deps=("numpy",), dependency_groups=("test",), constraints=("c.txt",), extras=("x",))
    assert find_drift(wanted, adopted()) == (
        "kiwi is not installed",
        "lime is not installed",
        "numpy is 1.26.4, wanted >2",
    )
    assert requirements(wanted) == {"deps": ("numpy",), "dependency_groups": ("kiwi", "lime"), "extras": ("x",)}


@pytest.mark.parametrize(
    ("name", "base", "there", "said"),
    [
        ("py311", (), adopted(), ()),
        ("py312-x", (), adopted(), ("its interpreter is python 3.11.7, wanted py312",)),
        ("lint", (), adopted("2.7"), ()),
        ("lint", ("3.13", ">=3.12"), adopted(), ("its interpreter is python 3.11.7, wanted 3.13 or >=3.12",)),
        ("lint", ("3.13", ">=3.9"), adopted(), ()),
        ("lint", ("/usr/bin/python3",), adopted(), ()),
        ("pypy311", (), adopted(), ("its interpreter is python 3.11.7, wanted pypy311",)),
        ("py313t", (), adopted("3.13.0"), ("its interpreter is python 3.13.0, wanted py313t",)),
        ("py313t", (), adopted("3.13.0", flags="t"), ()),
        ("py312", (), adopted(""), ()),
    ],
)
def test_the_interpreter(
    tmp_path: Path, name: str, base: tuple[str, ...], there: Adopted, said: tuple[str, ...]
) -> None:
    assert find_drift(spec(tmp_path, name, base_python=base), there) == said


def test_an_interpreter_that_was_upgraded_below_the_environment(tmp_path: Path) -> None:
    there = adopted()
    there = there._replace(environment=there.environment._replace(facts={"version": "3.12", "made_for": "3.11.7"}))
    said = "it was made for python 3.11.7, and its interpreter is 3.12 now"
    assert find_drift(spec(tmp_path, "lint"), there) == (said,)
