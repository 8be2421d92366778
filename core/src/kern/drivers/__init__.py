"""Who does X? One driver by group and name, imported only when it is asked for.

Drivers are found through entry points; what is installed is kept in an index (`kern.drivers.index`), so that a run in
which nothing was installed imports the modules of the drivers it uses and nothing else. Whatever a plugin does wrong
is told as one `PluginError` that names its distribution, and only to those who ask for that plugin.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

from kern.drivers import index as _index
from kern.drivers import loading
from kern.drivers.aside import ASIDE
from kern.drivers.index import GROUPS, Entry, Index
from kern.drivers.known import canonical, claimant, install_line
from kern.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kern.drivers.facts import Plugin
    from kern.drivers.restrictions import Restriction

__all__ = ["GROUPS", "Entry", "Registry", "install_line", "registry"]


class Registry:
    """The installed plugins, as this process sees them. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._index: Index | None = None
        self._drivers: dict[tuple[str, str], Any] = {}
        self._faults: dict[Entry, loading.Fault] = {}
        self._restrictions: tuple[Restriction, ...] = ()

    def restrict(self, restrictions: tuple[Restriction, ...]) -> None:
        """Leave plugins alone that are not wanted, from now on."""
        with self._lock:
            self._restrictions = restrictions
            self._drivers.clear()

    def refusal(self, entry: Entry) -> str:
        """Why a plugin is left alone, in words; empty if it is not."""
        if not self._restrictions:
            return ""
        from kern.drivers.restrictions import refusal

        return refusal(entry.distribution, self._restrictions)

    def all(self, group: str, *, refused: bool = False) -> tuple[Entry, ...]:
        """Every entry point of a group, doubles included, ordered by distribution and name.

        Args:
            group: one of `GROUPS`.
            refused: those too that are left alone because the user or the project does not want them.
        """
        entries = (entry for entry in self._current().entries if entry.group == group)
        return tuple(sorted((entry for entry in entries if refused or not self.refusal(entry)), key=_order))

    def entries(self, group: str) -> dict[str, Entry]:
        """The entry points of a group by name; of doubles the first (`load` refuses them)."""
        return {entry.name: entry for entry in reversed(self.all(group))}

    def names(self, group: str) -> tuple[str, ...]:
        """The names that a group has, sorted."""
        return tuple(sorted(self.entries(group)))

    def load(self, group: str, name: str) -> Any:
        """The driver of a name: made once in a process, from its class called without arguments.

        Args:
            group: one of `GROUPS`, ``kern.hooks`` left out.
            name: the entry point's name.

        Raises:
            PluginError: nobody or more than one distribution offers it, or it can't be imported, is of another API,
                or does not have the shape of its protocol.
        """
        with self._lock:
            if (group, name) not in self._drivers:
                self._drivers[group, name] = self._make(group, name)
            return self._drivers[group, name]

    def resolve(self, entry: Entry) -> object:
        """The object that an entry names, neither called nor checked.

        Raises:
            PluginError: it can't be imported.
        """
        with self._lock:
            try:
                with ASIDE:
                    return loading.resolve(entry)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                fault = self._faults[entry] = loading.raised(entry, error)
                raise PluginError(fault.message, hint=fault.hint) from error

    def doubles(self) -> dict[tuple[str, str], tuple[Entry, ...]]:
        """Names that are offered more than once in a group where one must answer, with all who offer them."""
        seen: dict[tuple[str, str], list[Entry]] = {}
        for entry in sorted(self._current().entries, key=_order):
            if entry.group != "kern.hooks" and not self.refusal(entry):
                seen.setdefault((entry.group, entry.name), []).append(entry)
        return {key: tuple(entries) for key, entries in seen.items() if len(entries) > 1}

    def known_factor(self, factor: str) -> str | None:
        """The distribution that would give a factor its meaning, if kern knows it and it is not installed."""
        distribution = claimant(factor)
        return None if distribution is None or distribution in self._installed() else distribution

    def require(self, requires: Sequence[str], *, where: str = "requires") -> None:
        """Make sure that what a configuration requires is installed.

        Args:
            requires: requirements as in PEP 508: ``["kern-conda>=0.2"]``.
            where: the place in the configuration, for the message.

        Raises:
            PluginError: some are absent or of another version: all of them, with one install line.
            ConfigError: one of them is no requirement.
        """
        index = self._current()
        doubtful = set(requires).difference(index.satisfied)
        if any(canonical(text) not in self._installed() for text in doubtful):
            from kern.drivers.requirements import check

            check(requires, where)
            with self._lock:
                self._index = index._replace(satisfied=(*index.satisfied, *sorted(doubtful)))
                _index.keep(self._index)

    def plugins(self, *, check: bool = False, check_hooks: Callable[[object], str] | None = None) -> tuple[Plugin, ...]:
        """Every plugin and its state, in the order of `GROUPS`.

        Args:
            check: import each one to find out; otherwise nothing is imported, and what this process has not used so
                far is ``not loaded``.
            check_hooks: says what is wrong with the object of a ``kern.hooks`` entry, empty for nothing.
        """
        from kern.drivers.facts import plugins

        with self._lock:
            return plugins(self, self._current().damaged, self._faults, check=check, check_hooks=check_hooks)

    def problems(self) -> tuple[Plugin, ...]:
        """The plugins that are known to be no good, without importing any."""
        return tuple(plugin for plugin in self.plugins() if plugin.reason)

    def loaded(self, entry: Entry) -> bool:
        """Whether the driver of an entry is in use in this process."""
        return (entry.group, entry.name) in self._drivers

    def _current(self) -> Index:
        with self._lock:
            if self._index is None:
                self._index = _index.current()
            return self._index

    def _installed(self) -> frozenset[str]:
        return frozenset(canonical(entry.distribution) for entry in self._current().entries)

    def _make(self, group: str, name: str) -> Any:
        try:
            return self._made(group, name)
        except PluginError:
            if not self._look_again():
                raise
        return self._made(group, name)

    def _made(self, group: str, name: str) -> Any:
        offers = [entry for entry in self.all(group) if entry.name == name]
        if len(offers) != 1:
            raise self._undecided(group, name, offers)
        made = loading.make(offers[0])
        if not isinstance(made, loading.Fault):
            from kern.drivers.guarding import guard

            return guard(offers[0], made)
        self._faults[offers[0]] = made
        raise PluginError(made.message, hint=made.hint) from made.cause

    def _undecided(self, group: str, name: str, offers: list[Entry]) -> PluginError:
        """The error for a name that nobody, or more than one, may answer to."""
        from kern.drivers.facts import absent, denied, doubled

        if offers:
            return doubled(offers)
        refused = [entry for entry in self.all(group, refused=True) if entry.name == name]
        return (
            denied(refused[0], self.refusal(refused[0]))
            if refused
            else absent(group, name, self.names(group), self._installed())
        )

    def _look_again(self) -> bool:
        """Before blaming anybody: is the kept index true? Whether it is not, and has been replaced."""
        before = self._current()
        if before.scanned:
            return False
        self._index = _index.rescan()
        return self._index.entries != before.entries


def _order(entry: Entry) -> tuple[str, ...]:
    return entry.distribution, entry.name, entry.target


@functools.cache
def registry() -> Registry:
    """The one registry of this process."""
    return Registry()
