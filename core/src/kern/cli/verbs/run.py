"""The verb ``kern run``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.cli.opening import jobs, open_session, planned

if TYPE_CHECKING:
    from kern.cli.declarations import RunArguments


def main(arguments: RunArguments) -> int:
    """Plan the selected environments and execute the plan."""
    from kern.cli.execution import execute

    count = 1 if arguments.interactive else jobs(arguments.jobs)
    session = open_session(
        arguments,
        recreate=arguments.recreate,
        lanes=count,
        lock_timeout=arguments.lock_timeout,
        foreground=arguments.interactive,
    )
    session.reports = tuple(map(os.path.abspath, arguments.reports))
    try:
        plan = planned(session, arguments)
        return execute(session, plan, arguments, count)
    finally:
        session.close()
