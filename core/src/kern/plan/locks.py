"""Lock files: which one an environment has, and whether it still answers the configuration. Looks at files only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import Unavailable
from kern.named_tuples import NamedTuple
from kern.plan.environment import OptionPlaced
from kern.plan.reasons import changed, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Artifact, EnvSpec, PackageSpec
    from kern.plan.values import Row
    from kern.session import Session

REQUIRES = "what the package requires"
"""Name of the one input that the kernel adds to a locker's own."""

UNKNOWN = "not known"
"""Stands for what a package requires where only installing it tells."""


class Lock(NamedTuple):
    """The lock file that an environment has or should have.

    Attributes:
        locker: the driver.
        path: absolute path.
        shown: path relative to the project.
        inputs: what it has to answer, JSON values.
        sure: whether the inputs hold what the package requires, if there is a package.
    """

    locker: Any
    path: str
    shown: str
    inputs: Mapping[str, Any]
    sure: bool


def lock_of(
    session: Session, row: Row, spec: EnvSpec, package: PackageSpec | None, artifact: Artifact | None
) -> Lock | Unavailable | None:
    """The lock file of an environment.

    Args:
        session: the project.
        row: its row.
        spec: the environment.
        package: the definition of the package that is installed into it.
        artifact: that package, if it is there already.

    Returns:
        The lock file, ``None`` if there is nothing to lock, or why there can't be one.

    Raises:
        ConfigError: a file that the options name can't be read.
    """
    if row.provider not in session.registry.names("kern.locker"):
        return _without_locker(session, row)
    locker = session.registry.load("kern.locker", row.provider)
    shown = locker.path(spec, package is not None)
    if not shown:
        return None
    context = session.context(row.provider)
    with OptionPlaced(session, row):
        inputs = plain(locker.inputs(spec, context))
    requires = locker.requires(package, artifact, context) if package is not None else ()
    if package is not None:
        inputs[REQUIRES] = [UNKNOWN] if requires is None else list(requires)
    return Lock(locker, os.path.join(session.project.directory, shown), shown, inputs, requires is not None)


def _without_locker(session: Session, row: Row) -> Unavailable | None:
    """Where nothing is ever installed there is nothing to lock."""
    if not session.rows.provider(row.name, row.factors).accepts:
        return None
    return Unavailable(f"environments of the kind {row.provider} can't be locked", missing=False)


def why_stale(lock: Lock) -> str:
    """Why a lock file does not answer the configuration, in words; empty if it does."""
    if not os.path.exists(lock.path):
        return f"there is no lock file {lock.shown}"
    if _is_in_conflict(lock.path):
        return f"{lock.shown} holds the two sides of a merge that is not resolved"
    recorded = lock.locker.read(lock.path)
    if recorded is None:
        return f"{lock.shown} does not say what it was locked for"
    before, after = dict(recorded), dict(lock.inputs)
    if [UNKNOWN] in (before.get(REQUIRES), after.get(REQUIRES)):
        before.pop(REQUIRES, None)
        after.pop(REQUIRES, None)
    for name, value in {**before, **after}.items():
        if isinstance(value, list):  # so that what came and went is named
            before.setdefault(name, [])
            after.setdefault(name, [])
    difference = changed(before, after)
    return f"{lock.shown} no longer answers the configuration: {difference}" if difference else ""


def _is_in_conflict(path: str) -> bool:
    """Whether version control has left its markers in a file."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return False
    return data.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in data


def refuse(row: Row, reason: str) -> Unavailable:
    """An environment that can't be installed from its lock."""
    return Unavailable(reason, hint=f"kern lock {row.name}", missing=False)
