"""Why an environment is made again: its record held against what is wanted now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kern.plan.values import MAKE, REUSE, UPDATE

if TYPE_CHECKING:
    from kern.api import Artifact

READY = "ready"
MAKING = "making"
MANY = 3
"""At most so many single changes are named."""


def why_remake(record: Mapping[str, Any] | None, inputs: Mapping[str, Any], location: str) -> str:
    """The first reason, in words, to make the environment anew; empty if its record answers what is wanted.

    Args:
        record: the environment's record, ``None`` if there is none.
        inputs: what the provider says its content depends on, JSON values.
        location: where it has to be.
    """
    if record is None:
        return "new"
    if record.get("state") != READY:
        return "making it failed or was interrupted"
    if record.get("location") != location:
        return "the project was moved or copied"
    return changed(record.get("inputs"), inputs)


def changed(before: object, after: Mapping[str, Any]) -> str:
    """What differs between two sets of inputs, by name; empty if nothing does."""
    if before == after:
        return ""
    if not isinstance(before, Mapping):
        return "its record can't be read"
    names = _differing(before, after)
    said = [_difference(name, before.get(name), after.get(name)) for name in names[:MANY]]
    return "; ".join(said) + (f" and {len(names) - MANY} more changes" if len(names) > MANY else "")


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names that have different values, or that are in one of the two alone."""
    names = dict.fromkeys([*before, *after])
    return [name for name in names if (name in before, before.get(name)) != (name in after, after.get(name))]


def _difference(name: str, before: Any, after: Any) -> str:
    words = name.replace("_", " ")
    if isinstance(before, list) and isinstance(after, list):
        return f"{words} changed: {_items(before, after)}"
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return f"{words} changed: {', '.join(_differing(before, after)[:MANY])}"
    if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) <= 60:  # noqa: PLR2004
        return f"{words} changed: {before or 'nothing'} -> {after or 'nothing'}"
    return f"{words} changed"


def _items(before: list[Any], after: list[Any]) -> str:
    gone = [f"-{item}" for item in before if item not in after]
    come = [f"+{item}" for item in after if item not in before]
    said = [*come, *gone]
    return ", ".join(said[:MANY]) + (", ..." if len(said) > MANY else "") if said else "order"


def settled(inputs: Mapping[str, Any], ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Inputs as a record has them: what was not known before the work was done (null) is asked again after it.

    An interpreter that is installed on demand, for one, has no identity until then.
    """
    if None not in inputs.values():
        return inputs
    now = plain(ask())
    return {name: now.get(name) if value is None else value for name, value in inputs.items()}


def plain(value: Any) -> Any:
    """A value as it comes back from JSON: tuples as lists, mappings as dictionaries."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def decide(
    record: Mapping[str, Any] | None, inputs: Mapping[str, Any], location: str, artifact: Artifact | None
) -> tuple[str, str]:
    """What has to be done for an environment, and why.

    Args:
        record: its record, ``None`` if there is none.
        inputs: what its content depends on.
        location: where it has to be.
        artifact: the package under test, where it is known.

    Returns:
        `REUSE`, `MAKE` or `UPDATE`, and the reason, empty for `REUSE`.
    """
    reason = why_remake(record, inputs, location)
    if reason or record is None:
        return MAKE, reason
    if artifact is None:
        return REUSE, ""
    installed = record.get("artifact") or {}
    if not isinstance(installed, Mapping):
        return MAKE, "its record can't be read"
    if installed.get("digest") == artifact.digest and installed.get("name") == artifact.name:
        return REUSE, ""
    if installed.get("name") != artifact.name or installed.get("requirements") != list(artifact.requirements):
        return MAKE, "what the package requires has changed"
    return UPDATE, "the package was built anew"
