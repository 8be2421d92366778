"""What can go wrong for a user, one class for each exit code, always with the place and, where there is one, the way out.

An error says what failed, where (file and key, or the command and its log) and why; ``hint`` says how to mend it.
How it is printed is not decided here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class KernError(Exception):
    """Base of everything that is reported to the user in words, never as a traceback.

    Args:
        message: what failed and why, lower case, one sentence, no period.
        where: the place: ``kern.toml:12 env.lint.deps``, a command, a path; empty where there is none.
        hint: how to mend it; empty where nothing sensible can be said.
    """

    exit_code = 3
    log = ""
    tail = ""

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        """Keep the three parts apart, so that each reporter may lay them out its own way."""
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    @property
    def sentence(self) -> str:
        """The message with its place behind it, where there is room for one line alone."""
        return f"{self.message} ({self.where})" if self.where else self.message

    def at(self, where: str) -> Self:
        """The same error with a place; finding a line means reading a file, so it is done when there is an error."""
        self.where = where
        return self


class UsageError(KernError):
    """The command line asks for something that is not there or makes no sense (exit code 2)."""

    exit_code = 2


class ConfigError(KernError):
    """The configuration is wrong: ``where`` names the file, the line where TOML gives it, and the key (exit code 2)."""

    exit_code = 2


class PluginError(KernError):
    """A plugin is absent, broken, doubled or of another API; the message names it and its distribution (exit code 2)."""

    exit_code = 2


class StepFailed(KernError):
    """An environment or a package could not be made (exit code 3).

    Args:
        message: as in ``KernError``.
        log: absolute path of the whole log of the step, empty where nothing was logged.
        tail: the last lines of what the failing command printed.
    """

    exit_code = 3

    def __init__(self, message: str, *, where: str = "", hint: str = "", log: str = "", tail: str = "") -> None:
        """Carry the evidence beside the words."""
        super().__init__(message, where=where, hint=hint)
        self.log = log
        self.tail = tail


class LockTimeout(KernError):
    """Another kern held a lock longer than ``--lock-timeout`` (exit code 4)."""

    exit_code = 4


class Stopped(KernError):
    """The run was interrupted; raised inside a step that waits, so that it ends at once (exit code 130)."""

    exit_code = 130
