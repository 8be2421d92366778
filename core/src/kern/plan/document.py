"""A plan as a JSON value and as lines to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.events import ERROR
from kern.plan.values import BUILD, EXISTING, MAKE, REUSE, SETTLE, UPDATE, Build, Plan, RowPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = {MAKE: "make", UPDATE: "reinstall the package", REUSE: "reuse", SETTLE: "reuse, or reinstall the package"}


def document(plan: Plan) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "schema": 1,
        "builds": [_build(build) for build in plan.builds],
        "rows": [_row(row) for row in plan.rows],
        "notices": list(plan.notices),
    }


def _build(build: Build) -> dict[str, Any]:
    return {
        "key": build.key,
        "package": build.package.name,
        "builder": build.package.builder,
        "variant": build.variant,
        "action": build.action,
        "reason": build.reason,
        "from": build.source,
        "unless_fits": build.first,
        "artifact": build.artifact.path if build.artifact else "",
    }


def _row(row: RowPlan) -> dict[str, Any]:
    existing = row.existing and _existing(row)
    return {
        "row": row.row.label,
        "environment": row.row.name,
        "package": row.row.package,
        "provider": row.row.provider,
        "why_package": row.row.why,
        "action": row.outcome or row.action,
        "reason": row.reason,
        "hint": row.hint,
        "build": row.build,
        "artifact": row.artifact.path if row.artifact else "",
        "location": existing["location"] if existing else row.spec.location,
        "depends": list(row.depends),
        "commands": [list(words) for words in row.shown],
        "existing": existing,
        "drift": list(row.drift),
    }


def _existing(row: RowPlan) -> dict[str, str] | None:
    from kern.plan.existing import facts

    return facts(row.existing)


def lines(plan: Plan) -> Iterator[str]:
    """The plan for people, a step a line."""
    for build in plan.builds:
        yield _build_line(build)
    for row in plan.rows:
        yield from _row_lines(row)
    built = sum(build.action == BUILD for build in plan.builds)
    made = sum(row.action == MAKE and not row.outcome for row in plan.rows)
    yield f"{built} to build, {made} to make, {_outlook(plan)}" if plan.rows else "nothing to do"


def _outlook(plan: Plan) -> str:
    """How many rows run, and how many do not: ``2 to run, 1 skipped``."""
    counts = {"to run": 0}
    for row in plan.rows:
        outcome = row.outcome or "to run"
        counts[outcome] = counts.get(outcome, 0) + 1
    return ", ".join(f"{count} {_plural(outcome, count)}" for outcome, count in counts.items())


def _plural(outcome: str, count: int) -> str:
    return "errors" if outcome == ERROR and count > 1 else outcome


def _build_line(build: Build) -> str:
    title = build.package.name + (f" ({build.variant})" if build.variant else "")
    if build.action == REUSE:
        return f"build  {title}: reuse"
    unless = f", unless what is built for {build.first.removeprefix('build:')} fits" if build.first else ""
    return f"build  {title}: {build.reason}{unless}"


def _row_lines(row: RowPlan) -> Iterator[str]:
    label = row.row.label
    if row.outcome:
        yield f"{row.outcome:<6} {label}: {row.reason}"
        if row.hint:
            yield f"         hint: {row.hint}"
        return
    reason = f": {row.reason}" if row.reason else ""
    if row.action == EXISTING:
        yield f"use    {label}: existing{reason}"
        yield from (f"       {label}: drift: {lack}" for lack in row.drift)
    else:
        yield f"make   {label}: {WORDS[row.action]}{reason}"
    after = f" (after {', '.join(row.depends)})" if row.depends else ""
    yield f"run    {label}{after}"
    from kern.command_words import quoted

    for words in row.shown:
        yield f"         $ {quoted(words)}"
