"""Which distributions' plugins may be imported: what the user and the project allow, and what they deny."""

from __future__ import annotations

from kern.drivers.known import canonical
from kern.named_tuples import NamedTuple


class Restriction(NamedTuple):
    """One ``[plugins]`` table.

    Attributes:
        allow: patterns of distributions' names; empty allows all.
        deny: patterns of those that are left alone all the same.
        where: the place of the table, for messages.
    """

    allow: tuple[str, ...]
    deny: tuple[str, ...]
    where: str


def refusal(distribution: str, restrictions: tuple[Restriction, ...]) -> str:
    """Why the plugins of a distribution are left alone, in words; empty if they are not.

    Names are compared as PEP 503 says; ``*`` and ``?`` are wildcards.
    """
    if not restrictions:
        return ""
    name = canonical(distribution)
    for restriction in restrictions:
        if _fits(name, restriction.deny):
            return f"denied by plugins.deny in {restriction.where}"
        if restriction.allow and not _fits(name, restriction.allow):
            return f"not among plugins.allow in {restriction.where}"
    return ""


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    import fnmatch

    return any(fnmatch.fnmatchcase(name, pattern.lower().replace("_", "-")) for pattern in patterns)
