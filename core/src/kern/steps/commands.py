"""The commands of a row: what they are, where they run, how they ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kern.config.substitute import Names, expand, expand_words
from kern.environ import DEFAULT_PASS, allowed, apply
from kern.errors import ConfigError, StepFailed
from kern.events import CommandResult
from kern.named_tuples import NamedTuple
from kern.plan.environment import names_of
from kern.plan.preview import Placed, variables
from kern.plan.run_settings import PHASES

if TYPE_CHECKING:
    from kern.api import Activation, Environment
    from kern.log import StepLog
    from kern.plan.values import CommandLine, RowPlan
    from kern.process import Ended, Request
    from kern.session import Session

NOT_STARTED = 127
"""Exit code of a command that could not be started, as POSIX shells have it."""

ROW_NAME = "KERN_ENV_NAME"
"""The variable that tells a command which environment of the project it runs for."""

Show = Callable[[bytes], None]


class Place(NamedTuple):
    """Where the commands of a row run: directory, variables, prefix, and what can stand in braces."""

    cwd: str
    environ: Mapping[str, str]
    prefix: tuple[str, ...]
    names: Names


class Outcome(NamedTuple):
    """How the commands went: every result, the one that made the row fail, and why that one could not even start."""

    results: tuple[CommandResult, ...]
    failed: CommandResult | None
    stopped: bool
    error: StepFailed | None = None


def place_for(
    session: Session,
    plan: RowPlan,
    environment: Environment,
    activation: Activation,
    package: str,
    posargs: tuple[str, ...] | None,
    more: Mapping[str, str],
) -> Place:
    """Work out where a row's commands run.

    Raises:
        ConfigError: a substitution that can't be made, a directory or a file that is not there.
    """
    host, passed, own = visible_environment(session, plan, environment, package, posargs, more)
    delta = activation.delta
    environ = apply(delta, passed | {key: value for key, value in own.items() if key in delta.prepend})
    environ.update({key: value for key, value in own.items() if key not in delta.prepend})
    environ.update(_kerns_own(plan, environment))
    with Placed(session, plan.row, "change_dir"):
        cwd = os.path.normpath(os.path.join(session.project.directory, expand(plan.run.change_dir, host, "")))
        if not os.path.isdir(cwd):
            raise ConfigError(f"change_dir of {plan.row.name} is no directory: {cwd}")
    return Place(cwd, environ, activation.prefix, Names(host.values, {**session.environ, **environ}, posargs))


class Visible(NamedTuple):
    """What commands see before any activation: what may stand in braces, what the host passes on, what is set."""

    host: Names
    passed: dict[str, str]
    own: dict[str, str]


def visible_environment(
    session: Session,
    plan: RowPlan,
    environment: Environment,
    package: str,
    posargs: tuple[str, ...] | None,
    more: Mapping[str, str],
) -> Visible:
    """Work out what a row's commands see, but for what an activation changes.

    Raises:
        ConfigError: a substitution that can't be made.
    """
    values = names_of(session, plan.row, environment.location)
    values["python"] = environment.interpreter or ""
    values["package"] = package
    host = Names(values, session.environ, posargs)
    passed = allowed(session.environ, (*DEFAULT_PASS, *plan.run.pass_env))
    passed.update({key: value for key, value in more.items() if key not in passed})
    with Placed(session, plan.row, "set_env"):
        return Visible(host, passed, variables(session, plan.run, host))


def _kerns_own(plan: RowPlan, environment: Environment) -> dict[str, str]:
    return {ROW_NAME: plan.row.name, "KERN_ENV_DIR": environment.location}


def seen_before(
    session: Session,
    plan: RowPlan,
    environment: Environment,
    package: str,
    posargs: tuple[str, ...] | None,
    more: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment that an activation starts from; see `visible_environment`."""
    visible = visible_environment(session, plan, environment, package, posargs, more)
    return {**visible.passed, **visible.own, **_kerns_own(plan, environment)}


class Runner:
    """Runs the commands of one row, one after the other."""

    def __init__(self, session: Session, plan: RowPlan, place: Place, log: StepLog, show: Show) -> None:
        """``show`` gets the masked output as it comes."""
        self._session = session
        self._plan = plan
        self._place = place
        self._log = log
        self._show = show
        self._started = time.monotonic()
        self._results: list[CommandResult] = []
        self._error: StepFailed | None = None

    def run(self, announce: Callable[[str, tuple[str, ...]], None]) -> Outcome:
        """Run all phases: a failure skips the rest but ``commands_post``; an interruption skips that too."""
        failed: CommandResult | None = None
        stopped = False
        for phase in PHASES:
            lines: tuple[CommandLine, ...] = getattr(self._plan.run, phase)
            if stopped or (failed is not None and phase != PHASES[-1]):
                continue
            for line in lines:
                result, stopped = self._attempts(phase, line, announce)
                if stopped:
                    break
                if result.exit_code and not line.ignore_exit:
                    failed = failed or result
                    if phase != PHASES[-1]:
                        break
        return Outcome(tuple(self._results), failed, stopped, self._error)

    def _attempts(
        self, phase: str, line: CommandLine, announce: Callable[[str, tuple[str, ...]], None]
    ) -> tuple[CommandResult, bool]:
        with Placed(self._session, self._plan.row, phase):
            words = expand_words(line.words, self._place.names, "")
        result, stopped = self._once(phase, line, words, 1, announce)
        for attempt in range(2, self._plan.run.retries + 2):
            if not result.exit_code or stopped or result.timed_out:
                break
            result, stopped = self._once(phase, line, words, attempt, announce)
        return result, stopped

    def _once(
        self,
        phase: str,
        line: CommandLine,
        words: tuple[str, ...],
        attempt: int,
        announce: Callable[[str, tuple[str, ...]], None],
    ) -> tuple[CommandResult, bool]:
        from kern.process import Request
        from kern.secrets import mask_argv

        argv = mask_argv(words, self._session.masker)
        announce(phase, argv)
        self._log.command(words)
        request = Request(
            argv=(*self._place.prefix, *words),
            cwd=self._place.cwd,
            environ=self._place.environ,
            timeout=self._remaining(phase),
            foreground=self._session.foreground,
        )
        begun = time.monotonic()
        ended = self._ended(request)
        self._show(self._log.flush())
        code = ended.exit_code or int(ended.timed_out)
        result = CommandResult(
            phase=phase,
            argv=argv,
            exit_code=code,
            seconds=time.monotonic() - begun,
            timed_out=ended.timed_out,
            survivors=ended.survivors,
            ignored=bool(code) and line.ignore_exit,
            attempt=attempt,
        )
        self._results.append(result)
        return result, ended.stopped

    def _ended(self, request: Request) -> Ended:
        """Run it; a program that can't be started ends like a shell would have it, with 127."""
        from kern.process import Ended

        try:
            return self._session.supervisor().run(request, self._received)
        except StepFailed as error:
            self._error = self._error or error
            self._log.line(f"{error.message}")
            return Ended(NOT_STARTED)

    def _received(self, data: bytes) -> None:
        self._show(self._log.write(data))

    def _remaining(self, phase: str) -> float | None:
        """The bound of a command in seconds; what cleans up is not cut short because the tests took too long."""
        own, total = self._plan.run.timeout, self._plan.run.total_timeout
        if total is None or phase == PHASES[-1]:
            return own
        left = max(0.001, total - (time.monotonic() - self._started))
        return left if own is None else min(own, left)
