"""What the arguments of several verbs have in common; for type checkers alone, since a protocol costs time to define."""

from __future__ import annotations

from typing import Protocol


class Opened(Protocol):
    """What the arguments of all verbs have."""

    @property
    def directory(self) -> str:
        """``-C``."""

    @property
    def config(self) -> str:
        """``--config``."""

    @property
    def verbose(self) -> int:
        """``-v``."""


class Selecting(Opened, Protocol):
    """What the arguments of verbs have that select environments to run."""

    @property
    def selection(self) -> tuple[str, ...]:
        """Expressions."""

    @property
    def labels(self) -> tuple[str, ...]:
        """``-l``."""

    @property
    def missing(self) -> str:
        """``--missing``."""

    @property
    def rest(self) -> tuple[str, ...]:
        """What stands after ``--``."""


class Borrowing(Opened, Protocol):
    """What the arguments of verbs have that can use another environment."""

    @property
    def env_from(self) -> str:
        """``--env-from``."""

    @property
    def packages(self) -> tuple[str, ...]:
        """``--package``."""

    @property
    def locked(self) -> bool:
        """``--locked``."""


class Planning(Selecting, Borrowing, Protocol):
    """What the arguments of the verbs have that make a plan."""

    @property
    def skip(self) -> tuple[str, ...]:
        """``--skip``."""

    @property
    def strict_drift(self) -> bool:
        """``--strict-drift``."""
