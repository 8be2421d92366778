"""Run one row in its environment and say how it went."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from kern.errors import ConfigError, KernError, LockTimeout, StepFailed, Stopped
from kern.events import (
    BLOCKED,
    ERROR,
    FAILED,
    GOOD,
    IGNORED,
    INTERRUPTED,
    PASSED,
    TIMED_OUT,
    CommandResult,
    CommandStarted,
    Event,
    Notice,
    Output,
    RowResult,
)
from kern.plan.environment import environment_from
from kern.state import ENVIRONMENTS
from kern.steps.activation import activated
from kern.steps.commands import NOT_STARTED, Outcome, Runner, place_for, seen_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.api import Environment
    from kern.log import StepLog
    from kern.plan.values import RowPlan
    from kern.scheduler import Pools
    from kern.session import Session
    from kern.steps.commands import Place


def blank_result(plan: RowPlan, outcome: str, **more: Any) -> RowResult:
    """A result for a row that did not get as far as its commands."""
    return RowResult(row=plan.row.label, environment=plan.row.name, package=plan.row.package, outcome=outcome, **more)


def run_row(
    session: Session,
    plan: RowPlan,
    record: dict[str, Any],
    pools: Pools,
    log: StepLog,
    emit: Callable[[Event], None],
    posargs: tuple[str, ...] | None,
    more: dict[str, str],
) -> RowResult:
    """Activate the environment, run the commands, undo the activation.

    Args:
        session: the project.
        plan: the row.
        record: its environment's record, ready; the caller holds a shared lock on it.
        pools: limits, for the activation.
        log: of the row.
        emit: takes events.
        posargs: what the user gave after ``--``.
        more: variables to add where the host has none (colours).

    Raises:
        LockTimeout: the activation waited too long for somebody else.
    """
    begun = time.monotonic()
    result = _result_of(session, plan, record, pools, log, emit, posargs, more)
    return result._replace(seconds=time.monotonic() - begun)


def _result_of(
    session: Session,
    plan: RowPlan,
    record: dict[str, Any],
    pools: Pools,
    log: StepLog,
    emit: Callable[[Event], None],
    posargs: tuple[str, ...] | None,
    more: dict[str, str],
) -> RowResult:
    """`run_row` without its duration."""
    environment = environment_from(record)
    package = (record.get("artifact") or {}).get("path", "")
    base = _not_run(plan, record, environment, log)
    about = (session, plan, environment, package, posargs, more)
    inside = False
    try:
        with activated(session, plan, environment, pools, log, lambda: seen_before(*about)) as activation:
            inside = True
            place = place_for(session, plan, environment, activation, package, posargs, more)
            runner = Runner(session, plan, place, log, lambda data: _show(emit, plan, data))
            outcome = runner.run(_announcing(session, plan, environment, place, emit))
        return _judged(session, plan, base, outcome, environment)
    except Stopped:
        return base._replace(outcome=INTERRUPTED, reason="interrupted")
    except LockTimeout:
        raise
    except KernError as error:
        how = ERROR if isinstance(error, ConfigError) or not inside else FAILED
        _show(emit, plan, error.tail.encode(errors="replace"))
        return base._replace(outcome=how, reason=error.sentence, hint=error.hint)


def _announcing(
    session: Session, plan: RowPlan, environment: Environment, place: Place, emit: Callable[[Event], None]
) -> Callable[[str, tuple[str, ...]], None]:
    """Tell that a command starts; and once, if its program is of another environment than the existing one."""
    told = {""}

    def announce(phase: str, argv: tuple[str, ...]) -> None:
        if plan.existing is not None and not place.prefix and argv:
            from kern.steps.strangers import stranger

            said = stranger(environment, argv[0], place.environ, session.environ)
            if said not in told:
                emit(Notice("warning", f"{plan.row.label}: {said}"))
            told.add(said)
        emit(CommandStarted(plan.row.label, phase, argv))

    return announce


def _not_run(plan: RowPlan, record: dict[str, Any], environment: Environment, log: StepLog) -> RowResult:
    return blank_result(
        plan,
        ERROR,
        log=log.path,
        artifact=_artifact(record),
        interpreter=environment.interpreter or "",
        installed=tuple(record["installed"].items()),
    )


def _show(emit: Callable[[Event], None], plan: RowPlan, data: bytes) -> None:
    if data:
        emit(Output(plan.row.label, data))


def _artifact(record: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    artifact = record.get("artifact")
    if not artifact:
        return ()
    return tuple((key, artifact[key]) for key in ("kind", "path", "name", "version", "digest"))


def _judged(session: Session, plan: RowPlan, base: RowResult, outcome: Outcome, environment: Environment) -> RowResult:
    done = base._replace(commands=outcome.results)
    if outcome.stopped:
        return done._replace(outcome=INTERRUPTED, reason="interrupted")
    if outcome.failed is None:
        return done._replace(outcome=PASSED, reason="" if outcome.results else "it has no commands")
    if plan.existing is None:
        doubt(session, plan, environment)
    how = TIMED_OUT if outcome.failed.timed_out else FAILED
    if plan.run.ignore_outcome:
        how = IGNORED
    if outcome.error is not None and outcome.failed.exit_code == NOT_STARTED:
        return done._replace(outcome=how, reason=outcome.error.sentence, hint=outcome.error.hint)
    return done._replace(outcome=how, reason=_why(outcome.failed, plan))


def _why(failed: CommandResult, plan: RowPlan) -> str:
    program = os.path.basename(failed.argv[0]) if failed.argv else "command"
    if failed.timed_out:
        bound = plan.run.timeout if plan.run.timeout is not None else plan.run.total_timeout
        return f"{program} ran into its timeout of {bound:g} s"
    from kern.command_words import describe_exit

    return f"{program} {describe_exit(failed.exit_code)}"


def doubt(session: Session, plan: RowPlan, environment: Environment) -> None:
    """After a failure on a full disk, have the environment made anew: what Python cached there may be cut short."""
    from kern.store import low_space

    if low_space(environment.location):
        try:
            session.state.remove(ENVIRONMENTS, plan.row.key)
        except StepFailed:
            return


def exit_code(results: tuple[RowResult, ...], late: frozenset[str] = frozenset()) -> int:
    """0 all passed, 1 a test failed, 3 something could not be made, 4 only for want of a lock, 130 interrupted.

    Args:
        results: of all rows.
        late: the labels of those that came to nothing because somebody else held a lock for too long.
    """
    outcomes = {result.outcome for result in results}
    if INTERRUPTED in outcomes and outcomes.isdisjoint({FAILED, ERROR}):
        return 130
    if outcomes & {ERROR, BLOCKED}:
        return 4 if late.issuperset(result.row for result in results if result.outcome in (ERROR, BLOCKED)) else 3
    return 0 if outcomes <= GOOD else 1
