"""The mode ``snapshot``: one shell sources scripts, its environment is captured, and it stays until all is undone."""

from __future__ import annotations

import os
import select
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from kern.api import NOTHING, Command, KernError, StepFailed
from kern_shell.delta import changed_environment, prefix_delta, read_environment
from kern_shell.program import find_bash, find_env, source_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kern.api import Completed, Context, EnvDelta, Running

LONGEST_ACTIVATION = 900.0
"""Seconds after which scripts that are still being sourced are given up: one that waits for an answer gets none."""

LONGEST_DEACTIVATION = 10.0
"""Seconds that leaving may take before the shell gets SIGTERM."""

_LOOK_AGAIN = 50
"""Milliseconds between two looks at whether the shell still lives."""


@contextmanager
def sourced(
    context: Context,
    *,
    title: str,
    enter: Sequence[str],
    leave: Sequence[str] = (),
    set: Mapping[str, str] = NOTHING,  # noqa: A002  (named like the field of EnvDelta)
    unset: Sequence[str] = (),
    lock: str = "",
) -> Iterator[EnvDelta]:
    """Source scripts in a shell, say what they changed, and have the same shell undo it in the end.

    What they print goes into the step's log, and so does a status other than 0 that a script ends with; otherwise it is
    ignored, as in a terminal. What they started goes on until the block is left, and not a moment longer. Without
    scripts no shell is started.

    Args:
        context: of the activation; ``context.environ`` is what the change is relative to.
        title: a line for the log.
        enter: absolute paths of the scripts to source, in order.
        leave: the same for leaving the block, however it is left; within 10 seconds.
        set: variables that the scripts find set; part of the change.
        unset: variables that they don't find; part of the change.
        lock: name of a lock to hold while scripts are sourced, not in between; empty for none.

    Yields:
        The whole change.

    Raises:
        StepFailed: there is no bash, a script is not there or not in bash's language, or one ended the shell or does not
            come to an end.
        Stopped: kern is stopping.
    """
    start = changed_environment(context.environ, set, tuple(unset))
    if not enter and not leave:
        yield prefix_delta(context.environ, start)
        return
    _check((*enter, *leave))
    context.say(title)
    with _exchange(context.work_dir) as exchange:
        with _held(context, lock):
            running, after = _enter(context, exchange, start, (tuple(enter), tuple(leave)))
        try:
            yield prefix_delta(context.environ, after)
        finally:
            with _held(context, lock, needed=False):
                _leave(context, exchange, running)


class _Exchange(NamedTuple):
    """What the shell and kern tell each other by: a directory, and both ends of two named pipes in it."""

    directory: str
    ready: int
    release: int

    def read(self, name: str) -> bytes:
        """The content of a file that the shell has written, empty without one."""
        try:
            with open(os.path.join(self.directory, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""


def _check(scripts: Sequence[str]) -> None:
    for path in scripts:
        if not os.path.exists(path) or os.path.isdir(path):
            raise StepFailed("there is no such activation script", where=path, hint="check the path")


@contextmanager
def _exchange(parent: str) -> Iterator[_Exchange]:
    """Make a directory with two named pipes, open: neither side ever waits for the other to open its end."""
    from shutil import rmtree
    from tempfile import mkdtemp

    directory = mkdtemp(prefix="shell-", dir=parent)
    ends: list[int] = []
    try:
        ends.extend(_pipe(os.path.join(directory, name)) for name in ("ready", "release"))
        yield _Exchange(directory, *ends)
    finally:
        for end in ends:
            os.close(end)
        rmtree(directory, ignore_errors=True)


def _pipe(path: str) -> int:
    try:
        os.mkfifo(path, 0o600)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise StepFailed(
            f"no named pipe can be made: {(error.strerror or str(error)).lower()}",
            where=path,
            hint="set KERN_WORK_DIR to a directory on a disk of this machine",
        ) from None


@contextmanager
def _held(context: Context, name: str, *, needed: bool = True) -> Iterator[None]:
    """Hold a lock; what undoes something goes on without it where it can't be had because kern is stopping."""
    with ExitStack() as holding:
        try:
            if name:
                holding.enter_context(context.lock(name))
        except KernError:
            if needed:
                raise
        yield


def _enter(
    context: Context, exchange: _Exchange, environ: dict[str, str], scripts: tuple[tuple[str, ...], tuple[str, ...]]
) -> tuple[Running, dict[str, str]]:
    """Start the shell and wait until it has written its environment down."""
    enter, leave = scripts
    shell = (find_bash(context.environ), "--noprofile", "--norc", source_file("capture.bash"))
    argv = (*shell, exchange.directory, find_env(context.environ), str(len(enter)), *enter, *leave)
    running = context.start(Command(argv=argv, environ=environ))
    try:
        _await(exchange, running)
        dump = exchange.read("environ")
        if not dump:
            raise StepFailed("the environment after the activation could not be written down", where=enter[-1])
    except BaseException:
        running.end(0)
        raise
    return running, read_environment(dump)


def _await(exchange: _Exchange, running: Running) -> None:
    poller = select.poll()
    poller.register(exchange.ready, select.POLLIN)
    limit = time.monotonic() + LONGEST_ACTIVATION
    while not poller.poll(_LOOK_AGAIN):
        done = running.wait(0)
        if done is not None:
            raise _ended_early(exchange, done)
        if time.monotonic() > limit:
            raise StepFailed(
                f"the activation script has not come to an end in {LONGEST_ACTIVATION:g} seconds",
                where=_current(exchange),
                hint="it may wait for an answer: it has no terminal",
            )


def _ended_early(exchange: _Exchange, done: Completed) -> StepFailed:
    said = exchange.read("unreadable").decode(errors="replace").partition("\n")[0]
    if said:
        fault = said.removeprefix(f"{_current(exchange)}: ")
        return StepFailed(f"bash can't read the activation script: {fault}", where=_current(exchange))
    how = f"with exit code {done.exit_code}" if done.exit_code >= 0 else f"by signal {-done.exit_code}"
    return StepFailed(
        f"the activation script ended the shell {how}",
        where=_current(exchange),
        hint="a script that is sourced must `return`, not `exit`; under `set -e` a command that fails ends the shell too",
    )


def _leave(context: Context, exchange: _Exchange, running: Running) -> None:
    """Have the shell source the other scripts and end; what goes wrong then is only said in the log."""
    os.write(exchange.release, b"\n")
    done = running.end(LONGEST_DEACTIVATION)
    script = _current(exchange)
    if script:
        context.say(f"the shell ended in the deactivation script {script} (exit code {done.exit_code})")


def _current(exchange: _Exchange) -> str:
    return os.fsdecode(exchange.read("current"))
