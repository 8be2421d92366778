"""What holds for one environment: every ``[env]`` table that matches it, merged, and where each value came from.

The most specific table wins (see `kern.expression.specificity`); ``extend_KEY`` adds; ``set_env`` merges key by key;
``pass_env`` adds up. Values are resolved key by key, when somebody asks: listing fifty thousand environments needs
three keys of each, not thirty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.config.keys import ENV_KEYS, EXTEND
from kern.errors import ConfigError
from kern.expression import Specificity, specificity
from kern.expression_index import Index, candidates, index
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kern.config.project import Project, Table

ADDING = frozenset({"pass_env"})
MERGING = frozenset({"set_env"})


class Value(NamedTuple):
    """A resolved value and the keys it came from (``env.conda.extend_deps``), least specific first."""

    value: Any
    origins: tuple[tuple[str, ...], ...]


class _Match(NamedTuple):
    rank: Specificity | None
    table: Table


class _Tables(NamedTuple):
    """The tables that say something about one key, and an index of their expressions."""

    tables: tuple[Table, ...]
    positions: Index


class Settings:
    """Resolves settings of a project's environments. Makes nothing, keeps only indexes."""

    def __init__(self, project: Project) -> None:
        """Index the tables by key and by the factors they need."""
        self._project = project
        self._base = project.tables[0]
        self._tables: dict[str, list[Table]] = {}
        self._indexed: dict[str, _Tables] = {}
        for table in project.tables[1:]:
            for key in dict.fromkeys(name.removeprefix(EXTEND) for name in table.values):
                self._tables.setdefault(key, []).append(table)

    def varies(self, key: str) -> bool:
        """Whether any ``[env.EXPR]`` table says something about a key."""
        return key in self._tables

    def keys(self, name: str, factors: tuple[str, ...]) -> tuple[str, ...]:
        """Every key that some table sets for this environment."""
        everywhere = [key.removeprefix(EXTEND) for key in self._base.values]
        somewhere = [key for key in self._tables if self._matches(key, name, factors)]
        return tuple(dict.fromkeys((*everywhere, *somewhere)))

    def value(self, name: str, factors: tuple[str, ...], key: str) -> Any:
        """The resolved value of a key; the default for a kernel's key that nobody sets, ``None`` for another."""
        return self.resolve(name, factors, key).value

    def resolve(self, name: str, factors: tuple[str, ...], key: str) -> Value:
        """The resolved value of a key and where it came from.

        Raises:
            ConfigError: two equally specific tables disagree, and no more specific one overrules them.
        """
        matches = [_Match(None, self._base), *self._matches(key, name, factors)]
        if key in MERGING:
            return self._merged(name, key, matches)
        if key in ADDING:
            return _added(key, matches)
        return self._replaced(name, key, matches)

    def _matches(self, key: str, name: str, factors: tuple[str, ...]) -> list[_Match]:
        if key not in self._tables:
            return []
        tables = self._index_of(key)
        present = frozenset(factors)
        found = []
        for position in candidates(tables.positions, factors):
            table = tables.tables[position]
            rank = specificity(table.expression, name, present) if table.expression else None
            if rank is not None:
                found.append(_Match(rank, table))
        found.sort(key=_order)
        return found

    def _index_of(self, key: str) -> _Tables:
        if key not in self._indexed:
            tables = tuple(self._tables[key])
            expressions = [table.expression for table in tables if table.expression is not None]
            self._indexed[key] = _Tables(tables, index(expressions))
        return self._indexed[key]

    def _replaced(self, name: str, key: str, matches: list[_Match]) -> Value:
        known = ENV_KEYS.get(key)
        value: Any = known.default if known else None
        origins: list[tuple[str, ...]] = []
        tie: list[_Match] = []
        for level in _levels(matches):
            setting = [match for match in level if key in match.table.values]
            if setting:
                value = setting[-1].table.values[key]
                origins = [(*setting[-1].table.keys, key)]
                tie = _disagreeing(key, setting)
            for match in level:
                if EXTEND + key in match.table.values:
                    value = self._extended(value, match.table, key)
                    origins.append((*match.table.keys, EXTEND + key))
        if tie:
            raise self._tie(name, key, tie)
        return Value(value, tuple(origins))

    def _extended(self, value: Any, table: Table, key: str) -> Any:
        more = table.values[EXTEND + key]
        if isinstance(more, str):
            more = (more,)
        if isinstance(value, str):
            value = (value,)
        if not isinstance(more, (list, tuple)) or not isinstance(value, (list, tuple, type(None))):
            raise ConfigError(
                f"{key} is no list and can't be extended", where=self._project.where(*table.keys, EXTEND + key)
            )
        return (*(value or ()), *more)

    def _merged(self, name: str, key: str, matches: list[_Match]) -> Value:
        value: dict[str, Any] = {}
        origins: list[tuple[str, ...]] = []
        ties: dict[str, tuple[_Match, _Match]] = {}
        for level in _levels(matches):
            origins.extend(place for match in level for place in _spelled(key, match.table))
            seen: dict[str, _Match] = {}
            for inner, item, match in _entries(key, level):
                first = seen.setdefault(inner, match)
                if first is match:
                    ties.pop(inner, None)
                elif value[inner] != item:
                    ties[inner] = (first, match)
                value[inner] = item
        for inner, tie in ties.items():
            raise self._tie(name, f"{key}.{inner}", tie)
        return Value(value, tuple(origins))

    def _tie(self, name: str, key: str, pair: Iterable[_Match]) -> ConfigError:
        first, second = ((*match.table.keys, key.partition(".")[0]) for match in pair)
        return ConfigError(
            f"two equally specific tables disagree about {key} of {name}: "
            f"{self._project.where(*first)} and {self._project.where(*second)}",
            hint=f'name more factors in one of them, or write a table for exactly this environment: [env."{name}"]',
        )


def _disagreeing(key: str, setting: list[_Match]) -> list[_Match]:
    """The first two tables of those that set a key that give it different values; none if all agree."""
    first = setting[0]
    return next(([first, other] for other in setting if other.table.values[key] != first.table.values[key]), [])


def _spelled(key: str, table: Table) -> list[tuple[str, ...]]:
    """The keys with which a table says something about a key."""
    return [(*table.keys, spelled) for spelled in (key, EXTEND + key) if table.values.get(spelled)]


def _joined(key: str, table: Table) -> dict[str, Any]:
    """What a table says about a key in both spellings."""
    return {**table.values.get(key, {}), **table.values.get(EXTEND + key, {})}


def _order(match: _Match) -> tuple[Any, int]:
    return (match.rank, match.table.order)


def _levels(matches: list[_Match]) -> list[list[_Match]]:
    """Group matches of equal rank; ``matches`` is sorted."""
    levels: list[list[_Match]] = []
    for match in matches:
        if levels and levels[-1][0].rank == match.rank:
            levels[-1].append(match)
        else:
            levels.append([match])
    return levels


def _entries(key: str, level: list[_Match]) -> Iterator[tuple[str, Any, _Match]]:
    """What the tables of a level say below a key: name, value, and who says it."""
    for match in level:
        for name, value in _joined(key, match.table).items():
            yield name, value, match


def _added(key: str, matches: list[_Match]) -> Value:
    value: list[str] = []
    origins: list[tuple[str, ...]] = []
    for match in matches:
        for spelled in (key, EXTEND + key):
            if spelled in match.table.values:
                value.extend(match.table.values[spelled])
                origins.append((*match.table.keys, spelled))
    return Value(tuple(dict.fromkeys(value)), tuple(origins))
