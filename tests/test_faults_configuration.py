"""Configuration files that were mutated at random: accepted, or refused in words that name the file; no traceback, no trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import LANES, chance, in_lanes, snapshot, times

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.conftest import Project

GOOD = """\
env_list = ["py3{11-13}-{a,b}", "lint"]
exclude = ["py311-b"]
requires = []
[env]
description = "tests with {env_name}"
deps = ["apple>=1", "-r requirements.txt"]
pass_env = ["CI", "FOO_*"]
commands = [["python", "-c", "print(1)", "{posargs:x y}"], "- python --version"]
commands_pre = ["python -V"]
set_env.HOME_OF = "{env:HOME:none}"
timeout = "5m"
labels = ["all"]
[env."py312-!b"]
extend_deps = ["pear"]
set_env = { A = "1", B = "{env_dir}" }
retries = 2
[env.lint]
package = "none"
depends = ["py31*"]
change_dir = "{project_dir}"
limits = ["database"]
[package.wheel]
match = "a"
builder = "wheel"
[package.sdist]
match = "b"
[limits]
database = 1
[labels]
quick = ["lint"]
"""
TOKENS = (
    "{", "}", "{env:", "{posargs", "[", "]", "[[", "=", "\n", "\0", "\ufeff", "é", "{{", "\\", "'", '"', '"""', "%", "${", "<3", ",",
    "#", "../" * 5, "9" * 400, "(" * 200, "[" * 200, "{" * 500, "nan", "true", "1979-05-27", "\t", "\r", "!", "-", "{1-99999}",
    "\u2028", "*", "[env.x]\n", "extend_", "\x1b[31m", "\ud800",
)  # fmt: skip
VALUES = (
    "1", "-1", "1.5", "nan", "inf", "true", "[]", "[1]", "[[1]]", "{}", "{a=1}", '""', '"x"', "1979-05-27", '["a",1]', '"{env:X"',
    '"{[a]b}"', "9" * 30, '"!"', '["{a,b"]', '["{1-9999999}"]', '"{env_dir}"', '[[""]]', '"-"', "0x" + "f" * 5000, "1e999",
)  # fmt: skip
VERBS = (
    ("list",),
    ("plan", "--json"),
    ("show", "lint"),
    ("list", "--why", "--json"),
    ("run", "--no-test", "nothing-of-this-name"),
)


def mutated(text: str, choices: random.Random) -> str:
    """Change a file in one to four places."""
    for _ in range(choices.choice([1, 1, 1, 2, 4])):
        text = choices.choice([another_value, another_value, lines_moved, token_added, token_added, text_cut])(
            text, choices
        )
    return text


def another_value(text: str, choices: random.Random) -> str:
    lines = text.split("\n")
    number = choices.choice([number for number, line in enumerate(lines) if " = " in line] or [0])
    lines[number] = lines[number].split(" = ")[0] + " = " + choices.choice(VALUES)
    return "\n".join(lines)


def lines_moved(text: str, choices: random.Random) -> str:
    lines = text.split("\n")
    line = lines.pop(choices.randrange(len(lines)))
    for _ in range(choices.randrange(3)):
        lines.insert(choices.randrange(len(lines) + 1), line)
    return "\n".join(lines)


def token_added(text: str, choices: random.Random) -> str:
    place = choices.randrange(len(text) + 1)
    return text[:place] + choices.choice(TOKENS) + text[place:]


def text_cut(text: str, choices: random.Random) -> str:
    first, last = sorted(choices.randrange(len(text) + 1) for _ in range(2))
    return text[:last] if choices.random() < 0.5 else text[:first] + text[last:]


def try_one(project: Project, file: str, text: str, args: tuple[str, ...]) -> None:
    (project / file).write_bytes(text.encode(errors="surrogatepass"))
    before = snapshot(project.root)
    done = project.kern(*args, timeout=120)
    shown = f"{done}\n--- {file}\n{text}"
    assert "Traceback" not in done.screen, shown
    assert done.code in {0, 2}, shown
    assert not {"\x1b", "\0"} & set(done.screen), shown
    assert snapshot(project.root) == before, shown
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == (0 if done.code == 0 else 1), shown
    if errors and "nothing-of-this-name" not in done.err and "lint" not in errors[0]:
        assert file in done.err, shown


@pytest.mark.parametrize("file", ["kern.toml", "pyproject.toml"])
def test_a_mutated_configuration_is_accepted_or_refused_in_words(
    make_project: Callable[..., Project], file: str
) -> None:
    start = "[build-system]\nrequires = []\nbuild-backend = 'own'\n[project]\nname = 'demo'\nversion = '1'\n"
    good = GOOD
    if file == "pyproject.toml":
        head, *tables = GOOD.split("\n[")
        good = start + "[tool.kern]\n" + "\n[tool.kern.".join([head, *tables])

    def lane_of_files(lane: int) -> None:
        project = make_project(f"lane{lane}").write({"requirements.txt": "apple\n"})
        if file == "kern.toml":
            project.write({"pyproject.toml": start})
        try_one(project, file, good, ("plan",))
        choices = chance(f"configuration {file} {lane}")
        for number in range(times(30) // LANES):
            try_one(project, file, mutated(good, choices), VERBS[number % len(VERBS)])

    in_lanes(lane_of_files)
