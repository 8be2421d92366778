"""Which environments a project has: what ``env_list`` generates, and every ``[env.NAME]`` that stands for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.expression import Expression, check_name, factors_of, is_generative, matches, names, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kern.config.project import Project, Table

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
    where = project.where("env_list")
    excluded = tuple(parse(text, project.where("exclude")) for text in project.exclude)
    found = dict.fromkeys(_generated(project.env_list, where, excluded), True)
    for name in extra:
        check_name(name, "hook kern_matrix")
        found.setdefault(name, True)
    used = _factors(project.env_list) | PLATFORMS | frozenset(providers)
    for table in project.tables[1:]:
        for name in _declared(project, table, used):
            found.setdefault(name, False)
    return found


def _generated(texts: Iterable[str], where: str, excluded: tuple[Expression, ...]) -> Iterable[str]:
    for text in texts:
        for name in names(parse(text, where), where):
            if not excluded or not _is_excluded(name, excluded):
                yield name


def _is_excluded(name: str, excluded: tuple[Expression, ...]) -> bool:
    present = frozenset(factors_of(name))
    return any(matches(expression, present) for expression in excluded)


def _factors(texts: Iterable[str]) -> frozenset[str]:
    """Every factor that the generated names are made of, without generating them."""
    from kern.expression import literal_factors

    return frozenset(factor for text in texts for factor in literal_factors(parse(text)))


def _declared(project: Project, table: Table, used: frozenset[str]) -> tuple[str, ...]:
    """The environments that a table declares by being there: ``[env.docs]`` does unless ``docs`` is a known factor."""
    if table.expression is None or not is_generative(table.expression):
        return ()
    where = project.where(*table.keys)
    return tuple(name for name in names(table.expression, where) if not used.issuperset(factors_of(name)))
