"""One command in an environment: kern's own, or any that is there already. Neither is ever changed by kern."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.config.substitute import expand_words
from kern.environ import apply
from kern.errors import LockTimeout, StepFailed, Stopped, UsageError
from kern.events import INTERRUPTED, StepFinished
from kern.log import StepLog
from kern.named_tuples import NamedTuple
from kern.plan.adopting import adopt
from kern.plan.environment import environment_from, is_ready
from kern.plan.planner import PlanChoices, make_plan
from kern.plan.run_settings import run_settings
from kern.plan.values import REUSE, Plan, RowPlan
from kern.steps.activation import activated_for, script_paths
from kern.steps.choices import Choices
from kern.steps.commands import place_for, seen_before
from kern.steps.engine import Engine
from kern.steps.existing import UNCHANGED
from kern.steps.strangers import stranger
from kern.store import new_run_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kern.api import Activation, Environment
    from kern.process import Request
    from kern.session import Session


class _Asked(NamedTuple):
    """The command, whether it is a shell for the user, and who is told why it runs where it runs."""

    argv: tuple[str, ...]
    interactive: bool
    explain: Callable[[str], None]


def execute(
    session: Session,
    target: str,
    argv: tuple[str, ...],
    *,
    base: str,
    why: bool = False,
    alone: bool = False,
    interactive: bool = False,
) -> int:
    """Run a command in an environment.

    Args:
        session: the project; `kern.config.project.nowhere` will do for a path and for ``KIND:NAME``.
        target: name of an environment of the project, or any other that an adopter knows.
        argv: the command; nothing to say only what the target is.
        base: what a path is relative to.
        why: say what was asked for the target, and what was answered.
        alone: there is no project.
        interactive: the command is a shell for the user, whose startup files are to leave the environment as it is.

    Returns:
        Its exit code; 128 plus the number of the signal that ended it.

    Raises:
        UsageError: the target is nothing that kern knows.
        StepFailed: the environment is not there and could not be made, or the command does not exist.
    """
    asked = _Asked(argv, interactive, session.warn if why else _silent)
    refused = UsageError(f"there is no project at {base}") if alone else _refusal(session, target)
    if refused is None:
        return _in_own(session, target, asked)
    try:
        found = adopt(session, target, base=base, explain=asked.explain, otherwise=refused)
    except UsageError as error:
        raise error.at("command line") from None
    return _run(session, found.adopted.environment, asked, None) if argv else 0


def _silent(text: str) -> None:
    """Nobody has asked why."""


def _refusal(session: Session, target: str) -> UsageError | None:
    """Why a bare name is no environment of the project, ``None`` if it is one."""
    try:
        session.select((target,))
    except UsageError as error:
        return error
    return None


def _in_own(session: Session, target: str, asked: _Asked, tenant: str = "") -> int:
    """Run in an environment that kern makes; ``tenant`` is the environment whose row runs there by configuration."""
    names = session.select((target,)).names
    if len(names) != 1:
        raise UsageError(
            f"{target!r} is {len(names)} environments: {', '.join(names)}",
            where="command line",
            hint=f"name one of them; one outside of the project is KIND:{target}",
        )
    row = session.rows.made_rows_of(names[0])[0]
    place = session.rows.target_of(names[0])
    if place:
        return _in_borrowed(session, names[0], place, asked)
    location = session.state.environment_path(row.key)
    asked.explain(f"{target} is the environment {names[0]} of this project, at {location}")
    if not asked.argv:
        return 0
    record = session.record(row.key)
    if not is_ready(session, record, location):
        _make(session, names[0])
        record = session.record(row.key)
    if record is None:
        raise StepFailed(f"{row.label} could not be made", hint=f"kern run --no-test {row.name} says more")
    with session.lock(f"env.{row.key}", exclusive=False):
        return _run(session, environment_from(record), asked, tenant or names[0], kept=bool(tenant))


def _in_borrowed(session: Session, name: str, place: str, asked: _Asked) -> int:
    """Run in the environment that one of the project is configured to run in, with the row's own variables."""
    from kern.plan.existing import own, own_name, stated_at

    row = session.rows.rows_of(name)[0]
    asked.explain(f"{name} runs in an existing environment: {place}")
    if own_name(session, place):
        own(session, row, place)
        return _in_own(session, place, asked, tenant=name)
    try:
        found = adopt(session, place, base=session.project.directory, first=row.provider, explain=asked.explain)
    except UsageError as error:
        raise error.at(stated_at(session, row)) from None
    return _run(session, found.adopted.environment, asked, name, kept=True) if asked.argv else 0


def _make(session: Session, name: str) -> None:
    plan = make_plan(session, (name,), PlanChoices())
    rows = tuple(row._replace(depends=()) for row in plan.rows if row.row.name == name)[:1]
    failures: list[StepFinished] = []

    def emit(event: object) -> None:
        if isinstance(event, StepFinished) and event.reason:
            failures.append(event)

    session.warn(f"making {name} first")
    logs = new_run_directory(session.work_dir).path
    choices = Choices(jobs=1, fail_fast=True, test=False, posargs=None, log_dir=logs, variables={})
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


def _run(session: Session, environment: Environment, asked: _Asked, name: str | None, *, kept: bool = False) -> int:
    """Run a command; ``name`` is the environment of the project whose variables count, ``kept``: it is not kern's."""
    from kern.process.relay import relay

    more = UNCHANGED if kept or name is None else {}
    plan = _row_plan(session, name) if name else None
    with _entered(session, environment, plan, more) as activation:
        request = _request(session, environment, plan, activation, more, asked)
        supervisor = session.supervisor()
        with relay(supervisor.forward):
            ended = supervisor.run(request, lambda _: None)
    return 128 - ended.exit_code if ended.exit_code < 0 else ended.exit_code


def _request(
    session: Session,
    environment: Environment,
    plan: RowPlan | None,
    activation: Activation,
    more: dict[str, str],
    asked: _Asked,
) -> Request:
    """The process to start. Behind a prefix the command is elsewhere, where nothing here can be said of it."""
    from kern.process import Request

    argv, prefix = asked.argv, activation.prefix
    if plan is None:
        environ = apply(activation.delta, {**more, **session.environ})
    else:
        place = place_for(session, plan, environment, activation, "", None, more)
        environ = dict(place.environ)
        prefix = (*place.prefix, *expand_words(plan.run.command_prefix, place.names, ""))
    if asked.interactive and not prefix:
        from kern.shells import start_of

        argv, variables = start_of(argv[0], environ)
        environ.update(variables)
    said = "" if prefix else stranger(environment, argv[0], environ, session.environ)
    if said:
        session.warn(said)
    return Request((*prefix, *argv), os.getcwd(), environ, foreground=True)


@contextmanager
def _entered(
    session: Session, environment: Environment, plan: RowPlan | None, more: dict[str, str]
) -> Iterator[Activation]:
    """Activate as for a row; the log is kept where there is a project, and elsewhere only as long as it is needed."""
    name = "exec.log" if plan is not None else f"exec-{os.getpid()}.log"
    folder = session.work_dir if plan is not None else session.services.cache_root
    log = StepLog(os.path.join(folder, "logs", name), session.masker)

    def seen() -> dict[str, str]:
        if plan is None:
            return {**more, **session.environ}
        return seen_before(session, plan, environment, "", None, more)

    scripts = script_paths(session, plan) if plan is not None else ()
    try:
        with activated_for(session, environment, scripts, seen, log) as activation:
            yield activation
    finally:
        log.close()
    if plan is None and os.path.exists(log.path):
        os.unlink(log.path)


def _row_plan(session: Session, name: str) -> RowPlan:
    from kern.plan.environment import environment_spec

    row = session.rows.rows_of(name)[0]
    run = run_settings(session.project, session.settings, row)
    spec = environment_spec(session, row)
    return RowPlan(row, spec, run, REUSE, "", {}, "", None, "", (), ())
