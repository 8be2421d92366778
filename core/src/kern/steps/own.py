"""Run one row in its own environment, which nobody may change meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.events import ERROR, RowResult
from kern.plan.reasons import decide
from kern.plan.values import REUSE
from kern.state import ENVIRONMENTS
from kern.steps.row import blank_result, run_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.api import Artifact
    from kern.events import Event
    from kern.log import StepLog
    from kern.plan.values import RowPlan
    from kern.scheduler import Pools
    from kern.session import Session
    from kern.steps.choices import Choices

ATTEMPTS = 10
"""How often an environment is made right again that another kern has changed in between."""


def run_own(
    session: Session,
    row: RowPlan,
    artifact: Artifact | None,
    choices: Choices,
    pools: Pools,
    log: StepLog,
    emit: Callable[[Event], None],
) -> RowResult:
    """Run under a shared lock, on an environment that is ready while the lock is held.

    Args:
        session: the project.
        row: the row.
        artifact: the package that is installed.
        choices: what the command line says.
        pools: limits, for the activation.
        log: of the row.
        emit: takes events.

    Raises:
        LockTimeout: waited too long for somebody else.
        StepFailed: the environment had to be made again, and could not be.
    """
    for _ in range(ATTEMPTS):
        with session.lock(f"env.{row.row.key}", exclusive=False):
            record = session.record(row.row.key)
            if record is not None and _answers(session, row, record, artifact):
                return run_row(session, row, record, pools, log, emit, choices.posargs, choices.variables)
        from kern.steps.environment import ensure_environment

        ensure_environment(session, row, artifact, log, lambda *_: None)
    return blank_result(row, ERROR, reason="another kern keeps changing this environment")


def _answers(session: Session, row: RowPlan, record: dict[str, Any], artifact: Artifact | None) -> bool:
    if row.action == REUSE and session.state.stamp(ENVIRONMENTS, row.row.key) == row.stamp:
        return True
    from kern.steps.environment import inputs_now

    return decide(record, inputs_now(session, row), row.spec.location, artifact)[0] == REUSE
