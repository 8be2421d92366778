"""What kern itself does, for somebody who looks for a mistake: structured lines on standard error with ``-vv``.

structlog costs a tenth of a second to import, so it is there only when it was asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Logger(Protocol):
        """Takes an event's name and its facts."""

        def debug(self, event: str, **facts: Any) -> Any:
            """Say something."""


class _Silent:
    def debug(self, event: str, **facts: Any) -> None:
        """Say nothing."""


_current: list[Logger] = [_Silent()]


def logger() -> Logger:
    """Where diagnostics go; nowhere unless `enable` was called."""
    return _current[-1]


def enable() -> None:
    """Have diagnostics printed on standard error from now on."""
    import sys

    import structlog

    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False),
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _current.append(structlog.get_logger("kern"))
