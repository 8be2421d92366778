"""The verb ``kern exec``."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from kern.cli.opening import open_session, starting_directory

if TYPE_CHECKING:
    from kern.cli.declarations import ExecArguments


def main(arguments: ExecArguments) -> int:
    """Run one command in an environment, with kern's own terminal."""
    from kern.config.project import nowhere
    from kern.executing import execute

    base = starting_directory(arguments.directory)
    alone = _alone(arguments, base)
    session = open_session(arguments, foreground=True, project=nowhere(base) if alone else None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # until the command runs and gets them itself
        signal.signal(number, lambda *_: session.stop(1))
    try:
        return execute(session, arguments.target, arguments.rest, base=base, why=arguments.why, alone=alone)
    finally:
        session.close()


def _alone(arguments: ExecArguments, base: str) -> bool:
    """Whether to do without a project: there is none, or the target can't be a name of one of its environments."""
    from kern.config.find import is_project
    from kern.plan.adopting import is_place

    return is_place(arguments.target) or not (arguments.config or is_project(base))
