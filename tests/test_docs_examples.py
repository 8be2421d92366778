"""What the pages show can be typed: command lines are kern's own, and configurations are what the schema takes."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kern.cli import quick

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md"), *ROOT.glob("plugins/*/README.md"))
)
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(kern [a-z]+[^`]*)`")
PLACEHOLDER = re.compile(r"^(VERB|KIND|\.\.\.)$")
SHORT = (["exec"], ["show"], ["show", "--json"], ["completion"])
"""How sentences speak of verbs that need an argument."""
OF_THEIR_OWN_PLUGIN = {"plugins.md": {"toolbox"}, "plugin-tutorial.md": {"released", "worktree"}}
"""Tables with options of the plugin that the page itself is about."""

name_of = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def blocks(page: Path, *languages: str) -> list[str]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [textwrap.dedent(text) for language, text in found if language in languages]


def configurations(page: Path) -> list[dict[str, Any]]:
    """What kern would read of a page's blocks of TOML, without files of other tools."""
    tables = [tomllib.loads(text) for text in blocks(page, "toml") if not text.startswith("# pyproject.toml")]
    tables = [table["tool"].get("kern", {}) if "tool" in table else table for table in tables]
    return [without(table, OF_THEIR_OWN_PLUGIN.get(page.name, set())) for table in tables]


def without(table: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return table | {"env": {name: value for name, value in table.get("env", {}).items() if name not in names}}


def command_lines(page: Path) -> list[str]:
    """Every `kern VERB ...` of a page: in blocks, behind the prompt where there is one, and inside of sentences."""
    lines = [line for text in blocks(page, "sh") for line in text.splitlines()]
    lines += [
        line.removeprefix("$ ") for text in blocks(page, "console") for line in text.splitlines() if line[:2] == "$ "
    ]
    shown = [line.split(" | ")[0].split(" && ")[-1] for line in lines if line.startswith("kern ")]
    prose = BLOCK.sub("", page.read_text(encoding="utf-8")).replace("\n", " ")
    return shown + [line.replace("\\|", "|").split(" | ")[0] for line in INLINE.findall(prose)]


def understood(line: str) -> bool:
    words = shlex.split(line, comments=True)[1:]
    if any(map(PLACEHOLDER.match, words)) or words in SHORT:
        return True
    if words[0] == "exec" and "--" not in words and "--why" not in words:
        words += ["--", "true"]
    return {"-h", "--help"} & {*words} != set() or quick.read(words, {}) is not None


@name_of
def test_configurations_are_what_the_schema_takes(page: Path) -> None:
    schema = json.loads((ROOT / "docs" / "kern.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    wrong = [
        f"{error.json_path}: {error.message}"
        for table in configurations(page)
        for error in validator.iter_errors(table)
    ]
    assert wrong == []


@name_of
def test_command_lines_are_understood(page: Path) -> None:
    assert [line for line in command_lines(page) if not understood(line)] == []


def test_something_was_found() -> None:
    assert sum(len(command_lines(page)) for page in PAGES) > 150
    assert sum(len(configurations(page)) for page in PAGES) > 30
    assert not understood("kern run --nosuch")
    assert not understood("kern pack")
