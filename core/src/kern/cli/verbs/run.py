"""The verb ``kern run``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.cli.opening import jobs, open_session, planned

if TYPE_CHECKING:
    from kern.cli.declarations import RunArguments
    from kern.process import Supervisor


def main(arguments: RunArguments) -> int:
    """Plan the selected environments and execute the plan."""
    from kern.process import Supervisor

    count = 1 if arguments.interactive else jobs(arguments.jobs)
    supervisor = Supervisor(count)
    supervisor.start(foreground=arguments.interactive)  # now: a fork costs by what has been imported
    try:
        return _run(arguments, count, supervisor)
    finally:
        supervisor.close()


def _run(arguments: RunArguments, count: int, supervisor: Supervisor) -> int:
    from kern.cli.execution import execute

    session = open_session(
        arguments,
        recreate=arguments.recreate,
        lanes=count,
        lock_timeout=arguments.lock_timeout,
        foreground=arguments.interactive,
        supervisor=supervisor,
    )
    session.reports = tuple(map(os.path.abspath, arguments.reports))
    return execute(session, planned(session, arguments), arguments, count)
