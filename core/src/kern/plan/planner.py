"""Make the plan: for every selected row, what has to be done and why. Looks at files, changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.api import Artifact, EnvSpec, Unavailable
from kern.diagnostics import logger
from kern.errors import ConfigError, UsageError
from kern.events import ERROR, SKIPPED
from kern.expression import factors_of
from kern.matrix import PLATFORMS
from kern.named_tuples import NamedTuple
from kern.plan.builds import Builds
from kern.plan.environment import OptionPlaced, broken, environment_spec
from kern.plan.preview import preview
from kern.plan.reasons import decide, plain
from kern.plan.run_settings import run_settings
from kern.plan.values import BUILD, MAKE, REUSE, SETTLE, Existing, Plan, Row, RowPlan
from kern.select import select
from kern.state import ENVIRONMENTS

if TYPE_CHECKING:
    from kern.plan.existing import Adoptions
    from kern.session import Session


class PlanChoices(NamedTuple):
    """What the command line says about the plan, beside the selection.

    Attributes:
        packages: files or directories of ready artifacts; empty to build.
        missing: ``skip`` or ``fail``: what a missing interpreter means.
        posargs: what the user gave after ``--``; ``None`` without ``--``.
        locked: install every environment from its lock file, exactly.
        strict_drift: what an existing environment lacks is an error.
    """

    packages: tuple[str, ...] = ()
    missing: str = "fail"
    posargs: tuple[str, ...] | None = None
    locked: bool = False
    strict_drift: bool = False


def make_plan(session: Session, names: tuple[str, ...], choices: PlanChoices, notices: tuple[str, ...] = ()) -> Plan:
    """Plan the rows of some environments and of everything these depend on.

    Raises:
        ConfigError: a mistake in the configuration of a selected row.
        PluginError: a driver is absent or broken.
        UsageError: no ready artifact fits.
    """
    ordered, depends = _with_dependencies(session, names)
    rows = session.rows.rows(ordered)
    builds = Builds(session)
    ready = _ready(session, choices)
    labels: dict[str, list[str]] = {}
    for row in rows:
        labels.setdefault(row.name, []).append(row.label)
    adoptions = _adoptions(session, rows, choices)
    plans = []
    for row in rows:
        before = tuple(label for name in depends.get(row.name, ()) for label in labels[name])
        if adoptions is not None and row.existing:
            plans.append(_plan_existing(session, row, adoptions.of(row), choices, before))
        else:
            plans.append(_plan_row(session, row, builds, ready, choices, before))
    plan = Plan(tuple(builds.found.values()), tuple(plans), (*session.project.assumed, *notices))
    session.hooks.plan(plan)
    return plan


def _adoptions(session: Session, rows: list[Row], choices: PlanChoices) -> Adoptions | None:
    """What finds the environments that are there already; most projects have no such row."""
    if not any(row.existing for row in rows):
        return None
    from kern.plan.existing import Adoptions

    return Adoptions(session, strict=choices.strict_drift)


def _with_dependencies(session: Session, names: tuple[str, ...]) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """Names in an order in which every environment stands behind those it depends on."""
    depends: dict[str, tuple[str, ...]] = {}
    ordered: dict[str, None] = {}
    if not any(session.settings.varies(key) or session.settings.value("", (), key) for key in ("depends", "existing")):
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
    hosts = _hosts(session, name)
    if not value:
        return hosts
    try:
        found = select(session.matrix, value, (), (), lambda _: False).names
    except UsageError as error:
        raise ConfigError(
            f"{name} depends on an environment that does not exist: {error.message}",
            where=_depends_place(session, name),
            hint=error.hint,
        ) from None
    return tuple(dict.fromkeys((*hosts, *(other for other in found if other != name))))


def _hosts(session: Session, name: str) -> tuple[str, ...]:
    """The environment of the project that another one runs in, which therefore has to be made before it."""
    target = "" if session.env_from else session.rows.target_of(name)
    if not target or target == name:
        return ()
    from kern.plan.existing import own_name

    return (target,) if own_name(session, target) else ()


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
    session: Session, row: Row, builds: Builds, ready: Any, choices: PlanChoices, depends: tuple[str, ...]
) -> RowPlan:
    provider = session.rows.provider(row.name, row.factors)
    spec = environment_spec(session, row)
    context = session.context(row.provider)
    blank = _blank(session, row, spec, choices, depends)._replace(pools=tuple(provider.pools))
    foreign = why_foreign(session, row, context.platform)
    if foreign:
        return blank._replace(outcome=SKIPPED, reason=foreign)
    missing: Unavailable | None = provider.probe(spec, context)
    if missing is not None:
        return _unavailable(blank, missing, choices)
    target = (None if ready else _refused(session, row, provider)) or _target(row, spec, builds, ready)
    if target.veto is not None:
        return _unavailable(blank, target.veto, choices)
    if choices.locked:
        locked = _locked(session, row, spec, builds, None if target.pending else target.artifact)
        if isinstance(locked, Unavailable):
            return _unavailable(blank, locked, choices)
        spec = locked
        blank = blank._replace(spec=spec)
    with OptionPlaced(session, row):
        inputs = {**plain(provider.fingerprint(spec, context)), "provider": row.provider, "package": row.package}
    return _decided(session, blank._replace(inputs=inputs, build=target.build, artifact=target.artifact), target)


def _blank(
    session: Session,
    row: Row,
    spec: EnvSpec,
    choices: PlanChoices,
    depends: tuple[str, ...],
    location: str = "",
    python: str = "",
) -> RowPlan:
    run = run_settings(session.project, session.settings, row)
    shown = preview(session, row, run, location or spec.location, choices.posargs, python)
    return RowPlan(row, spec, run, REUSE, "", {}, "", None, "", depends, (), shown=shown)


def _plan_existing(
    session: Session, row: Row, existing: Existing, choices: PlanChoices, depends: tuple[str, ...]
) -> RowPlan:
    from kern.plan.existing import planned

    location = existing.adopted.environment.location if existing.adopted else ""
    python = (existing.adopted.environment.interpreter or "") if existing.adopted else ""
    if existing.key:
        location = session.state.environment_path(existing.key)
    blank = _blank(session, row, environment_spec(session, row), choices, depends, location, python)
    foreign = why_foreign(session, row, session.context(row.provider).platform)
    if foreign:
        return blank._replace(outcome=SKIPPED, reason=foreign)
    return planned(session, blank, existing, made=not session.env_from)


def _unavailable(blank: RowPlan, why: Unavailable, choices: PlanChoices) -> RowPlan:
    skip = why.missing and choices.missing == "skip"
    return blank._replace(outcome=SKIPPED if skip else ERROR, reason=why.reason, hint=why.hint)


def _locked(
    session: Session, row: Row, spec: EnvSpec, builds: Builds, artifact: Artifact | None
) -> EnvSpec | Unavailable:
    """The environment with its lock file, or why it can't be installed from one."""
    from kern.plan.locks import lock_of, refuse, why_stale

    found = lock_of(session, row, spec, builds.package(row.package) if row.package else None, artifact)
    if found is None:
        return spec
    if isinstance(found, Unavailable):
        return found
    stale = why_stale(found)
    return refuse(row, stale) if stale else spec._replace(lock=found.path)


def why_foreign(session: Session, row: Row, platform: str) -> str:
    """Why the row does not belong on this platform, empty if it does."""
    bound = [factor for factor in row.factors if factor in PLATFORMS]
    patterns = session.settings.value(row.name, row.factors, "platform")
    if bound and platform not in bound:
        return f"for {' or '.join(bound)} only, this is {platform}"
    return f"for {' or '.join(patterns)} only, this is {platform}" if patterns and not _fits(platform, patterns) else ""


def _fits(platform: str, patterns: tuple[str, ...]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(platform, pattern) for pattern in patterns)


def _ready(session: Session, choices: PlanChoices) -> Any:
    if not choices.packages:
        return None
    from kern.plan.ready import ReadyArtifacts

    return ReadyArtifacts(session, choices.packages)


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
