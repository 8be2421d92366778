"""Run one row in an environment that is there already, and say what that lacks."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from kern.events import ERROR, PASSED, Notice, RowResult
from kern.plan.existing import absent, held, own_now, place_of, record_of
from kern.steps.row import blank_result, run_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from kern.events import Event
    from kern.log import StepLog
    from kern.plan.values import Existing, RowPlan
    from kern.scheduler import Pools
    from kern.session import Session
    from kern.steps.choices import Choices

UNCHANGED = {"PYTHONDONTWRITEBYTECODE": "1"}
"""Variables by which programs write nothing into the environment that they run from."""


def run_existing(
    session: Session, plan: RowPlan, choices: Choices, pools: Pools, log: StepLog, emit: Callable[[Event], None]
) -> RowResult:
    """Run a row where it is told to, or only look, where no commands run.

    Args:
        session: the project.
        plan: the row.
        choices: what the command line says.
        pools: limits, for the activation.
        log: of the row.
        emit: takes events.

    Raises:
        LockTimeout: waited too long for somebody else.
        ConfigError: the row asks for something that can't be read.
    """
    existing = plan.existing
    if existing is None:
        raise ValueError(plan.row.label)
    with _kept(session, existing):
        if existing.key:  # it may have been made, or made anew, since the plan
            existing = own_now(session, existing)
            plan = held(session, plan._replace(existing=existing), existing)
        if existing.adopted is None:
            reason, hint = absent(existing)
            return blank_result(plan, ERROR, reason=reason, hint=hint)
        place = place_of(session, existing)
        if plan.outcome:
            result = blank_result(plan, plan.outcome, reason=plan.reason, hint=plan.hint)
        else:
            _warn(plan, place, emit)
            result = blank_result(plan, PASSED)
        if choices.test and not plan.outcome:
            record, more = record_of(existing.adopted), {**choices.variables, **UNCHANGED}
            result = run_row(session, plan, record, pools, log, emit, choices.posargs, more)
        return result._replace(existing=place, drift=plan.drift)


def _warn(plan: RowPlan, place: str, emit: Callable[[Event], None]) -> None:
    if plan.drift:
        emit(Notice("warning", f"{plan.row.label}: drift in {place}: {'; '.join(plan.drift)}"))


def _kept(session: Session, existing: Existing) -> AbstractContextManager[None]:
    """Keep another kern from making an environment of the project anew while it is used."""
    return session.lock(f"env.{existing.key}", exclusive=False) if existing.key else nullcontext()
