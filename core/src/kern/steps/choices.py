"""What the command line says about execution, as a value."""

from __future__ import annotations

from kern.named_tuples import NamedTuple


class Choices(NamedTuple):
    """What the command line says about execution.

    Attributes:
        jobs: how many steps may run at once.
        fail_fast: stop at the first failure.
        test: whether commands run; otherwise everything is only made.
        posargs: what the user gave after ``--``; ``None`` without ``--``.
        log_dir: directory of this run's logs.
        variables: added to the commands' environment where the host has none.
    """

    jobs: int
    fail_fast: bool
    test: bool
    posargs: tuple[str, ...] | None
    log_dir: str
    variables: dict[str, str]
