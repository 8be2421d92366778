"""One command in an environment: kern's own, or any that is there already. Neither is ever changed by kern."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.errors import LockTimeout, StepFailed, Stopped, UsageError
from kern.events import INTERRUPTED, StepFinished
from kern.log import StepLog
from kern.plan.environment import environment_from
from kern.plan.planner import Wanted, broken, make_plan
from kern.plan.run_settings import run_settings
from kern.plan.values import Plan, RowPlan
from kern.steps.commands import place_for
from kern.steps.engine import Choices, Engine
from kern.store import new_run_directory

if TYPE_CHECKING:
    from kern.api import Environment
    from kern.session import Session


def execute(session: Session, target: str, argv: tuple[str, ...]) -> int:
    """Run a command in an environment.

    Args:
        session: the project; `kern.config.project.nowhere` will do for a path.
        target: name of an environment of the project, or path of a virtual environment or interpreter.
        argv: the command.

    Returns:
        Its exit code; 128 plus the number of the signal that ended it.

    Raises:
        UsageError: the target is nothing that kern knows.
        StepFailed: the environment is not there and could not be made, or the command does not exist.
    """
    return _in_existing(session, target, argv) if is_path(target) else _in_own(session, target, argv)


def is_path(target: str) -> bool:
    """Whether a target is a path, which needs no project, and not the name of an environment."""
    return os.sep in target or target in (os.curdir, os.pardir)


def _in_existing(session: Session, target: str, argv: tuple[str, ...]) -> int:
    path = os.path.abspath(os.path.expanduser(target))
    if not os.path.exists(path):
        raise UsageError(f"there is nothing at {path}", where="command line")
    for name in session.registry.names("kern.adopter"):
        adopter = session.registry.load("kern.adopter", name)
        environment: Environment | None = adopter.adopt(path, session.context(name))
        if environment is not None:
            return _run(session, environment, argv, None)
    raise UsageError(
        f"{path} is no environment that an installed plugin recognises",
        where="command line",
        hint="give the directory of a virtual environment, or the path of an interpreter",
    )


def _in_own(session: Session, target: str, argv: tuple[str, ...]) -> int:
    names = session.select((target,)).names
    if len(names) != 1:
        raise UsageError(f"{target!r} is {len(names)} environments, kern exec takes one", where="command line")
    row = session.rows.rows_of(names[0])[0]
    record = session.record(row.key)
    location = session.state.environment_path(row.key)
    ready = record is not None and record.get("state") == "ready" and not broken(session, record, location)
    if not ready:
        _make(session, names[0])
        record = session.record(row.key)
    if record is None:
        raise StepFailed(f"{row.label} could not be made", hint=f"kern run --no-test {row.name} says more")
    with session.lock(f"env.{row.key}", exclusive=False):
        return _run(session, environment_from(record), argv, names[0])


def _make(session: Session, name: str) -> None:
    plan = make_plan(session, (name,), Wanted())
    rows = tuple(row._replace(depends=()) for row in plan.rows if row.row.name == name)[:1]
    failures: list[StepFinished] = []

    def emit(event: object) -> None:
        if isinstance(event, StepFinished) and event.reason:
            failures.append(event)

    session.warn(f"making {name} first")
    choices = Choices(1, True, False, None, new_run_directory(session.work_dir).path, {})
    engine = Engine(session, Plan(plan.builds, rows, ()), choices, emit)
    results = engine.execute()
    session.remember()
    for failure in failures:
        if failure.key in engine.late:
            raise LockTimeout(failure.reason, hint=failure.hint)
        raise StepFailed(failure.reason, hint=failure.hint, log=failure.log, tail=failure.tail)
    for result in results:
        if result.outcome == INTERRUPTED:
            raise Stopped("interrupted")
        if result.reason:
            raise StepFailed(result.reason, where=name, hint=result.hint)


def _run(session: Session, environment: Environment, argv: tuple[str, ...], name: str | None) -> int:
    from kern.process import Request
    from kern.process.relay import relay

    activator = session.registry.load("kern.activator", environment.activator)
    log = StepLog(os.path.join(session.work_dir, "logs", "exec.log"), session.masker) if name else None
    with activator.activate(environment, session.context(environment.activator, log)) as activation:
        environ = dict(session.environ)
        if name is None:
            from kern.environ import apply

            environ = apply(activation.delta, environ)
        else:
            environ = dict(place_for(session, _row_plan(session, name), environment, activation, "", None, {}).environ)
        request = Request((*activation.prefix, *argv), os.getcwd(), environ, foreground=True)
        supervisor = session.supervisor()
        with relay(supervisor.forward):
            ended = supervisor.run(request, lambda _: None)
    return 128 - ended.exit_code if ended.exit_code < 0 else ended.exit_code


def _row_plan(session: Session, name: str) -> RowPlan:
    from kern.plan.environment import environment_spec

    row = session.rows.rows_of(name)[0]
    run = run_settings(session.project, session.settings, row)
    spec = environment_spec(session, row)
    return RowPlan(row, spec, run, "reuse", "", {}, "", None, "", (), ())
