"""The pages that are generated say what the code says."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

DOCS = os.path.join(os.path.dirname(__file__), "..", "docs")
SCHEMA = "import sys; from kern.cli import main; sys.exit(main(['schema']))"
PAGES = {
    "cli.md": ["-m", "kern.cli.reference"],
    "configuration.md": ["-m", "kern.config.reference"],
    "kern.schema.json": ["-c", SCHEMA],
}


def printed(arguments: list[str]) -> str:
    """What a child prints; a child, because cyclopts and the registry keep things for the whole of a process."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    return done.stdout.decode()


def page(name: str) -> str:
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_prints(name: str) -> None:
    command = " ".join(PAGES[name]) if name != "kern.schema.json" else "kern schema"
    assert page(name) == printed(PAGES[name]), f"run {command} > docs/{name}"


def test_the_configuration_page_has_every_key_and_option() -> None:
    from kern.config.keys import ENV_KEYS, PACKAGE_KEYS, TOP_KEYS
    from kern_venv.options import VenvOptions
    from kern_wheel.options import BuildOptions

    text = page("configuration.md")
    for name in (*TOP_KEYS, *ENV_KEYS, *PACKAGE_KEYS, *VenvOptions._fields, *BuildOptions._fields):
        assert f"| `{name}`" in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    cells = 0
    for line in page("configuration.md").splitlines():
        count = line.replace("\\|", "").count("|") if line.startswith("|") else 0
        assert not cells or count in (0, cells), line
        cells = count


def test_the_schema_takes_the_configurations_of_this_repository() -> None:
    import tomllib

    import jsonschema

    validator = jsonschema.Draft202012Validator(json.loads(page("kern.schema.json")))
    root = os.path.join(DOCS, "..")
    for path in ("kern.toml", "examples/hello/kern.toml"):
        with open(os.path.join(root, path), "rb") as file:
            assert not list(validator.iter_errors(tomllib.load(file))), path
    assert list(validator.iter_errors({"env_lst": []}))
