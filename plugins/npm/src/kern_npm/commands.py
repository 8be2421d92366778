"""How npm is called: by the host's Node, without questions, audits and advertisements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.api import Command, StepFailed
from kern_npm.configuration import ask_secrets
from kern_npm.versions import find_program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.api import Completed, Context

QUIET = ("--no-audit", "--no-fund", "--no-update-notifier", "--no-progress", "--yes=false")


def run_npm(words: Sequence[str], context: Context, cwd: str) -> Completed:
    """Run ``npm`` and have it in the log.

    Args:
        words: what stands after ``npm``.
        context: runs the process.
        cwd: absolute directory to run in.

    Raises:
        StepFailed: npm is not there, or failed.
    """
    npm = find_program("npm", context.environ)
    if not npm:
        raise StepFailed("npm is not installed", hint="install Node with npm, and have it on PATH")
    ask_secrets(context)
    return context.run(Command(argv=(npm, *words[:1], *QUIET, *words[1:]), cwd=cwd))
