"""Which packages an environment tests: what it asks for, else what definitions match it, else what fits its kind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.errors import ConfigError
from kern.expression import Specificity, specificity
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.config.project import PackageTable, Project
    from kern.settings import Settings

NONE = "none"
DEFAULT = "sdist"
"""What is built where no definition says anything: what would be published."""
TREES = ("pyproject.toml", "setup.py", "setup.cfg")
"""Files that make a folder something a package can be built from."""


class Match(NamedTuple):
    """The packages of an environment, none for ``package = "none"``, and the rule that decided, in words.

    ``open`` is true where only the kinds that the provider accepts can decide; then ``packages`` are the candidates.
    """

    packages: tuple[str, ...]
    why: str
    open: bool = False


def match(project: Project, settings: Settings, name: str, factors: tuple[str, ...]) -> Match:
    """Apply the rules that need no driver.

    Raises:
        ConfigError: one table, or two equally specific ones, set package and packages, or two definitions match equally
            well.
    """
    asked = _asked(project, settings, name, factors)
    if asked is not None:
        return asked
    named = tuple(factor for factor in factors if factor in project.packages)
    if named:
        return Match(named, f"the factor {named[0]!r} is a package definition")
    matched = _matched(project, name, factors)
    if matched is not None:
        return matched
    return _remaining(project)


def _asked(project: Project, settings: Settings, name: str, factors: tuple[str, ...]) -> Match | None:
    if settings.value(name, factors, "skip_install"):
        return Match((), "skip_install is set")
    package = settings.resolve(name, factors, "package")
    several = settings.resolve(name, factors, "packages")
    if several.value and (
        not package.value or _beats(project, name, factors, several.origins[-1], package.origins[-1])
    ):
        return Match(tuple(dict.fromkeys(several.value)), "packages asks for them")
    if package.value == NONE:
        return Match((), 'package = "none"')
    return Match((package.value,), f"package = {package.value!r}") if package.value else None


Origin = tuple[str, ...]
"""The key in the file that a setting came from."""


def _beats(project: Project, name: str, factors: tuple[str, ...], several: Origin, package: Origin) -> bool:
    """Whether ``packages`` is said in a more special table than ``package``.

    Raises:
        ConfigError: neither is more special.
    """
    first, second = (_rank(project, name, factors, origin[:-1]) for origin in (several, package))
    if first == second:
        raise ConfigError(
            f"package and packages are both set for {name or 'every environment'}: "
            f"{project.where(*package)} and {project.where(*several)}",
            hint="keep one of the two, or say it in a more special table",
        )
    return first > second


def _rank(project: Project, name: str, factors: tuple[str, ...], keys: tuple[str, ...]) -> tuple[Specificity, ...]:
    """How special a matching table is; nothing for ``[env]``, which is the least."""
    expression = next(table.expression for table in project.tables if table.keys == keys)
    rank = specificity(expression, name, frozenset(factors)) if expression else None
    return (rank,) if rank else ()


def _matched(project: Project, name: str, factors: tuple[str, ...]) -> Match | None:
    present = frozenset(factors)
    ranked: list[tuple[Specificity, PackageTable, str]] = []
    for table in project.packages.values():
        for expression, text in zip(table.match, table.match_text, strict=True):
            rank = specificity(expression, name, present)
            if rank is not None:
                ranked.append((rank, table, text))
    if not ranked:
        return None
    best = max(rank for rank, _, _ in ranked)
    winners = {table.name: text for rank, table, text in ranked if rank == best}
    if len(winners) > 1:
        first, second = list(winners)[:2]
        raise ConfigError(
            f"packages {first!r} (match {winners[first]!r}) and {second!r} (match {winners[second]!r}) "
            f"match {name} equally well",
            where=project.where("package", second, "match"),
            hint=f'name more factors in one of them, or set package in [env."{name}"]',
        )
    package, text = next(iter(winners.items()))
    return Match((package,), f"match {text!r} of package.{package} is the most specific")


def _remaining(project: Project) -> Match:
    unmatched = tuple(table.name for table in project.packages.values() if not table.match)
    if unmatched:
        return Match(unmatched, "the first definition that the provider accepts", open=True)
    if project.packages:
        return Match((), "no package definition matches it")
    if any(os.path.exists(os.path.join(project.directory, tree)) for tree in TREES):
        return Match((DEFAULT,), "nothing is defined: an sdist by default")
    return Match((), "there is nothing to build")


def settle(found: Match, accepts: tuple[str, ...], produces: Callable[[str], str]) -> Match:
    """Decide an open match by the kinds of artifact that the provider accepts.

    Args:
        found: from `match`.
        accepts: kinds, from the provider.
        produces: kind that a package definition produces, from its builder.
    """
    if not found.open:
        return found
    for package in found.packages:
        kind = produces(package)
        if kind in accepts:
            return Match((package,), f"the first definition whose kind ({kind}) the provider accepts")
    return Match((), f"the provider accepts none of what is defined ({', '.join(accepts)})")


def label(name: str, package: str, packages: tuple[str, ...]) -> str:
    """What the user sees for a row: the package stands before the name where there are several."""
    return f"({package}) {name}" if len(packages) > 1 else name
