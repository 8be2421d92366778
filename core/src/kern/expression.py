"""Factor expressions: the one small language that generates, selects, matches and excludes environments.

==================== ====================================================================================
``a-b``              a and b
``{a,b}``            a or b, also inside a factor: ``py3{11,12}``; nests; an empty choice is nothing at all
``{11-13}``          11 or 12 or 13; downwards too; leading zeros keep their width
``!a``               not a; ``!{a,b}`` neither of them; ``!{a-b}`` not both; ``{!a,b}`` not a, or b
``py31*``            any factor that fits
``a,b``              either expression
==================== ====================================================================================

White space around commas and braces means nothing. `parse` makes the values, everything else here asks them.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from kern.errors import ConfigError
from kern.expression_parser import LARGEST, LETTERS, Expression, parse, show
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kern.expression_parser import Alternative, Atom, Term

__all__ = [
    "LARGEST",
    "LONGEST",
    "Expression",
    "Specificity",
    "check_name",
    "factors_of",
    "fits",
    "is_generative",
    "literal_factors",
    "matches",
    "names",
    "parse",
    "required_factors",
    "specificity",
]

LONGEST = 100
"""How many characters a name may have."""


class Specificity(NamedTuple):
    """How closely an expression fits an environment; the greater one wins.

    Attributes:
        exact: the expression is this very name, written out.
        terms: how many factors it asks for in the way it matches best; a negated term counts one.
        literals: how many of them are neither negated nor wildcards.
    """

    exact: bool
    terms: int
    literals: int


def names(expression: Expression, where: str = "") -> tuple[str, ...]:
    """List the names an expression generates, in order (the rightmost choice changes fastest), without doubles.

    Args:
        expression: what to write out.
        where: the place it was read from, for messages.

    Raises:
        ConfigError: it holds ``!`` or ``*``, which generate nothing, or it generates a name that is not legal.
    """
    if not expression.generative:
        raise ConfigError(
            f"the expression {show(expression.text)} can't generate names because it holds '!' or '*'",
            where=where,
            hint="these choose among environments: in [env.EXPRESSION], match, exclude and on the command line",
        )
    found: dict[str, None] = {}
    for alternative in expression.alternatives:
        found.update(dict.fromkeys(_generate(alternative)))
    for name in found:
        # The parser has checked the alphabet; this is all that joining can still break.
        if not name or name[0] == "." or len(name) > LONGEST:
            check_name(name, where)
    return tuple(found)


def _generate(alternative: Alternative) -> Iterable[str]:
    parts = product(*[term.texts for term in alternative.terms])
    if any("" in term.texts for term in alternative.terms):
        return ("-".join(filter(None, texts)) for texts in parts)
    return map("-".join, parts)


def is_generative(expression: Expression) -> bool:
    """Whether `names` can write it out, that is, it holds neither ``!`` nor ``*``."""
    return expression.generative


def matches(expression: Expression, factors: frozenset[str]) -> bool:
    """Whether a set of factors fits the expression."""
    for alternative in expression.alternatives:
        if alternative.all_of <= factors and _rest_holds(alternative, factors):
            return True
    return False


def _rest_holds(alternative: Alternative, factors: frozenset[str]) -> bool:
    _, _, none_of, any_of, others = alternative
    if not none_of.isdisjoint(factors):
        return False
    for choices in any_of:
        if choices.isdisjoint(factors):
            return False
    return not others or all(_holds(term, factors) != term.negated for term in others)


def _holds(term: Term, factors: frozenset[str]) -> bool:
    """Whether one of a term's choices holds, its own negation left out."""
    if not term.plain.isdisjoint(factors):
        return True
    for atoms in term.mixed:  # noqa: SIM110 - twice as fast as any(), here and below
        if _all_hold(atoms, factors):
            return True
    return False


def _all_hold(atoms: tuple[Atom, ...], factors: frozenset[str]) -> bool:
    for text, negated, pieces in atoms:
        present = _any_fits(pieces, factors) if pieces else text in factors
        if present == negated:
            return False
    return True


def _any_fits(pieces: tuple[str, ...], factors: frozenset[str]) -> bool:
    for factor in factors:  # noqa: SIM110
        if fits(pieces, factor):
            return True
    return False


def fits(pieces: Sequence[str], text: str) -> bool:
    """Whether a text fits a pattern that was split at its ``*`` wildcards, so that it has two pieces or more."""
    if not (text.startswith(pieces[0]) and text.endswith(pieces[-1])):
        return False
    position, end = len(pieces[0]), len(text) - len(pieces[-1])
    for piece in pieces[1:-1]:
        # The leftmost place is as good as any other: it leaves the most room for what follows.
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return position <= end


def specificity(expression: Expression, name: str, factors: frozenset[str]) -> Specificity | None:
    """How closely the expression fits an environment; ``None`` if it does not match.

    Args:
        expression: what to match.
        name: the environment's full name.
        factors: its factors; they may be more than the name shows.
    """
    weights = [
        _weigh(alternative, factors)
        for alternative in expression.alternatives
        if alternative.all_of <= factors and _rest_holds(alternative, factors)
    ]
    return Specificity(name == expression.text, *max(weights)) if weights else None


def _weigh(alternative: Alternative, factors: frozenset[str]) -> tuple[int, int]:
    """Terms and literals of the best way in which an alternative that matches does so."""
    if not (alternative.others or alternative.none_of):
        return len(alternative.terms), len(alternative.terms)
    terms = literals = 0
    for term in alternative.terms:
        more_terms, more_literals = (1, 0) if term.negated else _weigh_choices(term, factors)
        terms += more_terms
        literals += more_literals
    return terms, literals


def _weigh_choices(term: Term, factors: frozenset[str]) -> tuple[int, int]:
    holding = [atoms for atoms in term.mixed if _all_hold(atoms, factors)]
    weights = [(len(atoms), sum(_is_literal(atom) for atom in atoms)) for atoms in holding]
    if not term.plain.isdisjoint(factors):
        weights.append((1, 1))
    return max(weights)


def _is_literal(atom: Atom) -> bool:
    return not (atom.negated or atom.pieces)


def literal_factors(expression: Expression) -> frozenset[str]:
    """Every factor that is mentioned and neither negated nor a wildcard."""
    terms = [term for alternative in expression.alternatives for term in alternative.terms if not term.negated]
    mixed = [atom.text for term in terms for atoms in term.mixed for atom in atoms if _is_literal(atom)]
    return frozenset(mixed).union(*[term.plain for term in terms])


def required_factors(expression: Expression) -> tuple[tuple[frozenset[str], ...], ...]:
    """For each alternative, sets of literals of which one each must be present for it to match.

    An alternative without any (``!a``, ``py*``) has to be tried on every environment. `kern.expression_index` is made of these.
    """
    return tuple(
        tuple(needed for term in alternative.terms if (needed := _needed(term)))
        for alternative in expression.alternatives
    )


def _needed(term: Term) -> frozenset[str]:
    """Literals of which one must be present for the term to hold; empty if it can hold without any."""
    if term.negated:
        return frozenset()
    firsts = [next((atom.text for atom in atoms if _is_literal(atom)), "") for atoms in term.mixed]
    return frozenset() if "" in firsts else term.plain.union(firsts)


def factors_of(name: str) -> tuple[str, ...]:
    """The factors of a name, in order."""
    return tuple(name.split("-"))


def check_name(name: str, where: str) -> None:
    """Make sure that a name may be an environment's and a directory's: ``[A-Za-z0-9_.+-]{1,100}``.

    Raises:
        ConfigError: it is empty, too long, starts with a dot, or has an empty factor or a stray character.
    """
    if not name:
        problem = "is empty"
    elif len(name) > LONGEST:
        problem = f"has {len(name)} characters"
    elif stray := next((letter for letter in name if letter not in LETTERS), ""):
        problem = f"holds {stray!r}"
    elif name[0] == ".":
        problem = "starts with a dot"
    elif "" in name.split("-"):
        problem = "has an empty factor"
    else:
        return
    raise ConfigError(
        f"the environment name {show(name)} {problem}",
        where=where,
        hint=f"a name has 1 to {LONGEST} letters, digits, '_', '.', '+' and single dashes between its factors",
    )
