"""A context that runs nothing and remembers everything, for unit tests of drivers."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kern.api import Command, Completed, StepFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from kern.api import Running


def _nothing(_: Command) -> Completed:
    return Completed(0)


@dataclass
class RecordingContext:
    """A `kern.api.Context` whose processes are answers of the test.

    Attributes:
        root: absolute path of a directory for everything.
        answer: gives the end of each command; exit code 0 and no output by default.
        environ: of the host.
        ran: the commands, in order.
        said: the lines of the log.
        secrets: what is to be masked.
        locked: names of the locks that were taken.
    """

    root: str
    answer: Callable[[Command], Completed] = _nothing
    environ: Mapping[str, str] = field(default_factory=dict)
    ran: list[Command] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    locked: list[str] = field(default_factory=list)
    recreate: bool = False
    distrust: bool = False
    platform: str = sys.platform

    @property
    def project_dir(self) -> str:
        """A directory below ``root``."""
        return self._made("project")

    @property
    def work_dir(self) -> str:
        """A directory below ``root``."""
        return self._made("work")

    @property
    def output_dir(self) -> str:
        """A directory below ``root``."""
        return self._made("output")

    @property
    def cache_dir(self) -> str:
        """A directory below ``root``."""
        return self._made("cache")

    def run(self, command: Command, *, check: bool = True, echo: bool = True, always: bool = False) -> Completed:  # noqa: ARG002
        """Remember a command and give the test's answer."""
        self.ran.append(command)
        done = self.answer(command)
        if check and (done.exit_code or done.timed_out):
            raise StepFailed(f"{command.argv[0]} failed with exit code {done.exit_code}", tail=done.stdout)
        return done

    def start(self, command: Command) -> Running:
        """Remember a command that has ended with the test's answer."""
        self.ran.append(command)
        return _Ended(self.answer(command))

    def say(self, message: str) -> None:
        """Remember a line of the log."""
        self.said.append(message)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Remember a lock."""
        self.locked.append(name)
        return nullcontext()

    def ask_secret(self, value: str) -> None:
        """Remember a secret."""
        self.secrets.add(value)

    def _made(self, name: str) -> str:
        path = os.path.join(self.root, name)
        os.makedirs(path, exist_ok=True)
        return path


class _Ended:
    def __init__(self, done: Completed) -> None:
        self._done = done

    def wait(self, seconds: float) -> Completed | None:  # noqa: ARG002
        """It has ended."""
        return self._done

    def end(self, grace: float) -> Completed:  # noqa: ARG002
        """It has ended."""
        return self._done
