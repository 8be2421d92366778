"""The user's shell keeps an environment's programs first, whatever the user's startup files do; real shells."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from kern.shells import start_of

if TYPE_CHECKING:
    from pathlib import Path

RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
TEXT = {
    "bash": "export PATH=/mine:/env/bin:$PATH MINE=read",
    "zsh": "export PATH=/mine:/env/bin:$PATH MINE=read",
    "fish": "set -gx PATH /mine /env/bin $PATH; set -gx MINE read; set -g fish_greeting",
}
SHOW = "echo; env | grep -E '^(PATH|MINE|KERN_SHELL|ZDOTDIR|FROM)' | sort\nexit 7\n"


def asked(shell: str, environ: dict[str, str], *options: str) -> list[str]:
    start = start_of(shell, environ)
    argv = (*start.argv, *options)
    done = subprocess.run(
        argv, input=SHOW, env={**environ, **start.variables}, start_new_session=True, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr
    return [line for line in done.stdout.splitlines() if line.partition("=")[0] in ("PATH", "MINE", "ZDOTDIR", "FROM")]


def found(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """What the shell sees, with a home whose files put another directory in front."""
    for shell, name in RC.items():
        file = tmp_path / "my home" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{TEXT[shell]}\n")
    return {"HOME": str(tmp_path / "my home"), "PATH": "/env/bin:/a b:/usr/bin:/bin", "TERM": "dumb"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_environment_stays_first_and_the_users_files_are_read(shell: str, environ: dict[str, str]) -> None:
    expected = dict.fromkeys([*environ["PATH"].split(":"), "/mine"])
    assert asked(found(shell), environ, "-i") == ["MINE=read", f"PATH={':'.join(expected)}"]
    assert shell == "fish" or f"PATH={environ['PATH']}" in asked(found(shell), environ)  # no terminal: no such files


def test_a_directory_of_the_users_own_for_zsh(environ: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "z dir"
    folder.mkdir()
    (folder / ".zshenv").write_text("export FROM=zshenv\n")
    (folder / ".zshrc").write_text("export FROM=$FROM,zshrc PATH=/mine:$PATH\n")
    expected = ["FROM=zshenv,zshrc", f"PATH={environ['PATH']}:/mine", f"ZDOTDIR={folder}"]
    assert asked(found("zsh"), {**environ, "ZDOTDIR": str(folder)}, "-i") == expected
    (tmp_path / "my home" / ".zshenv").write_text(f"ZDOTDIR='{folder}'\n")
    assert asked(found("zsh"), environ, "-i")[0] == "FROM=,zshrc"


def test_another_shell_is_started_as_it_is(environ: dict[str, str]) -> None:
    assert start_of("/bin/sh", environ) == (("/bin/sh",), {})
