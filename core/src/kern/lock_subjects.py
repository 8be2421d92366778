"""What may be locked: rows with their lock files, and why some have none. Nothing is changed here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import EnvSpec, PackageSpec, Unavailable
from kern.named_tuples import NamedTuple
from kern.plan.environment import environment_spec
from kern.plan.locks import Lock, lock_of
from kern.plan.planner import why_foreign
from kern.plan.values import Build, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.api import Artifact, LockerProbe, Provider
    from kern.plan.builds import Builds
    from kern.session import Session

LOCKED = "locked"
UNCHANGED = "unchanged"
FAILED = "failed"
STALE = "stale"
NONE = "none"
"""How it went for an environment; `NONE`: it has no lock file, and ``reason`` says why."""

EXISTING = "it is an environment that kern did not make"


class Result(NamedTuple):
    """What became of one lock file.

    Attributes:
        environments: those that share it.
        path: of the file, relative to the project; empty for none.
        outcome: one of the words above.
        reason: why it is not simply locked or unchanged.
        hint: how to mend that.
        log: absolute path of the step's log, empty for none.
        tail: the last lines of what the resolver said.
    """

    environments: tuple[str, ...]
    path: str
    outcome: str
    reason: str = ""
    hint: str = ""
    log: str = ""
    tail: str = ""


class Subject(NamedTuple):
    """One row that may be locked, with what is known of it before anything is done.

    Attributes:
        row: the row.
        spec: the environment, as its provider sees it.
        package: the definition of the package under test.
        build: what gives that package.
        lock: the lock file.
        refusal: the result, if it is clear already that nothing is to be done.
    """

    row: Row
    spec: EnvSpec
    package: PackageSpec | None = None
    build: Build | None = None
    lock: Lock | None = None
    refusal: Result | None = None


def subject_to_lock(session: Session, row: Row, builds: Builds, *, strict: bool) -> Subject:
    """A row that is to be locked on this machine.

    Args:
        session: the project.
        row: the row.
        builds: collects what has to be built.
        strict: that it can't be made here is a failure.
    """
    found = _with_lock(session, row, builds, None)
    foreign = why_foreign(session, row, session.context(row.provider).platform)
    if found.refusal or not found.lock or foreign:
        return found._replace(refusal=found.refusal or Result((row.name,), "", NONE, foreign))
    missing = _why_not_here(session, row, found.spec, found.lock.locker)
    if missing is None and row.package:
        added = builds.add(row.package, found.spec)
        if not isinstance(added, Unavailable):
            return found._replace(build=added)
        missing = added
    if missing is None:
        return found
    outcome = NONE if missing.missing and not strict else FAILED
    return found._replace(refusal=Result((row.name,), found.lock.shown, outcome, missing.reason, missing.hint))


def subject_to_check(session: Session, row: Row, builds: Builds) -> Subject:
    """A row with what can be known of its package without a build: what its tree says, or its last build."""
    found = _with_lock(session, row, builds, None)
    if found.lock is not None and not os.path.exists(found.lock.path):
        reason = _why_not_locked(session, row, found.spec, found.lock.locker)
        return found._replace(refusal=Result((row.name,), "", NONE, reason)) if reason else found
    if found.lock is None or found.lock.sure:
        return found
    build = builds.add(row.package, found.spec)
    known = isinstance(build, Build) and build.artifact is not None
    return _with_lock(session, row, builds, build.artifact) if known else found  # type: ignore[union-attr]


def _why_not_here(session: Session, row: Row, spec: EnvSpec, locker: Any) -> Unavailable | None:
    """Why an environment can't be locked on this machine: its locker may be able to where it can't be made."""
    probing: LockerProbe | Provider = (
        locker if hasattr(locker, "probe") else session.rows.provider(row.name, row.factors)
    )
    return probing.probe(spec, session.context(row.provider))


def _why_not_locked(session: Session, row: Row, spec: EnvSpec, locker: Any) -> str:
    """Why `kern lock` would leave an environment out; empty if it would not."""
    foreign = why_foreign(session, row, session.context(row.provider).platform)
    missing = None if foreign else _why_not_here(session, row, spec, locker)
    return foreign or (missing.reason if missing is not None and missing.missing else "")


def grouped(subjects: Sequence[Subject]) -> dict[str, list[Subject]]:
    """Rows that share a lock file, by its path; a row that can't be locked stands alone."""
    groups: dict[str, list[Subject]] = {}
    for subject in subjects:
        alone = f"{subject.row.name}\0{subject.refusal.outcome}" if subject.refusal else ""
        key = subject.lock.path if subject.lock and not alone else alone
        groups.setdefault(key, []).append(subject)
    return groups


def names_of(group: Sequence[Subject]) -> tuple[str, ...]:
    """The environments of a group, each once."""
    return tuple(dict.fromkeys(subject.row.name for subject in group))


def _with_lock(session: Session, row: Row, builds: Builds, artifact: Artifact | None) -> Subject:
    spec = environment_spec(session, row)
    if row.existing:
        return Subject(row, spec, refusal=Result((row.name,), "", NONE, EXISTING))
    package = builds.package(row.package) if row.package else None
    found = lock_of(session, row, spec, package, artifact)
    if isinstance(found, Lock):
        return Subject(row, spec, package, lock=found)
    reason, hint = (found.reason, found.hint) if found else ("nothing to lock", "")
    return Subject(row, spec, package, refusal=Result((row.name,), "", NONE, reason, hint))
