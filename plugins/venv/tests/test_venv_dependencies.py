from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.errors import ConfigError
from kern_venv.dependencies import Entry, contents, located, logical_lines, parse_entry

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = {
    "pytest>=8": Entry("requirement", "pytest>=8"),
    "a[b] @ file:///x/y.whl": Entry("requirement", "a[b] @ file:///x/y.whl"),
    "git+https://host/x.git": Entry("requirement", "git+https://host/x.git"),
    "-r requirements.txt": Entry("file", "requirements.txt"),
    "-rrequirements.txt": Entry("file", "requirements.txt"),
    "--requirement=a.txt": Entry("file", "a.txt"),
    "--requirement 'a b.txt'": Entry("file", "a b.txt"),
    "-c c.txt": Entry("constraint", "c.txt"),
    "--constraint c.txt": Entry("constraint", "c.txt"),
    "-e .": Entry("editable", "."),
    "-e ./x[y]": Entry("editable", "./x[y]"),
    "./sub": Entry("path", "./sub"),
    "../sub[x]": Entry("path", "../sub[x]"),
    ".": Entry("path", "."),
    ".[x]": Entry("path", ".[x]"),
    "/abs/x": Entry("path", "/abs/x"),
    "wheels/x-1-py3-none-any.whl": Entry("path", "wheels/x-1-py3-none-any.whl"),
    "--pre": Entry("option", "--pre"),
    "--no-binary :all:": Entry("option", "--no-binary :all:"),
    "--extra-index-url https://x": Entry("option", "--extra-index-url https://x"),
}


@pytest.mark.parametrize("text", ENTRIES)
def test_an_entry_is_told_apart(text: str) -> None:
    assert parse_entry(text) == ENTRIES[text]


@given(st.text())
def test_telling_apart_never_raises(text: str) -> None:
    parse_entry(text)
    list(logical_lines(text))


def test_places_are_made_absolute() -> None:
    assert located(Entry("file", "a/b.txt"), "/p") == "/p/a/b.txt"
    assert located(Entry("path", "./sub[x]"), "/p") == "/p/sub[x]"
    assert located(Entry("file", "https://x/y.txt"), "/p") == "https://x/y.txt"
    assert located(Entry("requirement", "a/b"), "/p") == "a/b"


def test_lines_are_joined_and_comments_left_out() -> None:
    text = "# all of it\na==1 \\\n  --hash=sha256:x\n\nb # why\nc#fragment\nlast \\"
    assert list(logical_lines(text)) == ["a==1   --hash=sha256:x", "b", "c#fragment", "last"]


def test_nested_files_are_followed_each_relative_to_its_own(tmp_path: Path) -> None:
    (tmp_path / "req").mkdir()
    (tmp_path / "all.txt").write_text("-r req/test.txt\npytest\n")
    (tmp_path / "req/test.txt").write_text("-r base.txt\n-c ../pins.txt\n")
    (tmp_path / "req/base.txt").write_text("-r ../all.txt\nsix\n")
    (tmp_path / "pins.txt").write_text("six==1\n")
    found = contents(["-r all.txt"], str(tmp_path), "deps")
    assert set(found) == {"all.txt", "req/test.txt", "req/base.txt", "pins.txt"}
    assert found["pins.txt"] == "six==1\n"


def test_a_file_outside_the_project_is_named_whole(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "common.txt").write_text("six\n")
    found = contents(["-r ../common.txt"], str(tmp_path / "project"), "deps")
    assert found == {str(tmp_path / "common.txt"): "six\n"}


def test_addresses_are_not_read() -> None:
    assert contents(["-r https://host/x.txt", "six", "git+https://x/y"], "/p", "deps") == {}


@pytest.mark.parametrize(
    "entry", ["-r requirments.txt", "-c requirments.txt", "./requirments.txt", "-e ./requirments.txt"]
)
def test_a_missing_file_is_said_with_what_was_meant(tmp_path: Path, entry: str) -> None:
    (tmp_path / "requirements.txt").touch()
    with pytest.raises(ConfigError) as caught:
        contents([entry], str(tmp_path), "deps of lint")
    assert "requirments.txt" in caught.value.message
    assert "deps of lint" in caught.value.message
    assert caught.value.hint == "did you mean 'requirements.txt'?"


def test_a_missing_nested_file_names_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r gone.txt\n")
    with pytest.raises(ConfigError, match=r"a\.txt names .*gone\.txt"):
        contents(["-r a.txt"], str(tmp_path), "deps")


def test_a_directory_instead_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "reqs").mkdir()
    with pytest.raises(ConfigError, match="can't be read"):
        contents(["-r reqs"], str(tmp_path), "deps")


def test_the_tree_of_a_local_path_is_noticed_but_not_what_tools_leave_there(tmp_path: Path) -> None:
    source = tmp_path / "sub"
    source.mkdir()
    (source / "a.py").write_text("1")
    before = contents(["./sub"], str(tmp_path), "deps")
    for left in ("__pycache__/a.pyc", "sub.egg-info/PKG-INFO", ".git/HEAD", "build/x", "venv/pyvenv.cfg", "venv/lib"):
        (source / left).parent.mkdir(exist_ok=True)
        (source / left).touch()
    assert contents(["./sub"], str(tmp_path), "deps") == before
    (source / "a.py").write_text("12")
    assert contents(["./sub"], str(tmp_path), "deps") != before


def test_of_an_editable_only_the_metadata_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "a.py").write_text("1")
    before = contents(["-e .[x]"], str(tmp_path), "deps")
    (tmp_path / "a.py").write_text("12")
    assert contents(["-e .[x]"], str(tmp_path), "deps") == before
    (tmp_path / "setup.py").write_text("x")
    assert contents(["-e .[x]"], str(tmp_path), "deps") != before


def test_a_replaced_archive_is_noticed(tmp_path: Path) -> None:
    wheel = tmp_path / "x-1-py3-none-any.whl"
    wheel.write_text("1")
    before = contents([f"./{wheel.name}"], str(tmp_path), "deps")
    os.utime(wheel, ns=(1, 1))
    assert contents([f"./{wheel.name}"], str(tmp_path), "deps") != before


def test_a_local_path_in_a_file_is_relative_to_the_project(tmp_path: Path) -> None:
    (tmp_path / "req").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "req/a.txt").write_text("-e ./sub\n./sub\n")
    assert set(contents(["-r req/a.txt"], str(tmp_path), "deps")) == {"req/a.txt", "sub"}
