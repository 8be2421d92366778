"""Enter environments: first an environment's own activation, then the user's scripts on top of it, as one."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from kern.api import Activation, Environment, StepFailed
from kern.environ import apply, compose
from kern.plan.values import SCRIPT
from kern.steps.commands import ROW_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kern.log import StepLog
    from kern.plan.values import RowPlan
    from kern.scheduler import Pools
    from kern.session import Session

    Seen = Callable[[], Mapping[str, str]]

SCRIPTS = "scripts"
"""The fact that tells it which: a JSON list of absolute paths."""

_TAIL = 20
_TAIL_BYTES = 1 << 14


@contextmanager
def activated(
    session: Session,
    plan: RowPlan,
    environment: Environment,
    pools: Pools,
    log: StepLog,
    seen: Seen,
) -> Iterator[Activation]:
    """Enter the environment that a row runs in; rows that are told to run in the same one share one activation.

    Args:
        session: the project.
        plan: the row.
        environment: where it runs.
        pools: limits; entering takes part in the activators' pools, the commands inside don't.
        log: gets what the activation prints.
        seen: gives what the row's commands see before they are activated.

    Raises:
        KernError: it can't be entered.
    """
    scripts = script_paths(session, plan)
    if plan.existing is None or session.sharing is None:
        with activated_for(session, environment, scripts, seen, log, pools) as activation:
            yield activation
        return
    common = {name: value for name, value in seen().items() if name != ROW_NAME}
    key = (environment.location, environment.activator, scripts, tuple(sorted(common.items())))
    yield session.sharing.enter(
        plan.existing.target, key, lambda: activated_for(session, environment, scripts, lambda: common, log, pools)
    )


def script_paths(session: Session, plan: RowPlan) -> tuple[str, ...]:
    """The scripts that a row's ``activate`` names, as absolute paths.

    Raises:
        ConfigError: a substitution can't be made.
    """
    if not plan.run.activate:
        return ()
    from kern.config.substitute import Names, expand
    from kern.plan.environment import names_of
    from kern.plan.preview import Placed

    names = Names(names_of(session, plan.row, plan.spec.location), session.environ, None)
    with Placed(session, plan.row, "activate"):
        paths = [os.path.expanduser(expand(text, names, "")) for text in plan.run.activate]
    return tuple(os.path.normpath(os.path.join(session.project.directory, path)) for path in paths)


@contextmanager
def activated_for(
    session: Session,
    environment: Environment,
    scripts: tuple[str, ...],
    seen: Seen,
    log: StepLog,
    pools: Pools | None = None,
) -> Iterator[Activation]:
    """Enter an environment, source scripts in it, and undo both in the end.

    Args:
        session: the project.
        environment: it names its activator.
        scripts: absolute paths, see `script_paths`.
        seen: gives what the commands see before they are activated; asked only where an activator asks.
        log: gets what the activation prints.
        pools: limits, ``None`` for none.

    Raises:
        KernError: it can't be entered; a failure carries the log and its last lines.
    """
    begin = _size(log)
    with ExitStack() as leaving:
        try:
            activation = _enter(session, environment, seen, log, pools, leaving)
            if scripts:
                first = activation
                inner = _for_scripts(environment, scripts)
                second = _enter(session, inner, lambda: apply(first.delta, seen()), log, pools, leaving)
                activation = _composed(first, second)
        except StepFailed as error:
            raise _with_evidence(error, log, begin) from None
        yield activation


def _enter(
    session: Session, environment: Environment, seen: Seen, log: StepLog, pools: Pools | None, leaving: ExitStack
) -> Activation:
    activator = session.registry.load("kern.activator", environment.activator)
    work = leaving.enter_context(ExitStack())
    context = session.context(
        environment.activator, log, work_dir=lambda: _work_dir(session, environment.activator, work), environ=seen
    )
    with pools.hold(tuple(activator.pools)) if pools is not None else ExitStack():
        activation: Activation = leaving.enter_context(activator.activate(environment, context))
    return activation


def _work_dir(session: Session, name: str, work: ExitStack) -> str:
    """A directory for as long as the activation lasts, and no longer; outside of a project it is the system's."""
    if os.path.isdir(session.work_dir):
        directory = session.state.temporary(f"activate-{name}")
        work.callback(directory.__exit__, None, None, None)  # what failed stands in the log
        return directory.__enter__()
    from tempfile import TemporaryDirectory

    return work.enter_context(TemporaryDirectory(prefix="kern-"))


def _for_scripts(environment: Environment, scripts: tuple[str, ...]) -> Environment:
    import json

    facts = {SCRIPTS: json.dumps(scripts)}
    return Environment(environment.location, SCRIPT, environment.interpreter, watch=(), facts=facts)


def _composed(first: Activation, second: Activation) -> Activation:
    return Activation(compose(first.delta, second.delta), (*first.prefix, *second.prefix))


def _size(log: StepLog) -> int:
    return os.path.getsize(log.path) if os.path.exists(log.path) else 0


def _with_evidence(error: StepFailed, log: StepLog, begin: int) -> StepFailed:
    """The same error with the log, if something was written since the beginning, and the last lines of that."""
    log.flush()
    if error.log or _size(log) == begin:
        return error
    with open(log.path, "rb") as file:
        file.seek(max(begin, _size(log) - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").rstrip().splitlines()
    error.log, error.tail = log.path, "\n".join(lines[-_TAIL:])
    return error
