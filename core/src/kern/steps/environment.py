"""Make an environment be what the plan wants it to be; the record says when it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kern.errors import StepFailed
from kern.plan.builds import Builds, artifact_record
from kern.plan.environment import DAMAGED, broken, environment_from
from kern.plan.reasons import MAKING, READY, decide, settled
from kern.plan.values import MAKE, REUSE, UPDATE, RowPlan
from kern.state import ENVIRONMENTS

if TYPE_CHECKING:
    from kern.api import Artifact, Environment
    from kern.log import StepLog
    from kern.session import Session

OnStart = Callable[[str, str], None]
"""Told the action and its reason before anything is changed."""


def ensure_environment(
    session: Session, plan: RowPlan, artifact: Artifact | None, log: StepLog, started: OnStart
) -> str:
    """Make or update the environment if that is needed.

    Returns:
        What was done: `MAKE`, `UPDATE` or `REUSE`.

    Raises:
        StepFailed: it could not be made; its record says so, and the next run makes it from scratch.
    """
    key = plan.row.key
    with session.lock(f"env.{key}", exclusive=True):
        record = session.state.read(ENVIRONMENTS, key)
        action, reason = _decide_again(session, plan, record, artifact)
        if action == REUSE:
            return REUSE
        started(action, reason)
        _check_lock(session, plan, artifact)
        with session.state.temporary(f"make-{key}") as scratch:
            # What a file that was changed in place had been linked from is not to be trusted either.
            distrust = reason.startswith(DAMAGED) and reason.endswith(" has changed")
            context = session.context(plan.row.provider, log, work_dir=lambda: scratch, distrust=distrust)
            if action == UPDATE and record is not None:
                _update(session, plan, record, artifact, context)
            else:
                _make(session, plan, artifact, context)
        return action


def _decide_again(
    session: Session, plan: RowPlan, record: dict[str, Any] | None, artifact: Artifact | None
) -> tuple[str, str]:
    """Between the plan and the lock another kern may have done the work."""
    unchanged = session.state.stamp(ENVIRONMENTS, plan.row.key) == plan.stamp
    if unchanged and plan.action == MAKE:
        return MAKE, plan.reason
    action, reason = decide(record, inputs_now(session, plan), plan.spec.location, artifact)
    if record is not None and action != MAKE:
        problem = broken(session, record, plan.spec.location)
        if problem:
            return MAKE, problem
    return action, reason


def _check_lock(session: Session, plan: RowPlan, artifact: Artifact | None) -> None:
    """Now that the package is built it is known for sure what it requires.

    Raises:
        StepFailed: the lock file does not answer that.
    """
    if plan.spec.lock is None or artifact is None:
        return
    from kern.plan.locks import Lock, lock_of, why_stale

    definition = Builds(session).package(plan.row.package)
    found = lock_of(session, plan.row, plan.spec, definition, artifact)
    stale = why_stale(found) if isinstance(found, Lock) else ""
    if stale:
        raise StepFailed(stale, hint=f"kern lock {plan.row.name}")


def _make(session: Session, plan: RowPlan, artifact: Artifact | None, context: Any) -> None:
    provider = session.registry.load("kern.provider", plan.row.provider)
    location = plan.spec.location
    _dispose_other(session, plan)
    provider.dispose(location, context)
    token = session.state.remake(ENVIRONMENTS, plan.row.key, location)
    value: dict[str, Any] = {"location": location, "token": token}
    begun = {**value, "state": MAKING, "provider": plan.row.provider}  # who has to dispose of it, should this be all
    session.state.write(ENVIRONMENTS, plan.row.key, begun)
    environment = provider.provision(plan.spec, context)
    installed = provider.install(plan.spec, environment, [artifact] if artifact else [], context)
    _finish(session, plan, value, environment, installed, artifact)


def _dispose_other(session: Session, plan: RowPlan) -> None:
    """Have it disposed of by the provider that made it before, if that is another one."""
    before = (session.state.read(ENVIRONMENTS, plan.row.key) or {}).get("provider")
    if before and before != plan.row.provider:
        from kern.steps.disposing import dispose

        dispose(session, before, plan.spec.location, plan.row.label)


def _update(session: Session, plan: RowPlan, record: dict[str, Any], artifact: Artifact | None, context: Any) -> None:
    provider = session.registry.load("kern.provider", plan.row.provider)
    environment = environment_from(record)
    value = {**record, "state": MAKING}
    session.state.write(ENVIRONMENTS, plan.row.key, value)
    added = _added(record, environment)
    installed = provider.install(plan.spec, environment, [artifact] if artifact else [], context)
    _finish(session, plan, value, environment, installed, artifact, added)


def _added(record: dict[str, Any], environment: Environment) -> frozenset[str]:
    """The files that commands and activation have left in an environment; nobody has promised that they stay."""
    from kern.inventory import paths, take

    return paths(take(environment.location, environment.watch, environment.volatile)) - paths(
        record.get("inventory", [])
    )


def _finish(
    session: Session,
    plan: RowPlan,
    value: dict[str, Any],
    environment: Environment,
    installed: Mapping[str, str],
    artifact: Artifact | None,
    added: frozenset[str] = frozenset(),
) -> None:
    from kern.inventory import take

    done = {
        **value,
        "state": READY,
        "made": time.time(),
        "provider": plan.row.provider,
        "inputs": inputs_now(session, plan),
        "environment": {
            "activator": environment.activator,
            "interpreter": _interpreter(environment),
            "watch": list(environment.watch),
            "volatile": list(environment.volatile),
            "facts": dict(environment.facts),
        },
        "installed": dict(installed),
        "artifact": artifact_record(artifact) if artifact else None,
        "inventory": take(environment.location, environment.watch, environment.volatile, added),
    }
    session.state.write(ENVIRONMENTS, plan.row.key, done)


def _interpreter(environment: Environment) -> str | None:
    """The interpreter, unless its place is inside the environment and nothing that was installed has put it there."""
    path = environment.interpreter
    inside = path is not None and path.startswith(f"{environment.location}/")
    return None if inside and not os.path.lexists(path or "") else path


def inputs_now(session: Session, plan: RowPlan) -> Mapping[str, Any]:
    """What the environment depends on, with what the plan could not know yet; see `kern.plan.reasons.settled`."""

    def ask() -> Mapping[str, Any]:
        provider = session.registry.load("kern.provider", plan.row.provider)
        inputs: Mapping[str, Any] = provider.fingerprint(plan.spec, session.context(plan.row.provider))
        return inputs

    return settled(plan.inputs, ask)
