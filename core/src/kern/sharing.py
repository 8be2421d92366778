"""Activations that several rows share: made for the first one, undone when the last one is done or the run ends."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING

from kern.errors import KernError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from contextlib import AbstractContextManager

    from kern.api import Activation
    from kern.plan.values import RowPlan


class Sharing:
    """The open activations of a run, by what they are an activation of."""

    def __init__(self, rows: Iterable[RowPlan], warn: Callable[[str], None]) -> None:
        """Count the rows of each target.

        Args:
            rows: of the plan.
            warn: takes what goes wrong in the end, when no row is left to blame.
        """
        self._warn = warn
        self._targets = {row.row.label: row.existing.target for row in rows if row.existing is not None}
        self._locks = {target: Lock() for target in self._targets.values()}
        self._open: dict[str, dict[Hashable, Activation]] = {target: {} for target in self._locks}
        self._leaving = {target: ExitStack() for target in self._locks}

    def enter(self, target: str, key: Hashable, make: Callable[[], AbstractContextManager[Activation]]) -> Activation:
        """The activation with this key; made now if there is none yet.

        Raises:
            KernError: it can't be made; the next row tries again.
        """
        with self._locks[target]:
            if key not in self._open[target]:
                self._open[target][key] = self._leaving[target].enter_context(make())
            return self._open[target][key]

    def done(self, label: str) -> None:
        """A row has come to its end; after the last one of its target everything of that is left."""
        target = self._targets.pop(label, None)
        if target is None:
            return
        with self._locks[target]:
            if target in self._targets.values():
                return
            self._open[target].clear()
            try:
                self._leaving[target].close()
            except KernError as error:
                self._warn(f"leaving {target}: {error.message}")
