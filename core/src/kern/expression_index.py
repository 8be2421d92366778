"""Which of many factor expressions are worth trying on an environment, by one look-up a factor.

A project may have a hundred tables and fifty thousand environments; nearly all of those pairs don't match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.expression import required_factors
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kern.expression import Expression


class Index(NamedTuple):
    """Positions of expressions by a factor that each needs; ``always`` are those that need none in particular."""

    by_factor: Mapping[str, Sequence[int]]
    always: tuple[int, ...]


def index(expressions: Sequence[Expression]) -> Index:
    """Index many expressions, each by the rarest factors it needs, so that few have to be tried on an environment."""
    required = [required_factors(expression) for expression in expressions]
    use: dict[str, int] = {}
    for factor in (factor for alternatives in required for sets in alternatives for one in sets for factor in one):
        use[factor] = use.get(factor, 0) + 1
    by_factor: dict[str, list[int]] = {}
    for position, alternatives in enumerate(required):
        if all(alternatives):
            rarest = [min(sets, key=lambda one: sum(use[factor] for factor in one)) for sets in alternatives]
            for factor in frozenset[str]().union(*rarest):
                by_factor.setdefault(factor, []).append(position)
    always = tuple(position for position, alternatives in enumerate(required) if not all(alternatives))
    return Index(by_factor, always)


def candidates(found: Index, factors: Iterable[str]) -> list[int]:
    """Positions, ascending, of the indexed expressions that may match these factors; no other one does."""
    positions = set(found.always)
    for factor in factors:
        positions.update(found.by_factor.get(factor, ()))
    return sorted(positions)
