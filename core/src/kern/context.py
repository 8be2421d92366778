"""What the kernel lends a driver for one step: the one implementation of `kern.api.Context`."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from kern.api import Command, Completed
from kern.command_words import describe_exit, quoted
from kern.errors import StepFailed, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from kern.log import StepLog
    from kern.process import Ended, Supervisor
    from kern.process.background import Background
    from kern.secrets import Masker

TAIL = 20
"""Lines of a failed command's output that an error shows; the log has all of them."""

_MOMENT = 0.1
"""Seconds of one of several waits, after which to look whether kern is stopping."""


class Services:
    """What all contexts of one kern process share."""

    def __init__(
        self,
        *,
        project_dir: str,
        cache_root: str,
        environ: Mapping[str, str],
        supervisor: Callable[[], Supervisor],
        masker: Masker,
        lock: Callable[[str], AbstractContextManager[None]],
        recreate: bool = False,
    ) -> None:
        """Keep the parts; ``supervisor`` starts one when it is first called."""
        self.project_dir = project_dir
        self.cache_root = cache_root
        self.environ = environ
        self.supervisor = supervisor
        self.masker = masker
        self.lock = lock
        self.recreate = recreate


class StepContext:
    """A `kern.api.Context` for one step of one driver."""

    def __init__(
        self,
        services: Services,
        driver: str,
        log: StepLog | None = None,
        *,
        work_dir: Callable[[], str] | None = None,
        output_dir: str = "",
        distrust: bool = False,
        environ: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        """Bind the shared services to a driver's cache, a step's log and its directories.

        ``distrust`` tells the driver that what its caches hold may have been changed; ``environ`` gives the environment
        where it is not the one for tools.
        """
        self._services = services
        self._driver = driver
        self._log = log
        self._work_dir = work_dir
        self._made = ""
        self.output_dir = output_dir
        self.project_dir = services.project_dir
        self._environ = environ
        self.platform = sys.platform
        self.recreate = services.recreate
        self.distrust = distrust

    @property
    def work_dir(self) -> str:
        """A directory for temporary files, made when first asked for."""
        if not self._made:
            if self._work_dir is None:
                raise StepFailed("this step has no directory for temporary files", where=self._driver)
            self._made = self._work_dir()
        return self._made

    @property
    def environ(self) -> Mapping[str, str]:
        """What processes see that are started without another environment."""
        return self._services.environ if self._environ is None else self._environ()

    @property
    def cache_dir(self) -> str:
        """The driver's directory in the user's cache."""
        from kern.store.layout import claim

        claim(self._services.cache_root)
        path = os.path.join(self._services.cache_root, self._driver)
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock on a name of this driver, between threads and processes."""
        return self._services.lock(f"{self._driver}.{name}")

    def ask_secret(self, value: str) -> None:
        """Mask a value from now on."""
        self._services.masker.add(value)

    def say(self, message: str) -> None:
        """Write a line into the step's log."""
        if self._log is not None:
            self._log.line(message)

    def run(self, command: Command, *, check: bool = True, echo: bool = True, always: bool = False) -> Completed:
        """Run a process to its end; see `kern.api.Context.run`."""
        from kern.process import Request

        log = self._log if echo else None
        if log is not None:
            log.command(command.argv)
        out: list[bytes] = []
        every: list[bytes] = []

        def on_stdout(data: bytes) -> None:
            out.append(data)
            on_stderr(data)

        def on_stderr(data: bytes) -> None:
            every.append(data)
            if log is not None:
                log.write(data)

        request = Request(
            argv=command.argv,
            cwd=command.cwd or self.project_dir,
            environ=self.environ if command.environ is None else command.environ,
            timeout=command.timeout,
            merge=False,
            always=always,
        )
        supervisor = self._services.supervisor()
        ended = supervisor.run(request, on_stdout, on_stderr)
        self._trace(command, ended.exit_code)
        completed = _completed(ended, b"".join(out).decode(errors="surrogateescape"))
        if log is not None:
            log.ended(completed.exit_code)
        if completed.exit_code and supervisor.stopping and not always:
            raise Stopped("interrupted")  # how it ended tells nothing about it
        if check and (completed.exit_code or completed.timed_out):
            raise self._failed(command, completed, b"".join(every))
        return completed

    def start(self, command: Command) -> Started:
        """Start a process that goes on; see `kern.api.Context.start`."""
        from kern.process import Request

        on_output: Callable[[bytes], None] = _ignore
        on_end: Callable[[], None] = _nothing
        if self._log is not None:
            self._log.command(command.argv)
            beside = self._log.beside()
            on_output, on_end = beside.write, beside.close
        request = Request(
            argv=command.argv,
            cwd=command.cwd or self.project_dir,
            environ=self.environ if command.environ is None else command.environ,
            timeout=command.timeout,
        )
        supervisor = self._services.supervisor()
        return Started(supervisor.start_background(request, on_output, on_end), supervisor)

    def _trace(self, command: Command, exit_code: int) -> None:
        from kern.diagnostics import logger
        from kern.secrets import mask_argv

        argv = mask_argv(command.argv, self._services.masker)
        logger().debug("process ended", driver=self._driver, argv=list(argv), exit_code=exit_code)

    def _failed(self, command: Command, completed: Completed, output: bytes) -> StepFailed:
        masker = self._services.masker
        lines = output.decode(errors="replace").rstrip().splitlines()[-TAIL:]
        how = "ran into its timeout" if completed.timed_out else describe_exit(completed.exit_code)
        return StepFailed(
            f"{os.path.basename(command.argv[0])} {how}",
            where=masker.mask_text(quoted(command.argv)),
            log=self._log.path if self._log else "",
            tail=masker.mask_text("\n".join(lines)),
        )


class Started:
    """A `kern.api.Running`."""

    def __init__(self, background: Background, supervisor: Supervisor) -> None:
        """Take what the supervisor gave."""
        self._background = background
        self._supervisor = supervisor

    def wait(self, seconds: float) -> Completed | None:
        """Wait for its end; see `kern.api.Running.wait`."""
        limit = time.monotonic() + seconds
        while True:
            left = limit - time.monotonic()
            ended = self._background.wait(max(0.0, min(left, _MOMENT)))
            if ended is not None:
                return _completed(ended, "")
            if self._supervisor.stopping:
                raise Stopped("kern is stopping")
            if left <= 0:
                return None

    def end(self, grace: float) -> Completed:
        """Have it end; see `kern.api.Running.end`."""
        self._background.request_end(grace)
        while True:
            ended = self._background.wait(_MOMENT)
            if ended is not None:
                return _completed(ended, "")


def _completed(ended: Ended, stdout: str) -> Completed:
    return Completed(exit_code=ended.exit_code, stdout=stdout, timed_out=ended.timed_out, survivors=ended.survivors)


def _ignore(data: bytes) -> None:
    """Throw output away."""


def _nothing() -> None:
    """Have nothing to finish."""
