"""Make the plan: for every selected row, what has to be done and why. Looks at files, changes nothing."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any, NamedTuple

from kern.api import Artifact, EnvSpec, Unavailable
from kern.diagnostics import logger
from kern.errors import ConfigError, UsageError
from kern.events import ERROR, SKIPPED
from kern.expression import factors_of
from kern.inventory import damage
from kern.matrix import PLATFORMS
from kern.plan.builds import Builds
from kern.plan.environment import environment_spec, is_whole
from kern.plan.preview import preview
from kern.plan.reasons import decide, plain
from kern.plan.run_settings import run_settings
from kern.plan.values import BUILD, MAKE, REUSE, SETTLE, Plan, Row, RowPlan
from kern.select import select
from kern.state import ENVIRONMENTS

if TYPE_CHECKING:
    from kern.session import Session


class Wanted(NamedTuple):
    """What the command line says beside the selection.

    Attributes:
        packages: files or directories of ready artifacts; empty to build.
        missing: ``skip`` or ``fail``: what a missing interpreter means.
        posargs: what the user gave after ``--``; ``None`` without ``--``.
    """

    packages: tuple[str, ...] = ()
    missing: str = "fail"
    posargs: tuple[str, ...] | None = None


def make_plan(session: Session, names: tuple[str, ...], wanted: Wanted, notices: tuple[str, ...] = ()) -> Plan:
    """Plan the rows of some environments and of everything these depend on.

    Raises:
        ConfigError: a mistake in the configuration of a selected row.
        PluginError: a driver is absent or broken.
        UsageError: no ready artifact fits.
    """
    ordered, depends = _with_dependencies(session, names)
    rows = session.rows.rows(ordered)
    builds = Builds(session)
    ready = _ready(session, wanted)
    labels: dict[str, list[str]] = {}
    for row in rows:
        labels.setdefault(row.name, []).append(row.label)
    plans = []
    for row in rows:
        before = tuple(label for name in depends.get(row.name, ()) for label in labels[name])
        plans.append(_plan_row(session, row, builds, ready, wanted, before))
    plan = Plan(tuple(builds.found.values()), tuple(plans), (*session.project.assumed, *notices))
    session.hooks.plan(plan)
    return plan


def _with_dependencies(session: Session, names: tuple[str, ...]) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """Names in an order in which every environment stands behind those it depends on."""
    depends: dict[str, tuple[str, ...]] = {}
    ordered: dict[str, None] = {}
    if not session.settings.varies("depends") and not session.settings.value("", (), "depends"):
        return list(names), depends

    for name in names:
        trail = {} if name in ordered else {name: iter(_noted(session, name, depends))}
        while trail:
            current = next(reversed(trail))
            other = next(trail[current], "")
            if other in trail:
                raise _circle(session, list(trail), other)
            if not other:
                ordered[current] = None
                del trail[current]
            elif other not in ordered:
                trail[other] = iter(_noted(session, other, depends))
    return list(ordered), depends


def _noted(session: Session, name: str, depends: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    depends[name] = _depends(session, name)
    return depends[name]


def _circle(session: Session, trail: list[str], name: str) -> ConfigError:
    circle = " -> ".join((*trail[trail.index(name) :], name))
    return ConfigError(f"environments depend on each other: {circle}", where=_depends_place(session, name))


def _depends(session: Session, name: str) -> tuple[str, ...]:
    value = session.settings.value(name, factors_of(name), "depends")
    if not value:
        return ()
    try:
        found = select(session.matrix, value, (), (), lambda _: False).names
    except UsageError as error:
        raise ConfigError(
            f"{name} depends on an environment that does not exist: {error.message}",
            where=_depends_place(session, name),
            hint=error.hint,
        ) from None
    return tuple(other for other in found if other != name)


def _depends_place(session: Session, name: str) -> str:
    origins = session.settings.resolve(name, factors_of(name), "depends").origins
    return session.project.where(*origins[-1]) if origins else session.project.where("env")


class _Target(NamedTuple):
    """What a row gets as its package: a build, a ready artifact, nothing, or a reason why it can't be had."""

    build: str = ""
    artifact: Artifact | None = None
    pending: bool = False
    veto: Unavailable | None = None


def _plan_row(
    session: Session, row: Row, builds: Builds, ready: Any, wanted: Wanted, depends: tuple[str, ...]
) -> RowPlan:
    provider = session.rows.provider(row.name, row.factors)
    spec = environment_spec(session, row)
    context = session.context(row.provider)
    run = run_settings(session.project, session.settings, row)
    blank = RowPlan(row, spec, run, REUSE, "", {}, "", None, "", depends, tuple(provider.pools))
    blank = blank._replace(shown=preview(session, row, run, spec.location, wanted.posargs))
    elsewhere = _elsewhere(session, row, context.platform)
    if elsewhere:
        return blank._replace(outcome=SKIPPED, reason=elsewhere)
    missing: Unavailable | None = provider.probe(spec, context)
    if missing is not None:
        return _unavailable(blank, missing, wanted)
    target = (None if ready else _refused(session, row, provider)) or _target(row, spec, builds, ready)
    if target.veto is not None:
        return _unavailable(blank, target.veto, wanted)
    inputs = {**plain(provider.fingerprint(spec, context)), "package": row.package}
    return _decided(session, blank._replace(inputs=inputs, build=target.build, artifact=target.artifact), target)


def _unavailable(blank: RowPlan, why: Unavailable, wanted: Wanted) -> RowPlan:
    skip = why.missing and wanted.missing == "skip"
    return blank._replace(outcome=SKIPPED if skip else ERROR, reason=why.reason, hint=why.hint)


def _elsewhere(session: Session, row: Row, platform: str) -> str:
    """Why the row does not belong on this platform, empty if it does."""
    bound = [factor for factor in row.factors if factor in PLATFORMS]
    patterns = session.settings.value(row.name, row.factors, "platform")
    if bound and platform not in bound:
        return f"for {' or '.join(bound)} only, this is {platform}"
    if patterns and not any(fnmatch.fnmatchcase(platform, pattern) for pattern in patterns):
        return f"for {' or '.join(patterns)} only, this is {platform}"
    return ""


def _ready(session: Session, wanted: Wanted) -> Any:
    if not wanted.packages:
        return None
    from kern.plan.ready import ReadyArtifacts

    return ReadyArtifacts(session, wanted.packages)


def _refused(session: Session, row: Row, provider: Any) -> _Target | None:
    """The reason not to build a package that the environment could not take."""
    if not row.package:
        return None
    kind = session.rows.builder(row.package).produces
    if kind in provider.accepts:
        return None
    said = (
        f"an environment of the kind {row.provider} can't take the package {row.package}, which is of the kind {kind}"
    )
    return _Target(veto=Unavailable(reason=said, hint=f"it takes {', '.join(provider.accepts)}", missing=False))


def _target(row: Row, spec: EnvSpec, builds: Builds, ready: Any) -> _Target:
    if not row.package:
        return _Target()
    if ready is not None:
        found = ready.choose(row, spec)
        return _Target(veto=found) if isinstance(found, Unavailable) else _Target(artifact=found)
    build = builds.add(row.package, spec)
    if isinstance(build, Unavailable):
        return _Target(veto=build)
    return _Target(build.key, build.artifact, pending=build.action == BUILD)


def _decided(session: Session, plan: RowPlan, target: _Target) -> RowPlan:
    location = plan.spec.location
    stamp = session.state.stamp(ENVIRONMENTS, plan.row.key)
    record = session.record(plan.row.key)
    action, reason = decide(record, plan.inputs, location, None if target.pending else target.artifact)
    if session.recreate:
        action, reason = MAKE, "--recreate"
    elif record is not None and action != MAKE:
        problem = broken(session, record, location)
        if problem:
            action, reason = MAKE, problem
        elif target.pending:
            action, reason = SETTLE, "the package is built first"
    logger().debug("environment decided", row=plan.row.label, action=action, reason=reason)
    return plan._replace(action=action, reason=reason, stamp=stamp)


def broken(session: Session, record: dict[str, Any], location: str) -> str:
    """What is wrong with a ready environment on disk, in words; empty if it is as its record says."""
    if not is_whole(record):
        return "its record can't be read"
    if not session.state.belongs_here(location, record.get("token", "")):
        return "its directory is gone or is not kern's"
    found = damage(location, record.get("inventory", []))
    return f"damaged: {found}" if found else ""
