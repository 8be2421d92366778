"""Rows that run in an environment that is there already: which one it is, and what it lacks of what they ask for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import Adopted
from kern.errors import ConfigError, KernError, PluginError, UsageError
from kern.events import ERROR
from kern.expression import factors_of
from kern.plan.adopting import adopt, is_place
from kern.plan.environment import OptionPlaced, environment_from, is_ready
from kern.plan.targets import Targets
from kern.plan.values import EXISTING, Existing, Row, RowPlan

if TYPE_CHECKING:
    from kern.api import Environment
    from kern.session import Session

KERN = "kern"
"""The kind of an environment that kern has made itself."""
MADE = 3


class Adoptions:
    """The environments that rows run in; each target is looked for once."""

    def __init__(self, session: Session, *, strict: bool = False) -> None:
        """``strict``: what an environment lacks is an error."""
        self._session = session
        self._strict = strict
        self._known: dict[tuple[str, str], Existing] = {}

    def of(self, row: Row) -> Existing:
        """Find the environment that a row runs in. What is wrong with it is part of the answer.

        Raises:
            ConfigError: the row is to run in itself, or in one that runs in another.
        """
        key = (row.existing, row.provider)
        if key not in self._known:
            self._known[key] = self._find(row)._replace(strict=self._strict)
        return self._known[key]

    def _find(self, row: Row) -> Existing:
        session = self._session
        target, base = _followed(session, row.existing)
        if own_name(session, target):
            return own(session, row, target)
        try:
            found = adopt(session, target, base=base, first=row.provider)
        except ConfigError:
            raise
        except (UsageError, PluginError) as error:
            if session.env_from:  # a mistake on the command line, and the same one for all rows
                raise error.at("command line") from None
            return Existing(target, reason=error.message, hint=error.hint)
        except KernError as error:
            return Existing(target, reason=error.message, hint=error.hint)
        return Existing(target, found.kind, found.adopted)


def _followed(session: Session, target: str) -> tuple[str, str]:
    """Where a target leads, and what a path in that is relative to: ``--env-from NAME`` means where its rows run."""
    if not session.env_from:
        return target, session.project.directory
    stated = Targets(session).stated(target, factors_of(target)) if own_name(session, target) else ""
    return (stated, session.project.directory) if stated else (target, session.directory)


def own_name(session: Session, target: str) -> bool:
    """Whether a target is the name of an environment of the project, in the list or outside of it."""
    if is_place(target):
        return False
    return target in session.matrix or session.explains(target)


def own(session: Session, row: Row, name: str) -> Existing:
    """The environment of the project that another row runs in; without its content as long as it is not made.

    Raises:
        ConfigError: it is the row's own, or runs in another itself.
    """
    made = session.rows.made_rows_of(name)[0]
    if not session.env_from and session.rows.target_of(name):
        said = "itself" if name == row.name else f"{name}, which runs in another one itself"
        hint = f"if one outside of the project is meant, name its kind: KIND:{name}, or {name}: for all of a kind"
        raise ConfigError(f"{row.name} can't run in {said}", where=stated_at(session, row), hint=hint)
    return own_now(session, Existing(name, KERN, key=made.key))


def own_now(session: Session, existing: Existing) -> Existing:
    """An environment of the project as it is on disk now."""
    record = session.record(existing.key)
    if record is None or not is_ready(session, record, session.state.environment_path(existing.key)):
        return existing._replace(adopted=None)
    adopted = Adopted(environment_from(record), MADE, f"it is {existing.target}, made by kern", record["installed"])
    return existing._replace(adopted=adopted)


def stated_at(session: Session, row: Row) -> str:
    """Where the configuration says which environment a row runs in."""
    origins = session.settings.resolve(row.name, row.factors, "existing").origins
    return session.project.where(*origins[-1]) if origins else session.project.where("env")


def planned(session: Session, blank: RowPlan, existing: Existing, *, made: bool) -> RowPlan:
    """The plan of a row that runs in an existing environment: nothing is made, built or installed.

    Args:
        session: the project.
        blank: the row's plan so far.
        existing: where it runs.
        made: whether the plan makes that environment, if it is one of the project's.
    """
    plan = blank._replace(action=EXISTING, existing=existing)
    if existing.reason:
        return plan._replace(outcome=ERROR, reason=existing.reason, hint=existing.hint)
    if existing.adopted is None and made:
        return plan._replace(reason=f"{existing.target} is made first")
    if existing.adopted is None:
        reason, hint = absent(existing)
        return plan._replace(outcome=ERROR, reason=reason, hint=hint)
    return held(session, plan._replace(reason=sign(session, existing)), existing)


def absent(existing: Existing) -> tuple[str, str]:
    """Why a row can't run in an environment of the project, and how to mend that."""
    return f"{existing.target} is not made", f"kern run --no-test {existing.target} makes it"


def held(session: Session, plan: RowPlan, existing: Existing) -> RowPlan:
    """Hold the environment against what the row asks for.

    Raises:
        ConfigError: the row asks for something that can't be read.
    """
    if existing.adopted is None:
        return plan
    provider = session.rows.provider(plan.row.name, plan.row.factors)
    context = session.context(plan.row.provider)
    with OptionPlaced(session, plan.row):
        lacking = tuple(provider.drift(plan.spec, existing.adopted, context))
    plan = plan._replace(existing=existing, drift=lacking)
    if not (lacking and existing.strict):
        return plan
    said = f"{place_of(session, existing)} is not what {plan.row.name} asks for: {'; '.join(lacking)}"
    return plan._replace(outcome=ERROR, reason=said, hint="without --strict-drift this is a warning")


def sign(session: Session, existing: Existing) -> str:
    """What is known of an existing environment, in words: ``PATH (conda), it has conda-meta/history``."""
    if existing.adopted is None:
        return existing.target
    return f"{place_of(session, existing)} ({existing.kind}), {existing.adopted.why}"


def place_of(session: Session, existing: Existing) -> str:
    """How a user knows an existing environment: its path; the target where that is a path in kern's own cache."""
    location = existing.adopted.environment.location if existing.adopted else ""
    inside = location.startswith(os.path.join(session.services.cache_root, ""))
    return existing.target if inside or not location else location


def facts(existing: Existing | None) -> dict[str, str] | None:
    """An existing environment as a JSON value."""
    if existing is None:
        return None
    environment: Environment | None = existing.adopted.environment if existing.adopted else None
    return {
        "target": existing.target,
        "kind": existing.kind,
        "location": environment.location if environment else "",
        "interpreter": (environment.interpreter or "") if environment else "",
        "why": existing.adopted.why if existing.adopted else existing.reason,
    }


def record_of(adopted: Adopted) -> dict[str, Any]:
    """What a row's run takes for the record of its environment."""
    environment = adopted.environment
    return {
        "location": environment.location,
        "environment": {**environment._asdict(), "watch": (), "volatile": ()},
        "installed": dict(adopted.installed),
        "artifact": None,
    }
