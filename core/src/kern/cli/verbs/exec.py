"""The verb ``kern exec``."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from kern.cli.opening import open_session

if TYPE_CHECKING:
    from kern.cli.declarations import ExecArguments


def main(arguments: ExecArguments) -> int:
    """Run one command in an environment, with kern's own terminal."""
    from kern.config.project import nowhere
    from kern.executing import execute, is_path

    project = nowhere(os.getcwd()) if is_path(arguments.target) else None
    session = open_session(arguments, foreground=True, project=project)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # until the command runs and gets them itself
        signal.signal(number, lambda *_: session.stop(1))
    try:
        return execute(session, arguments.target, arguments.rest)
    finally:
        session.close()
