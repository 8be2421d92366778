"""How a shell is started so that its startup files can't take an environment away again.

Many of them put something first on ``PATH`` (``pyenv init``, ``conda init``, a ``~/.local/bin``). bash, zsh and fish read
the user's own files and then one of kern's, which puts the environment's ``PATH`` in front again. Other shells are
started as they are.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH = "KERN_SHELL_PATH"
_FILES = os.path.dirname(__file__)
_FISH = """
set -l kept (string split : -- $KERN_SHELL_PATH)
for each in $PATH; contains -- $each $kept; or set -a kept $each; end
set -gx PATH $kept
set -e KERN_SHELL_PATH
"""


class Start(NamedTuple):
    """The words that start a shell, and the variables that it needs for that and takes away itself."""

    argv: tuple[str, ...]
    variables: dict[str, str]


def start_of(shell: str, environ: Mapping[str, str]) -> Start:
    """Say how a shell is started in an environment.

    Args:
        shell: its name or path.
        environ: what it is to see.
    """
    kind = os.path.basename(shell)
    variables = {_PATH: environ.get("PATH", os.defpath)}
    if kind == "bash":
        return Start((shell, "--rcfile", os.path.join(_FILES, "bashrc")), variables)
    if kind == "fish":
        return Start((shell, "--init-command", _FISH), variables)
    if kind == "zsh":
        folder = os.path.join(_FILES, "zsh")
        own = {"KERN_SHELL_ZDOTDIR": environ["ZDOTDIR"]} if "ZDOTDIR" in environ else {}
        return Start((shell,), {**variables, **own, "ZDOTDIR": folder})
    return Start((shell,), {})
