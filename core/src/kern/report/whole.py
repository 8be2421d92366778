"""A whole run, as the formats that are written at its end take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from kern.events import RunFinished, RunStarted


class Run(NamedTuple):
    """A whole run, as a page shows it.

    Attributes:
        started: how it began.
        finished: how it ended, or as far as it came.
        at: when it began, in seconds since the epoch.
        complete: whether it ended by itself.
    """

    started: RunStarted
    finished: RunFinished
    at: float
    complete: bool
