"""Completion scripts, driven in the shells that are there."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from kern.cli import main
from kern.cli.completion import script
from kern.cli.declarations import VERBS, verb_named
from kern.cli.declarations.completion import SHELLS
from kern.cli.declarations.model import COMMON

if TYPE_CHECKING:
    from pathlib import Path

KERN = """#!/bin/sh
printf '%s\\n' "$*" >> "$(dirname "$0")/asked"
case "$*" in
    *--names) printf '%s\\n' py311 py312 lint '$(touch pwned)' 'a b' ;;
    *--labels) printf '%s\\n' fast slow ;;
esac
echo noise >&2
"""


class Bash:
    """A folder with a kern that answers, and a bash to complete its lines in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kern = folder / "kern"
        self.kern.write_text(KERN)
        self.kern.chmod(0o755)
        (folder / "script").write_text(script("bash"))

    def complete(self, *words: str) -> list[str]:
        """Complete the last of the words after ``kern``, split as readline does."""
        line = (str(self.kern), *words)
        program = f"""
            source ./script || exit 3
            COMP_WORDS=({" ".join(map(shlex.quote, line))})
            COMP_CWORD={len(words)}
            _kern || exit 4
            (( ${{#COMPREPLY[@]}} )) && printf '%s\\n' "${{COMPREPLY[@]}}"
            exit 0
        """
        done = subprocess.run(
            ["bash", "--norc", "-c", program], cwd=self.folder, capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        return done.stdout.splitlines()

    def asked(self) -> list[str]:
        """What kern was asked."""
        return (self.folder / "asked").read_text().splitlines()


@pytest.fixture
def bash(tmp_path: Path) -> Bash:
    if not shutil.which("bash"):
        pytest.skip("there is no bash")
    return Bash(tmp_path)


def test_bash_completes_verbs(bash: Bash) -> None:
    assert bash.complete("") == list(VERBS)
    assert bash.complete("p") == ["plan", "plugins"]
    assert bash.complete("-v", "-C", "x", "sch") == ["schema"]
    assert "--version" in bash.complete("--")


@pytest.mark.parametrize("name", VERBS)
def test_bash_completes_every_option(bash: Bash, name: str) -> None:
    flags = {flag for option in (*verb_named(name).options, *COMMON) for flag in option.flags}
    assert set(bash.complete(name, "-")) == flags | {"-h", "--help"}
    assert bash.complete(name, "--hel") == ["--help"]


def test_bash_completes_environments_from_the_right_project(bash: Bash) -> None:
    assert bash.complete("run", "py") == ["py311", "py312"]
    assert bash.complete("-C", "~/x", "--config", "y", "run", "lint", "--skip", "l") == ["lint"]
    assert bash.complete("show", "--directory", "=", "z", "lin") == ["lint"]
    home = os.path.expanduser("~/x")
    assert bash.asked() == ["list --names", f"-C {home} --config y list --names", "--directory z list --names"]


def test_bash_quotes_names_and_evaluates_none(bash: Bash) -> None:
    assert bash.complete("run", "") == ["py311", "py312", "lint", "\\$\\(touch\\ pwned\\)", "a\\ b"]
    assert not (bash.folder / "pwned").exists()


def test_bash_completes_values(bash: Bash) -> None:
    assert bash.complete("run", "-l", "") == ["fast", "slow"]
    assert bash.complete("list", "--label", "=", "s") == ["slow"]
    assert bash.complete("run", "--missing", "=") == ["skip", "fail"]
    assert bash.complete("run", "-j", "a") == ["auto"]
    assert bash.complete("run", "--lock-timeout", "") == []
    assert bash.complete("schema", "pl") == ["plan", "plugins"]
    assert bash.complete("completion", "") == list(SHELLS)
    (bash.folder / "sub").mkdir()
    assert bash.complete("-C", "") == ["sub"]
    assert bash.complete("run", "--report", "scr") == ["script"]


def test_bash_leaves_what_follows_the_dashes_alone(bash: Bash) -> None:
    assert bash.complete("run", "--", "-") == []
    assert bash.complete("exec", "py312", "--", "py") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_accepts_its_script(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    (tmp_path / "script").write_text(script(shell))
    subprocess.run([shell, "-n", "script"], cwd=tmp_path, check=True)


def test_fish_completes(tmp_path: Path) -> None:
    if not shutil.which("fish"):
        pytest.skip("there is no fish")
    kern = Bash(tmp_path).kern
    (tmp_path / "script").write_text(script("fish"))

    def complete(line: str) -> list[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source script; complete -C {shlex.quote(line)}"],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{kern.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        return [answer.partition("\t")[0] for answer in done.stdout.splitlines()]

    assert sorted(complete("kern ")) == sorted(VERBS)
    assert complete("kern -C x run py") == ["py311", "py312"]
    assert complete("kern run --rec") == ["--recreate"]
    assert complete("kern run --missing s") == ["skip"]
    assert complete("kern list -l ") == ["fast", "slow"]


@pytest.mark.parametrize("name", VERBS)
def test_zsh_and_fish_know_every_option(name: str) -> None:
    zsh, fish = script("zsh"), script("fish")
    case = zsh.partition(f"                {name})\n")[2].partition(";;")[0]
    for option in verb_named(name).options:
        for flag in option.flags:
            assert flag in case
            spelt = f"-l {flag[2:]} " if flag.startswith("--") else f"-s {flag[1:]} "
            assert any(
                line.startswith(f"complete -c kern -n '__kern_verb_is {name}'") and spelt in line
                for line in fish.splitlines()
            )


def test_zsh_in_so_many_words() -> None:
    lines = script("zsh").splitlines()
    assert lines[0] == "#compdef kern"
    for line in (
        "'(-x --fail-fast)'{-x,--fail-fast}'[Start nothing more after the first failure]' \\",
        "'*'{-l+,--label=}'[Select the environments with this label]:NAME:_kern_names --labels' \\",
        "'(-C --directory)'{-C+,--directory=}'[Act as if kern had been started in this directory]:DIR:_files -/' \\",
        "'(--cache)'--cache'[Remove kern'\\''s cache, which all projects of this user share]' \\",
        "'1:SHELL:(bash zsh fish)' ;;",
        "'*:ENV:_kern_names --names' ;;",
    ):
        assert line in map(str.strip, lines)


def test_fish_in_so_many_words() -> None:
    lines = script("fish").splitlines()
    for line in (
        "complete -c kern -n '__kern_verb_is \"\"' -a list -d 'List the environments.'",
        "complete -c kern -n '__kern_verb_is run' -s x -l fail-fast -d 'Start nothing more after the first failure'",
        "complete -c kern -n '__kern_verb_is schema' -x -a 'config run list show plan build lock plugins error'",
        "complete -c kern -n '__kern_verb_is init' -l stdout -d 'Print the configuration instead of writing it'",
    ):
        assert line in lines
    assert any(line.endswith("-d 'Remove kern\\'s cache, which all projects of this user share'") for line in lines)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_verb_prints_the_script_and_nothing_else(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (script(shell), "")
    assert "@" not in shown.out.replace("[@]", "").replace("$@", "").replace("(@)", "").replace("${@", "")
