"""The kernel's own settings of a row, and its commands with what is known substituted."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.config.substitute import Names
from kern.errors import ConfigError
from kern.plan.preview import preview, variables
from kern.plan.run_settings import _command_line, command_lines, run_settings
from kern.plan.values import CommandLine, RunSettings

if TYPE_CHECKING:
    from core.tests.conftest import Open
    from kern.session import Session

FULL = """\
[env]
commands_pre = ["echo 'a b'"]
commands = [["pytest", "{posargs:tests}"], "-false {env_name}", ["-", "x"], "- y", ["-z"]]
commands_post = "done"
change_dir = "{project_dir}/x"
set_env = { A = "1", B = "{env_name}" }
pass_env = ["C"]
ignore_outcome = true
retries = 2
timeout = "1m"
total_timeout = 5
limits = ["database"]
[limits]
database = 1
"""


def settings_of(session: Session, name: str = "a") -> RunSettings:
    return run_settings(session.project, session.settings, session.rows.rows_of(name)[0])


def test_all_settings(open_session: Open) -> None:
    assert settings_of(open_session(FULL)) == RunSettings(
        commands_pre=(CommandLine(("echo", "a b"), False),),
        commands=(
            CommandLine(("pytest", "{posargs:tests}"), False),
            CommandLine(("false", "{env_name}"), True),
            CommandLine(("x",), True),
            CommandLine(("y",), True),
            CommandLine(("z",), True),
        ),
        commands_post=(CommandLine(("done",), False),),
        change_dir="{project_dir}/x",
        set_env={"A": "1", "B": "{env_name}"},
        pass_env=("C",),
        ignore_outcome=True,
        retries=2,
        timeout=60.0,
        total_timeout=5.0,
        limits=("database",),
    )


def test_no_settings(open_session: Open) -> None:
    found = settings_of(open_session(""))
    assert found == RunSettings((), (), (), "{project_dir}", {}, (), False, 0, None, None, ())


@pytest.mark.parametrize(
    ("text", "message", "where"),
    [
        ("[env]\ncommands = ['']", "a command is empty", "kern.toml:2 env.commands"),
        ("[env]\ncommands = [' ']", "a command is empty", "kern.toml:2 env.commands"),
        ("[env.a]\ncommands_pre = ['-']", "a command is empty", "kern.toml:2 env.a.commands_pre"),
        ("[env.a]\ncommands_post = [['-']]", "a command is empty", "kern.toml:2 env.a.commands_post"),
        (
            "[env]\ncommands = 'x'\n[env.a]\nextend_commands = \"y 'z\"",
            "quote is not closed",
            "kern.toml:4 env.a.extend_",
        ),
        ("[env]\nlimits = ['databse']\n[limits]\ndatabase = 1", "there is no pool 'databse'", "kern.toml:2 env.limits"),
        ("[env.a]\nlimits = ['db']", "there is no pool 'db'", "kern.toml:2 env.a.limits"),
    ],
)
def test_mistakes(open_session: Open, text: str, message: str, where: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        settings_of(open_session(text))
    assert caught.value.where.startswith(where)


@pytest.mark.parametrize("text", ["[['']]", "[\"''\"]", "[['-', '']]"])
def test_a_program_has_a_name(open_session: Open, text: str) -> None:
    with pytest.raises(ConfigError, match="a command is empty"):
        settings_of(open_session(f"[env]\ncommands = {text}"))


def test_hints_of_pools(open_session: Open) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(open_session("[env]\nlimits = ['databse']\n[limits]\ndatabase = 1"))
    assert caught.value.hint == "did you mean database?"
    with pytest.raises(ConfigError) as caught:
        settings_of(open_session("[env]\nlimits = ['db']"))
    assert caught.value.hint == "write its size into [limits]: db = 1"


WORDS = st.lists(st.text(st.characters(exclude_characters="{}", codec="utf-8"), min_size=1), min_size=1)


@given(WORDS.filter(lambda words: not words[0].startswith("-")), st.sampled_from(["", "-", "- "]))
def test_a_list_and_its_quoted_text_are_the_same_command(words: list[str], prefix: str) -> None:
    line = CommandLine(tuple(words), bool(prefix))
    assert _command_line(prefix + shlex.join(words), ()) == line
    listed = {"": words, "-": [f"-{words[0]}", *words[1:]], "- ": ["-", *words]}[prefix]
    assert _command_line(tuple(listed), ("srun",)) == line._replace(words=("srun", *line.words))


def shown(session: Session, posargs: tuple[str, ...] | None = None, name: str = "a") -> tuple[tuple[str, ...], ...]:
    row = session.rows.rows_of(name)[0]
    return preview(session, row, run_settings(session.project, session.settings, row), "/envs/a", posargs)


def test_the_preview_substitutes_what_is_known(open_session: Open, tmp_path: os.PathLike[str]) -> None:
    text = """
[env]
commands_pre = ["pre {project_dir} {work_dir}"]
commands = [["{python}", "{package}", "{posargs:t u}"], "x {env_dir} {env_name} {env:HOME} {env:OWN}"]
commands_post = ["post {{env_name}}"]
set_env.OWN = "{env_name}-{env:HOME}"
"""
    project = os.path.join(tmp_path, "project")
    expected = (
        ("pre", project, os.path.join(project, ".kern")),
        ("{python}", "{package}", "t", "u"),
        ("x", "/envs/a", "a", "/home/me", "a-/home/me"),
        ("post", "{env_name}"),
    )
    assert shown(open_session(text)) == expected
    assert shown(open_session(text), ("-k", "{env_name}"))[1] == ("{python}", "{package}", "-k", "{env_name}")


def test_variables_from_a_file(open_session: Open, tmp_path: os.PathLike[str]) -> None:
    session = open_session("[env]\ncommands = ['x {env:A} {env:B}']\nset_env = { file = 'x.env', B = 'own' }")
    path = os.path.join(tmp_path, "project", "x.env")
    with open(path, "w") as file:
        file.write("# comment\nexport A='a b'\nB = theirs\n")
    assert shown(session) == (("x", "a b", "own"),)
    with open(path, "w") as file:
        file.write("A=1\nno assignment\n")
    with pytest.raises(ConfigError, match="is not a NAME=value line") as caught:
        shown(session)
    assert caught.value.where == f"{path}:2"


def test_secrets_that_the_configuration_sets_are_masked(open_session: Open) -> None:
    session = open_session("[env]\ncommands = ['x {env:API_TOKEN}']\nset_env.API_TOKEN = 'very-secret-text'")
    assert shown(session) == (("x", "very-secret-text"),)
    assert session.masker.mask_text("very-secret-text") == "***"


@pytest.mark.parametrize(
    ("text", "message", "where"),
    [
        ("[env]\ncommands = ['x {env_nam}']", "unknown substitution {env_nam}", "kern.toml:2 env.commands"),
        ("[env.a]\ncommands_post = ['x {env:NO}']", "the variable NO is not set", "kern.toml:2 env.a.commands_post"),
        ("[env]\nset_env.X = '{nosuch}'", "unknown substitution {nosuch}", "kern.toml:2 env.set_env"),
        ("[env]\nchange_dir = '{nosuch}'", "unknown substitution {nosuch}", "kern.toml:2 env.change_dir"),
        ("[env]\nset_env.X = '1'\nset_env.file = 'f'", "the file /", "kern.toml:2 env.set_env"),
        ("[env]\nchange_dir = '{posargs:{no}}'\n", "unknown substitution {no}", "kern.toml:2 env.change_dir"),
        ("[env]\ncommands = 'x'\n[env.a]\nextend_commands = 'y {no}'", "unknown", "kern.toml:4 env.a.extend_commands"),
    ],
)
def test_mistakes_in_braces_are_found_before_anything_is_made(
    open_session: Open, text: str, message: str, where: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        shown(open_session(text))
    assert caught.value.message.startswith(message)
    assert caught.value.where == where


def test_one_phase_alone(open_session: Open) -> None:
    session = open_session(FULL)
    row = session.rows.rows_of("a")[0]
    assert command_lines(session.project, session.settings, row, "commands_post") == (CommandLine(("done",), False),)


LINES = [
    (b"A=1\nB=2", {"A": "1", "B": "2"}),
    (b"A=1\r\n\r\nB=2\r\n", {"A": "1", "B": "2"}),
    (b"  # A=1\n\n A = x = y # z \n", {"A": "x = y # z"}),
    (
        b"export A='a b'\nB=\"c\"\nC=''\nD='\nE='x\"\nF=",
        {"A": "a b", "B": "c", "C": "", "D": "'", "E": "'x\"", "F": ""},
    ),
    (b"A=1\nA=2", {"A": "2"}),
    (b"A={env_name}", {"A": "{env_name}"}),
    ("A=é\u2028b\u0085c\x0bd\n".encode(), {"A": "é\u2028b\u0085c\x0bd"}),
    (b"\xef\xbb\xbfA=1", {"A": "1"}),
    (b"", {}),
]


@pytest.mark.parametrize(("content", "expected"), LINES)
def test_lines_of_a_file_of_variables(
    open_session: Open, tmp_path: os.PathLike[str], content: bytes, expected: dict[str, str]
) -> None:
    session = open_session("[env]\nset_env.file = '{env_name}.env'")
    with open(os.path.join(tmp_path, "project", "a.env"), "wb") as file:
        file.write(content)
    found = variables(session, settings_of(session), Names({"env_name": "a"}, {}))
    assert found == expected


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"A=1\nnothing", "is not a NAME=value line", 2),
        (b"=1", "is not a NAME=value line", 1),
        (b" =1", "is not a NAME=value line", 1),
        (b"A=\xff", "is not UTF-8", 0),
        (b"B=1\nA=\0", "NUL", 2),
        (b"A\0=1", "NUL", 1),
    ],
)
def test_a_file_of_variables_with_a_mistake(
    open_session: Open, tmp_path: os.PathLike[str], content: bytes, message: str, line: int
) -> None:
    session = open_session("[env]\nset_env.file = 'x.env'")
    path = os.path.join(tmp_path, "project", "x.env")
    with open(path, "wb") as file:
        file.write(content)
    with pytest.raises(ConfigError, match=message) as caught:
        variables(session, settings_of(session), Names({}, {}))
    assert caught.value.where == (f"{path}:{line}" if line else "")


def test_secrets_of_the_configuration_are_masked(open_session: Open, tmp_path: os.PathLike[str]) -> None:
    session = open_session("[env]\nset_env = { file = 'x.env', API_TOKEN = 'first-secret', PLAIN = 'plain-text' }")
    with open(os.path.join(tmp_path, "project", "x.env"), "w") as file:
        file.write("DB_PASSWORD=second-secret\n")
    shown(session)
    assert session.masker.mask_text("first-secret second-secret plain-text") == "*** *** plain-text"
