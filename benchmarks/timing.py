"""What processes cost, measured from outside: processor time and wall time, rounds in turn, ratios round by round."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 10


class Row(NamedTuple):
    """One command to be measured.

    Attributes:
        label: what the table calls it.
        argv: the command; the program as an absolute path.
        folder: where it runs.
        prepare: what is done, unmeasured, before each run.
        stdin: the file it reads.
        set_env: variables of this row alone.
        judged: whether the bar of the case is for this row.
    """

    label: str
    argv: Sequence[str]
    folder: str
    prepare: Callable[[], None] = lambda: None
    stdin: str = os.devnull
    set_env: Mapping[str, str] = {}
    judged: bool = False


class Cost(NamedTuple):
    """Seconds of one run: user and system time of all its processes, and from start to end."""

    cpu: float
    wall: float


class Spread(NamedTuple):
    """Of several numbers."""

    median: float
    low: float
    high: float


class RunError(Exception):
    """A command failed or took too long; the text says how."""


def adopt_orphans() -> None:
    """Become the parent of what outlives its parent, so that a tool can't hide its work in a process it leaves behind.

    Only Linux has this (prctl(2)); elsewhere such work is not counted.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def measure(row: Row, environ: Mapping[str, str], log: str, seconds: float) -> Cost:
    """Run a command once.

    Args:
        row: the command.
        environ: its whole environment, but for the row's own variables.
        log: path of the file for what it prints.
        seconds: after which it is ended.

    Raises:
        RunError: it ended with another exit code than 0, or not in time.
    """
    row.prepare()
    try:
        with open(row.stdin, "rb") as stdin, open(log, "wb") as out, alarm(seconds):
            code, cost = _run(row, {**environ, **row.set_env}, stdin.fileno(), out.fileno())
    except TimeoutError:
        raise RunError(f"not done after {seconds:.0f} s") from None
    if code:
        raise RunError(f"exit code {code}: {_tail(log)}")
    return cost


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the body when the time is over."""

    def ring(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _run(row: Row, environ: Mapping[str, str], stdin: int, out: int) -> tuple[int, Cost]:
    began = time.monotonic()
    process = subprocess.Popen(row.argv, cwd=row.folder, env=environ, stdin=stdin, stdout=out, stderr=out)
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        _end(process)
        raise
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, Cost(used.ru_utime + used.ru_stime + _orphans(), wall)


def _orphans() -> float:
    """Processor seconds of what outlived the command; waits for its end."""
    total = 0.0
    while True:
        try:
            _, _, used = os.wait4(-1, 0)
        except ChildProcessError:
            return total
        total += used.ru_utime + used.ru_stime


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: str) -> str:
    with open(log, encoding="utf-8", errors="replace") as text:
        return text.read()[-600:].strip()


def in_turn(
    rows: Sequence[Row], rounds: int, run: Callable[[Row], Cost]
) -> tuple[dict[str, list[Cost]], dict[str, str]]:
    """Run the rows in turn, A B C A B C, so that what else the machine does meets all alike.

    One round goes before, unmeasured. A row that fails is left out from then on.

    Args:
        rows: commands with different labels.
        rounds: how many are measured.
        run: runs a row once; raises RunError.

    Returns:
        The costs of each row that never failed, and the reason for each that did, by label.
    """
    costs: dict[str, list[Cost]] = {row.label: [] for row in rows}
    failed: dict[str, str] = {}
    for turn in range(rounds + 1):
        for row in rows:
            if row.label in failed:
                continue
            try:
                cost = run(row)
            except RunError as error:
                failed[row.label] = str(error)
                del costs[row.label]
            else:
                costs[row.label] += [cost] if turn else []
    return costs, failed


def spread(numbers: Sequence[float]) -> Spread:
    """Median, least and greatest of at least one number."""
    return Spread(statistics.median(numbers), min(numbers), max(numbers))


def ratios(ours: Sequence[float], bound: Sequence[float]) -> Spread:
    """How many times the lower bound, round by round."""
    return spread([one / other for one, other in zip(ours, bound, strict=True)])
