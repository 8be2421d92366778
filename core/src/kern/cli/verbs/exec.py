"""The verb ``kern exec``."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from kern.cli.opening import open_session, starting_directory
from kern.errors import Stopped

if TYPE_CHECKING:
    from kern.cli.declarations import ExecArguments
    from kern.session import Session


def main(arguments: ExecArguments, *, interactive: bool = False) -> int:
    """Run one command in an environment, with kern's own terminal; ``interactive``: it is the user's shell."""
    from kern.config.project import nowhere
    from kern.executing import execute

    base = starting_directory(arguments.directory)
    alone = _alone(arguments, base)
    session = open_session(arguments, foreground=True, project=nowhere(base) if alone else None)
    _listen(session)
    try:
        words, why = arguments.rest, arguments.why
        return execute(session, arguments.target, words, base=base, why=why, alone=alone, interactive=interactive)
    finally:
        session.close()


def _listen(session: Session) -> None:
    """Until the command runs and gets the signals itself: the first stops what is being made, the second a plugin too."""
    received: list[int] = []

    def handle(number: int, _: object) -> None:
        received.append(number)
        session.stop(min(len(received), 2))
        if len(received) > 1:
            raise Stopped("interrupted")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)


def _alone(arguments: ExecArguments, base: str) -> bool:
    """Whether to do without a project: there is none, or the target can't be a name of one of its environments."""
    from kern.config.find import is_project
    from kern.plan.adopting import is_place

    return is_place(arguments.target) or not (arguments.config or is_project(base))
