"""Build packages without running anything in the environments they are for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Artifact, Unavailable
from kern.errors import ConfigError, LockTimeout, StepFailed, UsageError
from kern.events import Event, StepFinished
from kern.plan.builds import Builds
from kern.plan.environment import environment_spec
from kern.plan.values import Build, Plan
from kern.steps.choices import Choices
from kern.steps.engine import Engine
from kern.store import new_run_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.session import Session


def build(session: Session, names: Sequence[str], packages: Sequence[str], jobs: int, *, quiet: bool) -> list[Artifact]:
    """Build package definitions for environments.

    Args:
        session: the project.
        names: the environments to build for.
        packages: names of definitions; empty for those that the environments test.
        jobs: how many builds may run at once.
        quiet: say nothing but failures.

    Returns:
        The artifacts, each once, in the order they were asked for.

    Raises:
        StepFailed: a build failed.
        LockTimeout: another kern was at it for too long.
        UsageError: there is nothing to build.
    """
    builds = Builds(session)
    wanted = _wanted(session, builds, names, packages)
    if not wanted:
        raise UsageError("there is nothing to build", hint="name a package: kern build wheel")

    def emit(event: Event) -> None:
        if isinstance(event, StepFinished) and not quiet:
            session.warn(f"{event.title}: {event.outcome}")

    plan = Plan(tuple(builds.found.values()), (), ())
    logs = new_run_directory(session.work_dir).path
    choices = Choices(jobs=jobs, fail_fast=True, test=False, posargs=None, log_dir=logs, variables={})
    engine = Engine(session, plan, choices, emit)
    engine.execute()
    session.remember()
    return _artifacts(engine, wanted)


def _wanted(session: Session, builds: Builds, names: Sequence[str], packages: Sequence[str]) -> list[Build]:
    found: dict[str, Build] = {}
    for row in session.rows.rows(names):
        spec = environment_spec(session, row)
        for package in packages or ([row.package] if row.package else []):
            added = builds.add(package, spec)
            if isinstance(added, Unavailable):
                raise ConfigError(added.reason, where=row.label, hint=added.hint)
            found[added.key] = added
    return list(found.values())


def _artifacts(engine: Engine, wanted: Sequence[Build]) -> list[Artifact]:
    found: dict[str, Artifact] = {}
    for item in wanted:
        artifact = engine.artifact(item.key)
        if artifact is None:
            failure = engine.failure(item.key)
            if item.key in engine.late:
                raise LockTimeout(failure.reason, hint=failure.hint)
            raise StepFailed(
                f"{item.package.name} could not be built: {failure.reason}",
                hint=failure.hint,
                log=failure.log,
                tail=failure.tail,
            )
        found[os.path.realpath(artifact.path)] = artifact
    return list(found.values())
