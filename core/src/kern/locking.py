"""Lock environments: resolve them and write down what they consist of, or say whether what is written still holds."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from kern.errors import KernError, StepFailed, Stopped
from kern.events import INTERRUPTED, Event, StepFinished
from kern.lock_subjects import (
    FAILED,
    LOCKED,
    NONE,
    STALE,
    UNCHANGED,
    Result,
    Subject,
    grouped,
    names_of,
    subject_to_check,
    subject_to_lock,
)
from kern.log import StepLog
from kern.named_tuples import NamedTuple
from kern.plan.builds import Builds
from kern.plan.locks import Lock, lock_of, why_stale
from kern.plan.values import Build, Plan
from kern.scheduler import Node, Pools, Scheduler
from kern.steps.choices import Choices
from kern.steps.engine import Engine
from kern.store import new_run_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from kern.api import Artifact
    from kern.session import Session

    Listen = Callable[[Callable[[int, str], None]], AbstractContextManager[object]]

UNSURE = "what the package requires can't be told without building it, so that was not compared"


class LockChoices(NamedTuple):
    """What the command line says about locking, beside the selection.

    Attributes:
        upgrade: names of packages that may get another version; ``None`` for all.
        jobs: how many things may be done at once.
        strict: an environment that can't be made here is a failure, not left out.
        quiet: say nothing of the builds.
    """

    upgrade: tuple[str, ...] | None = ()
    jobs: int = 1
    strict: bool = False
    quiet: bool = False


def lock(
    session: Session,
    names: Sequence[str],
    choices: LockChoices,
    tell: Callable[[Result], None],
    listen: Listen = nullcontext,
) -> list[Result]:
    """Write the lock files of environments; those that answer the configuration already are left alone.

    Args:
        session: the project.
        names: the environments.
        choices: what the command line says.
        tell: takes each result when it is there, from any thread.
        listen: entered while there is something to stop; it gets what stops that.

    Returns:
        A result for every lock file, and for every environment that has none, in the order of the environments; some
        are absent if it was stopped.
    """
    builds = Builds(session)
    subjects = [subject_to_lock(session, row, builds, strict=choices.strict) for row in session.rows.rows(names)]
    groups = grouped(subjects)
    logs = new_run_directory(session.work_dir).path
    engine = _engine(session, builds, subjects, choices, logs)
    work = _Work(session, engine, choices, logs)
    found: dict[str, Result] = {}

    def one(key: str) -> None:
        result = work.do(groups[key])
        if result is not None:
            found[key] = result
            tell(result)

    scheduler = Scheduler(_nodes(session, groups), one, choices.jobs, Pools(session.project.limits))

    def stop(level: int, why: str) -> None:
        scheduler.stop(level)
        engine.stop(level, why)

    with listen(stop):
        engine.execute()
        scheduler.run()
    if scheduler.abandoned:
        session.tell_busy(session.warn)
    session.remember()
    return [found[key] for key in groups if key in found]


def check(session: Session, names: Sequence[str]) -> list[Result]:
    """Say whether the lock files of environments answer the configuration. Resolves and writes nothing."""
    builds = Builds(session)
    subjects = [subject_to_check(session, row, builds) for row in session.rows.rows(names)]
    return [_checked(group) for group in grouped(subjects).values()]


def _checked(group: Sequence[Subject]) -> Result:
    if group[0].refusal is not None:
        return group[0].refusal
    names, locks = names_of(group), [subject.lock for subject in group if subject.lock]
    stale = next(filter(None, map(why_stale, locks)), "")
    if stale:
        return Result(names, locks[0].shown, STALE, stale, f"kern lock {' '.join(names)}")
    return Result(names, locks[0].shown, UNCHANGED, "" if all(found.sure for found in locks) else UNSURE)


def _nodes(session: Session, groups: dict[str, list[Subject]]) -> list[Node]:
    """One step for each lock file, in the pools that making its environment takes part in."""
    loaded = {key: session.rows.provider(group[0].row.name, group[0].row.factors) for key, group in groups.items()}
    return [Node(key, (), tuple(provider.pools)) for key, provider in loaded.items()]


def _engine(session: Session, builds: Builds, subjects: Sequence[Subject], choices: LockChoices, logs: str) -> Engine:
    """What builds the packages of those rows that are locked; others that `Builds` has seen are left alone."""
    wanted: dict[str, Build] = {}
    pending = [subject.build for subject in subjects if subject.build and not subject.refusal]
    while pending:
        build = pending.pop()
        wanted[build.key] = build
        pending += [builds.found[key] for key in (build.source, build.first) if key and key not in wanted]

    def emit(event: Event) -> None:
        if isinstance(event, StepFinished) and not choices.quiet:
            session.warn(f"{event.title}: {event.outcome}")

    plan = Plan(tuple(build for key, build in builds.found.items() if key in wanted), (), ())
    return Engine(
        session,
        plan,
        Choices(jobs=choices.jobs, fail_fast=False, test=False, posargs=None, log_dir=logs, variables={}),
        emit,
    )


class _Work:
    """Locks one group of rows after the other, in whatever thread asks."""

    def __init__(self, session: Session, engine: Engine, choices: LockChoices, logs: str) -> None:
        """``engine`` has built the packages when the first one is asked for."""
        self._session = session
        self._engine = engine
        self._choices = choices
        self._logs = logs

    def do(self, group: Sequence[Subject]) -> Result | None:
        """The result of a group; ``None`` if it was interrupted."""
        first = group[0]
        if first.refusal is not None or first.lock is None:
            return first.refusal
        log = StepLog(os.path.join(self._logs, f"{first.row.key}.lock.log"), self._session.masker)
        try:
            return Result(names_of(group), first.lock.shown, self._write(first, log))
        except Stopped:
            return None
        except KernError as error:
            path = error.log or (log.path if os.path.exists(log.path) else "")
            tail = error.tail
            return Result(names_of(group), first.lock.shown, FAILED, error.sentence, error.hint, path, tail)
        finally:
            log.close()

    def _write(self, subject: Subject, log: StepLog) -> str:
        """Resolve and write, unless the lock file answers already."""
        session, row = self._session, subject.row
        artifact = self._artifact(subject)
        found = lock_of(session, row, subject.spec, subject.package, artifact)
        if not isinstance(found, Lock):  # it was one before the package was built
            return NONE
        with session.lock(f"lock.{os.path.basename(found.path)}", exclusive=True):
            if self._choices.upgrade == () and not why_stale(found):
                return UNCHANGED
            before = _content(found.path)
            with session.state.temporary(f"lock-{row.key}") as scratch:
                context: Any = session.context(row.provider, log, work_dir=lambda: scratch)
                found.locker.lock(subject.spec, found.path, found.inputs, artifact, self._choices.upgrade, context)
            return UNCHANGED if _content(found.path) == before else LOCKED

    def _artifact(self, subject: Subject) -> Artifact | None:
        if subject.build is None:
            return None
        artifact = self._engine.artifact(subject.build.key)
        if artifact is not None:
            return artifact
        failure = self._engine.failure(subject.build.key)
        if failure.reason == INTERRUPTED:
            raise Stopped("interrupted")
        said = f"{subject.row.package} could not be built: {failure.reason}"
        raise StepFailed(said, hint=failure.hint, log=failure.log, tail=failure.tail)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""
