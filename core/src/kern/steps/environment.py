"""Make an environment be what the plan wants it to be; the record says when it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kern.plan.builds import artifact_record
from kern.plan.environment import environment_from
from kern.plan.planner import broken
from kern.plan.reasons import MAKING, READY, decide
from kern.plan.values import MAKE, REUSE, UPDATE, RowPlan
from kern.state import ENVIRONMENTS

if TYPE_CHECKING:
    from kern.api import Artifact, Environment
    from kern.log import StepLog
    from kern.session import Session

CHANGED = "damaged: "
"""How the reason begins when a file was changed in place: what it was linked from is not to be trusted either."""

Started = Callable[[str, str], None]
"""Told the action and its reason before anything is changed."""


def ensure_environment(
    session: Session, plan: RowPlan, artifact: Artifact | None, log: StepLog, started: Started
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
        with session.state.temporary(f"make-{key}") as scratch:
            distrust = reason.startswith(CHANGED) and reason.endswith(" has changed")
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
    action, reason = decide(record, plan.inputs, plan.spec.location, artifact)
    if record is not None and action != MAKE:
        problem = broken(session, record, plan.spec.location)
        if problem:
            return MAKE, problem
    return action, reason


def _make(session: Session, plan: RowPlan, artifact: Artifact | None, context: Any) -> None:
    provider = session.registry.load("kern.provider", plan.row.provider)
    location = plan.spec.location
    provider.dispose(location, context)
    token = session.state.remake(ENVIRONMENTS, plan.row.key, location)
    value: dict[str, Any] = {"location": location, "token": token}
    environment = provider.provision(plan.spec, context)
    installed = provider.install(plan.spec, environment, [artifact] if artifact else [], context)
    _finish(session, plan, value, environment, installed, artifact)


def _update(session: Session, plan: RowPlan, record: dict[str, Any], artifact: Artifact | None, context: Any) -> None:
    provider = session.registry.load("kern.provider", plan.row.provider)
    environment = environment_from(record)
    value = {**record, "state": MAKING}
    session.state.write(ENVIRONMENTS, plan.row.key, value)
    installed = provider.install(plan.spec, environment, [artifact] if artifact else [], context)
    _finish(session, plan, value, environment, installed, artifact)


def _finish(
    session: Session,
    plan: RowPlan,
    value: dict[str, Any],
    environment: Environment,
    installed: Mapping[str, str],
    artifact: Artifact | None,
) -> None:
    from kern.inventory import take

    done = {
        **value,
        "state": READY,
        "made": time.time(),
        "provider": plan.row.provider,
        "inputs": plan.inputs,
        "environment": {
            "activator": environment.activator,
            "interpreter": environment.interpreter,
            "watch": list(environment.watch),
            "volatile": list(environment.volatile),
            "facts": dict(environment.facts),
        },
        "installed": dict(installed),
        "artifact": artifact_record(artifact) if artifact else None,
        "inventory": take(environment.location, environment.watch, environment.volatile),
    }
    session.state.write(ENVIRONMENTS, plan.row.key, done)
