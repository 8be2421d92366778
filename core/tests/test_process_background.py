"""Processes in the background: they go on beside the commands, end when told to, and are never left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import Command
from kern.context import Services, StepContext
from kern.errors import StepFailed, Stopped
from kern.log import StepLog
from kern.process import Request, Supervisor, tree
from kern.process.ending import AT_ONCE, ORDERLY
from kern.secrets import Masker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kern.context import Started

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="orphans can be found (/proc) and kept (prctl) on Linux only"
)

CHILDREN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "process_children.py")
SECRET = "hunter2hunter2"
LONG = 30.0


@pytest.fixture(autouse=True)
def owned() -> Iterator[None]:
    """Orphans come to this process, and every test must end without any, and without an open file more."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)
    files = len(os.listdir("/proc/self/fd"))
    yield
    left = tree.descendants(tree.children(os.getpid()))
    for pid in left:
        tree.send(pid, signal.SIGKILL)
    libc.prctl(36, 0, 0, 0, 0)
    assert not [pid for pid in left if tree.is_alive(pid)]
    assert len(os.listdir("/proc/self/fd")) <= files


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor(1, grace=0.2) as one:
        yield one


@pytest.fixture
def log(tmp_path: Path) -> Iterator[StepLog]:
    one = StepLog(str(tmp_path / "step.log"), Masker([SECRET]))
    yield one
    one.close()


@pytest.fixture
def context(tmp_path: Path, supervisor: Supervisor, log: StepLog) -> StepContext:
    services = Services(
        project_dir=str(tmp_path),
        cache_root=str(tmp_path / "cache"),
        environ={"PATH": os.environ["PATH"]},
        supervisor=lambda: supervisor,
        masker=Masker([SECRET]),
        lock=lambda _: nullcontext(),
    )
    return StepContext(services, "test", log)


def shell(text: str, **more: Any) -> Command:
    return Command(("/bin/sh", "-c", text), **more)


def child(*words: str) -> Command:
    return Command((sys.executable, CHILDREN, *words))


def wait_until(true: Callable[[], object]) -> None:
    limit = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.005)


def written(log: StepLog) -> str:
    if not os.path.exists(log.path):
        return ""
    with open(log.path, encoding="utf-8") as file:
        return file.read()


def stop_in_thread(running: Started, grace: float) -> Callable[[], int]:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(running.end(grace).exit_code))
    thread.start()

    def join() -> int:
        thread.join(LONG)
        return codes[0]

    return join


def test_it_goes_on_beside_commands_in_the_only_lane(context: StepContext, log: StepLog, tmp_path: Path) -> None:
    running = context.start(shell("echo begun; while ! [ -e stop ]; do sleep 0.01; done; echo over; exit 3"))
    wait_until(lambda: "begun" in written(log))
    assert context.run(shell("echo beside")).stdout == "beside\n"
    assert running.wait(0) is None
    (tmp_path / "stop").touch()
    done = running.wait(LONG)
    assert done is not None
    assert (done.exit_code, done.stdout, done.survivors) == (3, "", 0)
    assert running.end(0) == running.end(0) == done
    for line in ("begun\n", "over\n", "beside\n", "$ /bin/sh -c"):
        assert line in written(log)


def test_more_of_them_than_there_are_lanes(context: StepContext) -> None:
    running = [context.start(shell("sleep 300")) for _ in range(12)]
    assert context.run(shell("echo still")).stdout == "still\n"
    assert [one.end(0).exit_code for one in running] == [-signal.SIGTERM] * 12


def test_its_end_is_waited_for(context: StepContext) -> None:
    running = context.start(shell("sleep 0.2; exit 5"))
    assert running.end(LONG).exit_code == 5


def test_what_does_not_end_upon_sigterm_is_killed(context: StepContext, log: StepLog) -> None:
    running = context.start(child("hold", "stubborn", "stay"))
    wait_until(lambda: "ready" in written(log))
    assert running.end(0).exit_code == -signal.SIGKILL


@pytest.mark.parametrize("shape", ["plain", "stubborn", "session", "double", "pipe"])
def test_survivors_are_killed(context: StepContext, shape: str) -> None:
    done = context.start(child("hold", shape, "end")).wait(LONG)
    assert done is not None
    assert (done.exit_code, done.survivors) == (0, 1)


def test_an_orderly_stop_says_nothing_to_it_and_a_second_one_kills(
    context: StepContext, supervisor: Supervisor, log: StepLog
) -> None:
    running = context.start(child("count_interrupts"))
    wait_until(lambda: "ready" in written(log))
    supervisor.stop(ORDERLY)
    with pytest.raises(Stopped):
        context.start(shell("echo late"))
    with pytest.raises(Stopped):
        context.run(shell("echo late"))
    assert context.run(shell("echo undone"), always=True).stdout == "undone\n"
    with pytest.raises(Stopped):
        running.wait(LONG)
    assert running.end(0).exit_code == 0, "no interrupt was counted before SIGTERM"


@pytest.mark.parametrize("check", [True, False])
def test_what_a_stop_made_fail_is_no_failure(
    context: StepContext, supervisor: Supervisor, log: StepLog, check: bool
) -> None:
    def stop() -> None:
        wait_until(lambda: "begun" in written(log))
        supervisor.stop(ORDERLY)

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Stopped):
        context.run(shell("trap 'exit 7' INT; echo be''gun; while :; do sleep 0.01; done"), check=check)
    thread.join(LONG)
    assert context.run(shell("exit 7"), check=False, always=True).exit_code == 7


def test_a_stop_at_once_kills_it(context: StepContext, supervisor: Supervisor) -> None:
    running = context.start(shell("sleep 300"))
    supervisor.stop(AT_ONCE)
    assert running.end(LONG).exit_code == -signal.SIGKILL
    with pytest.raises(Stopped):
        context.run(shell("true"), always=True)


def test_the_end_of_kern_kills_it(context: StepContext, supervisor: Supervisor) -> None:
    running = context.start(shell("sleep 300"))
    supervisor.close()
    done = running.wait(0)
    assert done is not None
    assert done.exit_code == -signal.SIGKILL


def test_its_timeout(context: StepContext) -> None:
    done = context.start(shell("sleep 300", timeout=0.1)).wait(LONG)
    assert done is not None
    assert done.timed_out


def test_what_can_not_be_started_is_said_at_once(context: StepContext, tmp_path: Path) -> None:
    (tmp_path / "script").write_text("no program")
    (tmp_path / "script").chmod(0o755)
    for command, words in (
        (Command(("nosuchprogram",)), "no program `nosuchprogram`"),
        (Command((str(tmp_path / "script"),)), "neither a program"),
        (shell("true", cwd=str(tmp_path / "absent")), "does not exist"),
    ):
        with pytest.raises(StepFailed, match=words):
            context.start(command)
    assert context.start(shell("exit 7")).end(LONG).exit_code == 7


def test_a_killed_keeper_is_an_error_and_takes_its_process_along(context: StepContext, supervisor: Supervisor) -> None:
    running = context.start(shell("sleep 300"))
    server = supervisor._server
    (keeper,) = [pid for pid in tree.children(server) if tree.children(pid)]
    os.kill(keeper, signal.SIGKILL)
    with pytest.raises(StepFailed, match="killed from outside"):
        running.wait(LONG)
    wait_until(lambda: len(tree.descendants(tree.children(server))) <= 1)


def test_the_server_keeps_nothing_of_a_lane_that_has_served(context: StepContext, supervisor: Supervisor) -> None:
    def files() -> int:
        return len(os.listdir(f"/proc/{supervisor._server}/fd"))

    context.start(shell("true")).end(LONG)
    before = files()
    for _ in range(3):
        context.start(shell("true")).end(LONG)
    wait_until(lambda: files() <= before)


def test_lines_stay_whole_and_masked_between_two_writers(context: StepContext, log: StepLog) -> None:
    half = len(SECRET) // 2
    text = 'for i in 1 2 3 4 5; do printf "left-$A"; sleep 0.02; echo "$B-right"; done; printf end'
    running = context.start(shell(text, environ={"A": SECRET[:half], "B": SECRET[half:], "PATH": os.environ["PATH"]}))
    for _ in range(5):
        context.run(shell("echo mine; sleep 0.02"))
    running.end(LONG)
    lines = written(log).splitlines()
    assert sum(line.startswith("left-") and line.endswith("-right") for line in lines) == 5
    assert lines.count("mine") == 5
    assert "end" in lines
    assert SECRET[half:] not in written(log)


def test_a_closed_log_still_takes_what_comes_from_beside(context: StepContext, log: StepLog) -> None:
    running = context.start(shell("read x < /dev/zero; echo never"))
    log.close()
    side = log.beside()
    side.write(b"late\n")
    assert written(log).endswith("late\n")
    running.end(0)


def test_an_error_of_a_sink_ends_it(supervisor: Supervisor) -> None:
    def full(_: bytes) -> None:
        raise StepFailed("the disk is full")

    request = Request(("/bin/sh", "-c", "echo x; sleep 300"), "/", {})
    with pytest.raises(StepFailed, match="disk is full"):
        supervisor.start_background(request, full, lambda: None).wait(LONG)
