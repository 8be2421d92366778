"""Reading every installed distribution, through stevedore and `importlib.metadata`: slow, and done only after a change.

stevedore lists the entry points of a group, but from a cache of its own: it rounds times to 128 s, merges equal
entries of two distributions and forgets which distribution an entry is from. So it is handed what was read this
moment instead. Reading is done distribution by distribution, since one damaged ``entry_points.txt`` anywhere makes
the standard library's own listing fail for all of them.
"""

from __future__ import annotations

import importlib
import importlib.metadata

from stevedore.extension import ExtensionManager
from stevedore.named import NamedExtensionManager

from kern.drivers.index import GROUPS, Damage, Entry
from kern.drivers.known import canonical

UNNAMED = "(a distribution without a name)"


def scan() -> tuple[tuple[Entry, ...], tuple[Damage, ...]]:
    """All entry points of kern's groups, doubles included, and the distributions that can't be read."""
    importlib.invalidate_caches()
    found: dict[str, list[importlib.metadata.EntryPoint]] = {group: [] for group in GROUPS}
    damaged: list[Damage] = []
    for distribution in _candidates():
        try:
            points = list(distribution.entry_points)
        except Exception as error:  # noqa: BLE001 - whatever a damaged file makes the parser raise
            damaged.append(Damage(*_identity(distribution), f"its entry_points.txt can't be read: {error}"))
            continue
        for point in points:
            if point.group in found:
                found[point.group].append(point)
    entries = [_entry(group, point) for group in GROUPS for point in _listed(group, found[group])]
    return tuple(dict.fromkeys(entries)), tuple(damaged)


def _listed(group: str, points: list[importlib.metadata.EntryPoint]) -> list[importlib.metadata.EntryPoint]:
    """What stevedore lists for a group, without loading any of it (no name is asked for)."""
    ExtensionManager.ENTRY_POINT_CACHE[group] = points
    return NamedExtensionManager[object](group, names=[]).list_entry_points()


def _candidates() -> list[importlib.metadata.Distribution]:
    """Distributions that mention kern among their entry points, those hidden by an earlier one left out."""
    chosen: dict[str, importlib.metadata.Distribution] = {}
    for distribution in importlib.metadata.distributions():
        if not _mentions_kern(distribution):
            continue
        name, _ = _identity(distribution)
        if name == UNNAMED:
            chosen.setdefault(str(len(chosen)), distribution)
        elif not _hidden(name, distribution):
            chosen.setdefault(canonical(name), distribution)
    return list(chosen.values())


def _mentions_kern(distribution: importlib.metadata.Distribution) -> bool:
    try:
        return "[kern." in (distribution.read_text("entry_points.txt") or "")
    except (OSError, ValueError):
        return False


def _hidden(name: str, distribution: importlib.metadata.Distribution) -> bool:
    """Whether another distribution of this name comes earlier on ``sys.path``."""
    try:
        first = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return str(first.locate_file("")) != str(distribution.locate_file(""))


def _identity(distribution: importlib.metadata.Distribution | None) -> tuple[str, str]:
    """Name and version, also of a distribution whose metadata is damaged or absent."""
    if distribution is None:
        return UNNAMED, ""
    try:
        return str(distribution.metadata["Name"] or UNNAMED), str(distribution.metadata["Version"] or "")
    except Exception:  # noqa: BLE001 - whatever damaged metadata makes the parser raise
        return UNNAMED, ""


def _entry(group: str, point: importlib.metadata.EntryPoint) -> Entry:
    return Entry(group, point.name, point.value, *_identity(point.dist))
