"""The verb ``kern shell``: `kern exec` of the user's own shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.cli.declarations.exec import ExecArguments
from kern.cli.verbs.exec import main as execute

if TYPE_CHECKING:
    from kern.cli.declarations import ShellArguments

PLAIN = "/bin/sh"
"""Where there is no SHELL, as in many containers and in CI."""


def main(arguments: ShellArguments) -> int:
    """Run a shell in an environment, with kern's own terminal."""
    shell = os.environ.get("SHELL") or PLAIN
    return execute(ExecArguments(**arguments._asdict(), rest=(shell,)), interactive=True)
