"""Which environments a project has: what ``env_list`` generates, and every ``[env.NAME]`` that stands for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.errors import ConfigError
from kern.expression import check_name, factors_of, is_generative, literal_factors, matches, names, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kern.config.project import Project, Table
    from kern.expression import Expression

PLATFORMS = frozenset({"linux", "darwin", "win32", "cygwin", "freebsd"})
"""Factors that bind an environment to a platform (the values of ``sys.platform`` that people use)."""


def environments(project: Project, providers: Collection[str], extra: Iterable[str] = ()) -> dict[str, bool]:
    """Names of all environments in order, and whether a bare ``kern run`` runs it.

    Args:
        project: the configuration.
        providers: names of all providers, installed or known: a table ``[env.conda]`` is no environment.
        extra: names that plugins add.

    Raises:
        ConfigError: an expression that generates nothing sensible.
    """
    excluded = _parsed(project, "exclude", project.exclude)
    listed = _parsed(project, "env_list", project.env_list)
    found = dict.fromkeys(_generated(project, listed, excluded), True)
    for name in extra:
        check_name(name, "hook kern_matrix")
        found.setdefault(name, True)
    used = frozenset[str]().union(*map(literal_factors, listed)) | PLATFORMS | frozenset(providers)
    for table in project.tables[1:]:
        for name in _declared(project, table, used):
            found.setdefault(name, False)
    return found


def _parsed(project: Project, key: str, texts: Iterable[str]) -> tuple[Expression, ...]:
    try:
        return tuple(parse(text) for text in texts)
    except ConfigError as error:
        raise error.at(project.where(key)) from None


def _generated(project: Project, listed: Iterable[Expression], excluded: tuple[Expression, ...]) -> Iterable[str]:
    for expression in listed:
        for name in _names(project, expression, ("env_list",)):
            if not excluded or not _is_excluded(name, excluded):
                yield name


def _names(project: Project, expression: Expression, keys: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return names(expression)
    except ConfigError as error:
        raise error.at(project.where(*keys)) from None


def _is_excluded(name: str, excluded: tuple[Expression, ...]) -> bool:
    present = frozenset(factors_of(name))
    return any(matches(expression, present) for expression in excluded)


def _declared(project: Project, table: Table, used: frozenset[str]) -> tuple[str, ...]:
    """The environments that a table declares by being there: ``[env.docs]`` does unless ``docs`` is a known factor."""
    if table.expression is None or not is_generative(table.expression):
        return ()
    found = _names(project, table.expression, table.keys)
    return tuple(name for name in found if not used.issuperset(factors_of(name)))
