"""The level of the stop, and bells that wake everyone who waits. Safe in a signal handler: no lock is taken."""

from __future__ import annotations

import os

from kern.process.ending import AT_ONCE, ORDERLY
from kern.process.lane import Pipe, close_pipes

BELLS = 2


class Stops:
    """Each level has a pipe, its bell, that becomes readable, for good and for all, when the level is reached.

    Attributes:
        level: 0 for none, then `ORDERLY`, then `AT_ONCE`; it never falls.
    """

    def __init__(self) -> None:
        """Begin without bells."""
        self.level = 0
        self._bells: dict[int, tuple[int, int]] = {}

    def open(self, pipes: list[Pipe]) -> None:
        """Hang up the bells: `BELLS` pipes."""
        self._bells = dict(zip((ORDERLY, AT_ONCE), pipes, strict=True))
        for _, ring in pipes:
            os.set_blocking(ring, False)

    def rise(self, level: int) -> None:
        """Reach a level, and ring all bells up to it."""
        self.level = max(self.level, level)
        for bell, (_, ring) in tuple(self._bells.items()):
            if bell <= self.level:
                self._ring(ring)

    def bells(self, level: int) -> list[int]:
        """What to poll in order to wake up when the stop goes beyond a level."""
        return [hear for bell, (hear, _) in self._bells.items() if bell > level]

    def close(self) -> None:
        """Close the pipes; the level stays."""
        bells, self._bells = self._bells, {}
        close_pipes(bells.values())

    @staticmethod
    def _ring(ring: int) -> None:
        try:
            os.write(ring, b".")
        except BlockingIOError:  # rung more often than a pipe can hold: it is readable all the same
            pass
