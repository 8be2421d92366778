"""Dependency groups of ``pyproject.toml`` (PEP 735)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def group_contents(names: Sequence[str], project_dir: str) -> dict[str, list[Any]]:
    """Read the groups of a project as they stand there, with all groups that they include; for the fingerprint.

    Args:
        names: of the groups, in any spelling.
        project_dir: the directory of the ``pyproject.toml``.

    Raises:
        ConfigError: there is no such group or file.
    """
    table = _read_table(project_dir)
    found: dict[str, list[Any]] = {}
    pending = [(name, "dependency_groups") for name in names]
    while pending:
        name, origin = pending.pop()
        if canonical(name) not in found:
            members = _group(name, table, project_dir, origin)
            found[canonical(name)] = members
            pending += [(included, f"dependency group {name!r}") for included in _included(members)]
    return found


def group_requirements(names: Sequence[str], project_dir: str) -> list[str]:
    """Resolve groups to requirements, includes followed.

    Raises:
        ConfigError: a group is absent, includes itself or is not well-formed.
    """
    if not names:
        return []
    group_contents(names, project_dir)
    from packaging.dependency_groups import resolve_dependency_groups

    try:
        return list(resolve_dependency_groups(_read_table(project_dir), *names))
    except (ValueError, TypeError, LookupError, ExceptionGroup) as error:
        reasons = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
        reason = "; ".join(str(one) for one in reasons)
        message = f"the dependency groups {', '.join(names)} can't be resolved: {reason}"
        raise ConfigError(message, where=_file(project_dir)) from None


def canonical(name: str) -> str:
    """Spell a name the one way that all its spellings share (PEP 503)."""
    words = name.lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join(filter(None, words))


def _file(project_dir: str) -> str:
    return os.path.join(project_dir, "pyproject.toml")


def _read_table(project_dir: str) -> Mapping[str, Any]:
    import tomllib

    path = _file(project_dir)
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file).get("dependency-groups", {})
    except FileNotFoundError:
        message = f"dependency_groups needs {path}, which does not exist"
        raise ConfigError(message, where="dependency_groups") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}", where="dependency_groups") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise ConfigError(f"{path} is not valid TOML: {error}", where=path) from None
    if not isinstance(table, dict):
        raise ConfigError(f"[dependency-groups] of {path} is not a table", where=path)
    return table


def _group(name: str, table: Mapping[str, Any], project_dir: str, origin: str) -> list[Any]:
    for spelling, members in table.items():
        if canonical(spelling) == canonical(name) and isinstance(members, list):
            return members
    from difflib import get_close_matches

    close = get_close_matches(name, table, 1)
    known = f"it has {', '.join(table)}" if table else "it has none"
    raise ConfigError(
        f"{origin} names the group {name!r}, which {_file(project_dir)} does not have",
        where=origin,
        hint=f"did you mean {close[0]!r}?" if close else known,
    )


def _included(members: Sequence[Any]) -> list[str]:
    tables = (member for member in members if isinstance(member, dict))
    return [str(member["include-group"]) for member in tables if "include-group" in member]
