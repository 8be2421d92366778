"""Which directory is the project, which file configures it, and where in that a key stands."""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.config import find as finding
from kern.config.place import Source, line_of
from kern.config.reading import Reader, read_toml
from kern.config.suggest import did_you_mean, listed
from kern.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def find(start: str, config: str = "") -> finding.Found:
    return finding.find(start, config, Reader())


TOOL = "[tool.kern]\nenv_list = ['a']\n"


def test_the_nearest_configuration_upwards_wins(tmp_path: Path) -> None:
    inner = tmp_path / "package" / "src" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "kern.toml").write_text("env_list = ['outer']")
    (tmp_path / "package" / "pyproject.toml").write_text("[project]\nname = 'x'\n[tool.ruff]\n")
    found = find(str(inner))
    assert found == (str(tmp_path), Source(str(tmp_path / "kern.toml"), ()), {"env_list": ["outer"]})
    (tmp_path / "package" / "pyproject.toml").write_text(TOOL)
    found = find(str(inner))
    assert found.directory == str(tmp_path / "package")
    assert found.source == Source(str(tmp_path / "package" / "pyproject.toml"), ("tool", "kern"))
    assert found.table == {"env_list": ["a"]}


def test_without_configuration_the_nearest_pyproject_is_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'outer'")
    (tmp_path / "inner" / "src").mkdir(parents=True)
    (tmp_path / "inner" / "pyproject.toml").write_text("[project]\nname = 'inner'")
    assert find(str(tmp_path / "inner" / "src")) == (str(tmp_path / "inner"), None, {})


def test_a_relative_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kern.toml").touch()
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert find(".").directory == str(tmp_path)


def test_an_empty_table_is_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.kern]\n")
    assert find(str(tmp_path)).source == Source(str(tmp_path / "pyproject.toml"), ("tool", "kern"))


@pytest.mark.parametrize("text", ["", "tool = 1  # kern", "[tool.kernel]", "# tool.kern", "kern = 1\n[tool]\n"])
def test_a_pyproject_without_the_table_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert find(str(tmp_path)).source is None


def test_a_damaged_pyproject_beside_kern_toml_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "kern.toml").touch()
    for text in ("[broken", "[tool.ruff", "kern = [", "[tool.ruff]\n[broken"):
        (tmp_path / "pyproject.toml").write_text(text)
        assert find(str(tmp_path)).table == {}


def test_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_upwards", lambda _: [str(tmp_path)])
    with pytest.raises(UsageError) as caught:
        find(str(tmp_path))
    assert caught.value.message == f"there is no kern.toml and no pyproject.toml in {tmp_path} or above it"
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_the_search_ends_at_the_root() -> None:
    assert finding._upwards("/a/b") == ["/a/b", "/a", "/"]


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no directory"):
        find(str(tmp_path / "no"))


def test_a_named_file(tmp_path: Path) -> None:
    (tmp_path / "kern.toml").write_text("[broken")
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "other.toml").write_text("env_list = ['a']")
    found = find(str(tmp_path), "ci/other.toml")
    assert found == (str(tmp_path / "ci"), Source(str(tmp_path / "ci" / "other.toml"), ()), {"env_list": ["a"]})
    assert find(str(tmp_path), str(tmp_path / "ci" / "other.toml")) == found
    with pytest.raises(UsageError, match=r"there is no configuration file .*nosuch\.toml"):
        find(str(tmp_path), "nosuch.toml")
    with pytest.raises(UsageError, match="there is no configuration file"):
        find(str(tmp_path), "ci")


def test_a_named_pyproject(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("[project]\nname = 'x'")
    assert find(str(tmp_path), "pyproject.toml") == (str(tmp_path), Source(str(file), ("tool", "kern")), {})
    file.write_text(TOOL)
    assert find(str(tmp_path), "pyproject.toml").table == {"env_list": ["a"]}


def test_two_configurations(tmp_path: Path) -> None:
    (tmp_path / "kern.toml").touch()
    (tmp_path / "pyproject.toml").write_text(TOOL)
    with pytest.raises(ConfigError, match="configured twice") as caught:
        find(str(tmp_path))
    assert caught.value.where == str(tmp_path)


def test_tool_kern_must_be_a_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\nx = 1\nkern = 3")
    with pytest.raises(ConfigError, match=r"tool\.kern must be a table") as caught:
        find(str(tmp_path))
    assert caught.value.where == "pyproject.toml:3 tool.kern"


@pytest.mark.parametrize(
    ("content", "message", "where"),
    [
        (b"a = 1\nb = \n", "is not valid TOML: invalid value", "kern.toml:2:5"),
        (b"a = 1\na = 2\n", "is not valid TOML: cannot overwrite a value", "kern.toml:2:6"),
        (b"a = [1,\n", "is not valid TOML: invalid value (at end of document)", "kern.toml"),
        (b"a = 1\n# \xff\n", "is not UTF-8, which TOML files must be", "kern.toml:2"),
        (b"\xff\xfea\x00", "is not UTF-8, which TOML files must be", "kern.toml:1"),
        (b"a = " + b"[" * 20000, "is nested too deeply", "kern.toml"),
        (b"a = " + b"{a=" * 20000, "is nested too deeply", "kern.toml"),
    ],
)
def test_what_is_no_toml(tmp_path: Path, content: bytes, message: str, where: str) -> None:
    (tmp_path / "kern.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        find(str(tmp_path))
    assert (caught.value.message, caught.value.where) == (message, where)


def test_a_number_of_too_many_digits(tmp_path: Path) -> None:
    (tmp_path / "kern.toml").write_text("a = 1\nx = " + "1" * 5000)
    with pytest.raises(ConfigError) as caught:
        find(str(tmp_path))
    assert caught.value.where.startswith("kern.toml")


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_toml(str(tmp_path))
    assert (caught.value.message, caught.value.where) == ("can't be read: Is a directory", str(tmp_path))


def test_a_reader_asks_before_it_parses(tmp_path: Path) -> None:
    path = tmp_path / "kern.toml"
    path.write_bytes(b"a = 1")
    asked: list[tuple[str, bytes]] = []

    def recall(where: str, content: bytes) -> dict[str, Any] | None:
        asked.append((where, content))
        return {"known": True} if content == b"a = 1" else None

    reader = Reader(recall)
    assert reader.read(str(path)) == {"known": True}
    assert reader.parsed == {}
    path.write_bytes(b"a = 2")
    assert reader.read(str(path)) == {"a": 2}
    assert reader.parsed == {str(path): (b"a = 2", {"a": 2})}
    assert asked == [(str(path), b"a = 1"), (str(path), b"a = 2")]
    reader = Reader()
    assert reader.parse("x", b"b = 3") == {"b": 3}
    assert set(reader.parsed) == {"x"}


WRITTEN = """\
# [env.lint] is a comment, and so is deps = 1
requires = []

[env]
deps = ["a"]
set_env.A = "x"

[env.lint]   # [env.other]
deps = ["ruff"]
set_env = { B = "y" }

[env."py3{11,12}"]
'deps' = []

[ package . wheel ]
match = "a"
"""
PLACES = [
    (("requires",), 2),
    (("env",), 4),
    (("env", "deps"), 5),
    (("env", "set_env"), 6),
    (("env", "set_env", "A"), 6),
    (("env", "lint"), 8),
    (("env", "lint", "deps"), 9),
    (("env", "lint", "set_env", "B"), 10),
    (("env", "lint", "nosuch"), 8),
    (("env", "py3{11,12}", "deps"), 13),
    (("env", "other"), 4),
    (("package", "wheel", "match"), 16),
    (("package", "wheel"), 15),
    (("limits",), None),
    ((), None),
]


@pytest.mark.parametrize(("keys", "line"), PLACES)
def test_the_line_of_a_key(tmp_path: Path, keys: tuple[str, ...], line: int | None) -> None:
    path = tmp_path / "kern.toml"
    path.write_text(WRITTEN)
    assert line_of(str(path), keys) == line


def test_how_a_place_is_written(tmp_path: Path) -> None:
    path = tmp_path / "kern.toml"
    path.write_text(WRITTEN)
    source = Source(str(path), ())
    assert source.where("env", "lint", "deps") == "kern.toml:9 env.lint.deps"
    assert source.where("env", "py3{11,12}", "deps") == 'kern.toml:13 env."py3{11,12}".deps'
    assert source.where("env", "é") == 'kern.toml:4 env."é"'
    assert source.where("limits") == "kern.toml limits"
    assert source.where() == "kern.toml"
    assert Source(str(tmp_path / "gone.toml"), ()).where("env") == "gone.toml env"
    shared = tmp_path / "pyproject.toml"
    shared.write_text("[tool.kern.env]\ndeps = 1\n[env]\ndeps = 2\n")
    assert Source(str(shared), ("tool", "kern")).where("env", "deps") == "pyproject.toml:2 tool.kern.env.deps"
    assert Source(str(shared), ("tool", "kern")).where() == "pyproject.toml:1 tool.kern"


def test_a_file_that_is_no_toml_any_more(tmp_path: Path) -> None:
    path = tmp_path / "kern.toml"
    path.write_text("x\n'a'b = 1\n[env]\n'deps\ndeps = 1\n")
    assert line_of(str(path), ("env",)) == 3
    assert line_of(str(path), ("env", "deps")) == 5
    assert line_of(str(path), ("a",)) is None


@pytest.mark.parametrize(
    "value",
    [
        '[\n  ["pytest"],\n  ["x"],\n]',
        '[\n  ["python", "-c", "a = 1"]\n]',
        '"""\n[x]\ny = 1\ndescription = 2\n"""',
        "'''\n[env.lint]\n'''",
        '["# no comment", """\n[x]\n"""]',
        '[ # a comment with a quote: \'\n ["x"],\n]',
    ],
)
def test_lines_in_values_are_no_tables(tmp_path: Path, value: str) -> None:
    path = tmp_path / "kern.toml"
    text = f"[env]\ncommands = {value}\ndescription = 1\n"
    tomllib.loads(text)
    path.write_text(text)
    assert line_of(str(path), ("env", "description")) == text.count("\n")
    assert line_of(str(path), ("env", "commands")) == 2


KEYS = st.text("abc_-", min_size=1, max_size=3) | st.text("ab1_.{},!*-+", min_size=1, max_size=6)
COMMENTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.just("\t"), max_size=6)
VALUES = st.sampled_from(["1", '"x"', "[]", "{}", '[\n["a"],\n]', '"""\n[x]\n"""', '"a = b"', "[ # ]\n]"])
DRAWN = st.dictionaries(KEYS, st.dictionaries(KEYS, st.tuples(VALUES, COMMENTS), max_size=3), max_size=4)


@given(DRAWN)
def test_the_line_of_any_key_in_any_file(tmp_path_factory: pytest.TempPathFactory, drawn: dict[str, Any]) -> None:
    lines: list[str] = []
    places: dict[tuple[str, ...], int] = {}
    for table, content in drawn.items():
        lines.append(f"[{_toml_key(table)}] # x")
        places[table,] = len(lines)
        for key, (value, comment) in content.items():
            places[table, key] = len(lines) + 1
            lines += f"{_toml_key(key)} = {value} # {comment}".split("\n")
    text = "\n".join(lines)
    assert set(tomllib.loads(text)) == set(drawn)
    path = os.path.join(tmp_path_factory.getbasetemp(), "any.toml")
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    assert {keys: line_of(path, keys) for keys in places} == places


def _toml_key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "").replace("-", "").isalnum() else f'"{key}"'


def test_suggestions() -> None:
    assert did_you_mean("env_nam", ["env_name", "env_dir"]) == "did you mean env_name?"
    assert did_you_mean("xyz", ["env_name"]) == ""
    assert did_you_mean("x", []) == ""
    assert listed("abc") == "a, b, c"
    assert listed("abc", 3) == "a, b, c"
    assert listed("abcd", 2) == "a, b and 2 more"
