"""The reference of the command line is up to date."""

from __future__ import annotations

import os
import subprocess
import sys

from kern.cli.declarations import VERBS, verb_named
from kern.cli.reference import CODES, reference

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "cli.md")


def test_the_page_is_what_the_declarations_say() -> None:
    with open(PAGE, encoding="utf-8") as file:
        assert file.read() == reference(), "run python -m kern.cli.reference > docs/cli.md"


def test_the_module_prints_the_page() -> None:
    done = subprocess.run([sys.executable, "-m", "kern.cli.reference"], capture_output=True, check=True)
    assert done.stdout.decode() == reference()


def test_the_page_has_everything() -> None:
    page = reference()
    for name in VERBS:
        assert f"\n## kern {name}\n" in page
        for option in verb_named(name).options:
            assert all(f"`{flag}`" in page for flag in option.flags)
    assert {code for code, _ in CODES} >= {"0", "1", "2", "3", "4", "70", "129", "130", "143"}


def test_every_row_of_a_table_has_two_cells() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {3}
