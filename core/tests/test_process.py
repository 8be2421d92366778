"""kern.process with real processes: what is started is owned, heard exactly, and never left behind."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import pty
import select
import signal
import stat
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from kern.errors import StepFailed, Stopped
from kern.process import Ended, Request, Supervisor, brood, find_program, keeper, tree
from kern.process.ending import AT_ONCE, ORDERLY
from kern.process.wire import KILL, Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="orphans can be found (/proc) and kept (prctl) on Linux only"
)

CHILDREN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "process_children.py")
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(tree.__file__))))
SHAPES = ["plain", "stubborn", "session", "double", "pipe"]
LONG = 30.0


def descendants(*, dead: bool = False) -> set[int]:
    """All living descendants of this process, found without the help of what is tested; perhaps the dead ones too.

    Whoever has threads may look dead, and still have children, until the last of them has ended.
    """
    parents, gone = {}, {os.getpid()}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            parents[int(name)] = int(parent)
            if state == "Z" and not dead:
                gone.add(int(name))
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - gone


def reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def wait_until(true: Callable[[], object], what: str) -> None:
    limit = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < limit, what
        time.sleep(0.005)


def nothing_left() -> bool:
    """Look several times: a process whose parent ends while the list is read is not seen as ours."""
    for _ in range(5):
        reap()
        if descendants(dead=True):
            return False
    return True


@pytest.fixture(autouse=True)
def owned() -> Iterator[None]:
    """Orphans come to this process, and every test must end without any."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1, 0, 0, 0)
    yield
    left = []
    for pid in descendants():
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                left.append(file.read())
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    libc.prctl(36, 0, 0, 0, 0)
    reap()
    assert not left


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor(2, grace=0.2) as one:
        yield one


def request(*argv: str, **settings: Any) -> Request:
    return Request(argv, settings.pop("cwd", "/"), settings.pop("environ", dict(os.environ)), **settings)


def child(*argv: str, **settings: Any) -> Request:
    return request(sys.executable, CHILDREN, *argv, **settings)


def python(code: str, *argv: str, **settings: Any) -> Request:
    return request(sys.executable, "-c", code, *argv, **settings)


class Heard(list[bytes]):
    """A sink that does something once, when the child says that it is ready."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.then = then

    def __call__(self, data: bytes) -> None:
        before = b"ready" in self.data
        self.append(data)
        if not before and b"ready" in self.data:
            self.then()

    @property
    def data(self) -> bytes:
        return b"".join(self)


def in_thread(work: Callable[..., object], *args: object) -> Callable[[], Any]:
    result: list[object] = []

    def body() -> None:
        try:
            result.append(work(*args))
        except (StepFailed, Stopped) as error:
            result.append(error)

    thread = threading.Thread(target=body)
    thread.start()

    def join() -> object:
        thread.join(LONG)
        assert not thread.is_alive()
        return result[0]

    return join


# Nothing is left behind.


@pytest.mark.parametrize("shape", SHAPES)
def test_left_behind_by_a_normal_end(supervisor: Supervisor, shape: str) -> None:
    ended = supervisor.run(child("hold", shape, "leave"), Heard())
    assert ended == (0, False, False, 1, 0)
    assert len(descendants()) == len(keepers_and_server())


def keepers_and_server() -> set[int]:
    return {pid for pid in descendants() if is_fork_of_this(pid)}


def is_fork_of_this(pid: int) -> bool:
    with open(f"/proc/{pid}/cmdline", "rb") as file, open("/proc/self/cmdline", "rb") as own:
        return file.read() == own.read()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("level", [ORDERLY, AT_ONCE])
def test_stop(shape: str, level: int) -> None:
    with Supervisor(1, grace=0.2) as supervisor:
        ended = supervisor.run(child("hold", shape, "stay"), Heard(lambda: supervisor.stop(level)))
        assert ended.stopped
        assert not ended.timed_out
        killed = level == AT_ONCE or shape == "stubborn"
        assert (ended.exit_code == -signal.SIGKILL) == killed
        assert len(descendants()) == len(keepers_and_server())
    assert not descendants()


@pytest.mark.parametrize("shape", SHAPES)
def test_timeout(supervisor: Supervisor, shape: str) -> None:
    ended = supervisor.run(child("hold", shape, "stay", timeout=0.5), Heard())
    assert ended.timed_out
    assert not ended.stopped
    assert len(descendants()) == len(keepers_and_server())
    assert supervisor.run(request("true"), Heard()).exit_code == 0


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, "exit", "crash"])
def test_end_of_kern_itself(shape: str, ending: int | str) -> None:
    heard, hear = os.pipe()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, CHILDREN, "host", SOURCE, str(ending), "hold", shape, "stay"],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, hear, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_RDWR, 0)],
        setsid=True,
    )
    os.close(hear)
    assert os.read(heard, 100) == b"ready\n"
    if not isinstance(ending, str):
        os.kill(pid, ending)
    wait_until(nothing_left, "something is left")
    with open(heard, "rb") as output:
        output.read()  # up to its end: nobody has the other end any more


def test_runaway_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brood, "KILL_LIMIT", LONG)
    with Supervisor(1) as supervisor:
        ended = supervisor.run(child("runaway"), Heard())
        assert ended.exit_code == 0
        assert ended.unkilled == 0
        assert len(descendants()) == len(keepers_and_server())


def test_survivors_are_counted_through_all_generations(supervisor: Supervisor) -> None:
    assert supervisor.run(child("hold", "family", "leave"), Heard()).survivors == 3


def test_helpers_that_end_by_themselves_are_no_survivors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "SETTLE", LONG)
    with Supervisor(1) as supervisor:
        assert supervisor.run(child("helper"), Heard()).survivors == 0


def test_close_ends_what_runs_in_other_threads() -> None:
    supervisor = Supervisor(2)
    supervisor.start()
    ready = threading.Barrier(3)
    joins = [
        in_thread(supervisor.run, child("hold", shape, "stay"), Heard(lambda: ready.wait(LONG)))
        for shape in ("stubborn", "double")
    ]
    ready.wait(LONG)
    supervisor.close()
    assert not descendants()
    assert [join().exit_code for join in joins] == [-9, -9]
    supervisor.close()
    with pytest.raises(Stopped):
        supervisor.run(request("true"), Heard())


def test_only_the_own_orphan_is_killed(supervisor: Supervisor) -> None:
    ready = threading.Event()
    first = Heard(ready.set)
    join = in_thread(supervisor.run, child("hold", "double", "stay"), first)
    assert ready.wait(LONG)
    theirs = descendants() - keepers_and_server()
    assert any(parent_of(pid) in keepers_and_server() for pid in theirs), "there is an orphan"
    assert supervisor.run(child("daemon"), Heard()).survivors == 1
    assert descendants() - keepers_and_server() == theirs
    supervisor.stop(AT_ONCE)
    assert join().stopped


def parent_of(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


# Stopping.


def test_orderly_stop_interrupts_once_and_then_terminates(supervisor: Supervisor) -> None:
    ended = supervisor.run(child("count_interrupts"), Heard(lambda: supervisor.stop(ORDERLY)))
    assert ended == (1, False, True, 0, 0)


def test_stop_from_a_signal_handler(supervisor: Supervisor) -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: supervisor.stop(ORDERLY))
    try:
        ended = supervisor.run(
            child("count_interrupts"),
            Heard(lambda: threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()),
        )
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ended == (1, False, True, 0, 0)


def test_second_stop_cuts_the_grace_short() -> None:
    with Supervisor(1, grace=1000) as supervisor:
        done = threading.Event()

        def stop_twice() -> None:
            supervisor.stop(ORDERLY)
            supervisor.stop(ORDERLY)
            done.set()

        join = in_thread(supervisor.run, child("hold", "stubborn", "stay"), Heard(stop_twice))
        assert done.wait(LONG)
        supervisor.stop(AT_ONCE)
        assert join().exit_code == -signal.SIGKILL


def test_after_a_stop_only_cleanups_start(supervisor: Supervisor) -> None:
    supervisor.stop(ORDERLY)
    assert supervisor.stopping == ORDERLY
    with pytest.raises(Stopped):
        supervisor.run(request("true"), Heard())
    ended = supervisor.run(request("true", always=True), Heard())
    assert ended == (0, False, False, 0, 0)
    supervisor.stop(AT_ONCE)
    supervisor.stop(ORDERLY)
    assert supervisor.stopping == AT_ONCE
    with pytest.raises(Stopped):
        supervisor.run(request("true", always=True), Heard())


def test_a_cleanup_is_not_interrupted() -> None:
    with Supervisor(1, grace=LONG) as supervisor:
        code = "import sys, time; print('ready', flush=True); time.sleep(0.1); sys.exit(3)"
        ended = supervisor.run(python(code, always=True), Heard(lambda: supervisor.stop(ORDERLY)))
        assert ended == (3, False, False, 0, 0)


def test_a_cleanup_that_hangs_is_ended(supervisor: Supervisor) -> None:
    ended = supervisor.run(
        child("hold", "plain", "stay", always=True, timeout=1e12), Heard(lambda: supervisor.stop(ORDERLY))
    )
    assert ended.stopped
    assert ended.exit_code == -signal.SIGTERM


def test_stop_wakes_those_who_wait_for_a_lane() -> None:
    with Supervisor(1, grace=1000) as supervisor:
        ready = threading.Event()
        busy = in_thread(supervisor.run, child("hold", "stubborn", "stay"), Heard(ready.set))
        assert ready.wait(LONG)
        waiting = in_thread(supervisor.run, request("true"), Heard())
        time.sleep(0.05)
        supervisor.stop(ORDERLY)
        assert isinstance(waiting(), Stopped)
        supervisor.stop(AT_ONCE)
        assert busy().stopped


def test_stale_word_does_not_hit_the_next_command() -> None:
    with Supervisor(1) as supervisor:
        assert supervisor.run(request("true"), Heard()).exit_code == 0
        assert supervisor._pool is not None
        lane = next(iter(supervisor._pool._lanes.values()))
        stale = Frame(KILL, lane.sequence)
        lane.send(stale)
        code = "import sys, time; print('ready', flush=True); time.sleep(float(sys.argv[1])); sys.exit(7)"
        assert supervisor.run(python(code, "0.3"), Heard(lambda: lane.send(stale))).exit_code == 7
        present = Heard(lambda: lane.send(Frame(KILL, lane.sequence)))
        assert supervisor.run(python(code, "300"), present).exit_code == -signal.SIGKILL


def test_error_of_a_sink_ends_the_command_and_is_passed_on(supervisor: Supervisor) -> None:
    for shape in SHAPES:
        with pytest.raises(KeyboardInterrupt):
            supervisor.run(child("hold", shape, "stay"), Heard(interrupt))
        assert len(descendants()) == len(keepers_and_server())
    assert supervisor.run(request("true"), Heard()).exit_code == 0


def interrupt() -> None:
    raise KeyboardInterrupt


# What a command is given.


@pytest.mark.parametrize("code", [0, 1, 100, 255])
def test_exit_code(supervisor: Supervisor, code: int) -> None:
    assert supervisor.run(request("sh", "-c", f"exit {code}"), Heard()).exit_code == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGSEGV])
def test_end_by_signal(supervisor: Supervisor, number: int) -> None:
    assert supervisor.run(request("sh", "-c", f"ulimit -c 0; kill -{int(number)} $$"), Heard()).exit_code == -number


def test_signals_are_the_systems_defaults(supervisor: Supervisor) -> None:
    heard = Heard()
    supervisor.run(request("grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"), heard)
    internal = 0b11 << 31  # of the C library; whoever started this may ignore them, and no program can care
    assert [int(line.split()[1], 16) & ~internal for line in heard.data.splitlines()] == [0, 0]


def test_leads_its_own_session_and_reads_nothing(supervisor: Supervisor) -> None:
    heard = Heard()
    code = "import os, sys; print(os.getsid(0) == os.getpgrp() == os.getpid(), repr(sys.stdin.read()), os.getcwd())"
    supervisor.run(python(code, cwd="/usr"), heard)
    assert heard.data == b"True '' /usr\n"


def test_no_file_of_kern_is_open(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        os.set_inheritable(file.fileno(), True)
        with Supervisor(3) as supervisor:
            os.set_inheritable(file.fileno(), True)
            heard = Heard()
            supervisor.run(child("files"), heard)
            assert heard.data == b"[0, 1, 2]\n"


def test_helpers_hold_nothing_of_kern(supervisor: Supervisor) -> None:
    supervisor.run(request("true"), Heard())
    assert len(keepers_and_server()) == 2
    for pid in keepers_and_server():
        assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)} == {os.devnull}
        assert os.readlink(f"/proc/{pid}/cwd") == "/"


def test_a_lock_of_kern_does_not_live_on_in_its_helpers(tmp_path: Path) -> None:
    file = open(tmp_path / "lock", "w")  # noqa: SIM115
    fcntl.flock(file, fcntl.LOCK_EX)
    with Supervisor(1) as supervisor, open(tmp_path / "lock") as other:
        supervisor.run(request("true"), Heard())
        file.close()
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_bytes_pass_through(supervisor: Supervisor) -> None:
    strange = os.fsdecode(b"\xff\xfe \x80=\n\x01")
    heard = Heard()
    code = "import os, sys; os.write(1, os.fsencode(sys.argv[1]) + b'|' + os.environb[b'A\\xff'])"
    supervisor.run(python(code, strange, environ={os.fsdecode(b"A\xff"): strange}), heard)
    assert heard.data == b"\xff\xfe \x80=\n\x01|\xff\xfe \x80=\n\x01"


def test_environment_larger_than_a_pipe(supervisor: Supervisor) -> None:
    environ = {f"V{number}": "x" * 1000 for number in range(500)}
    heard = Heard()
    code = "import os; print(sum(map(len, os.environ.values())))"
    supervisor.run(python(code, environ=environ), heard)
    assert int(heard.data) >= 500_000


# Output.


def test_output_is_exact(supervisor: Supervisor) -> None:
    expected = hashlib.sha256(bytes(range(256)) * 4096 * 20 + b"\0\xff\xfe no newline at the end").hexdigest()
    digest = hashlib.sha256()
    assert supervisor.run(child("blob", "20"), digest.update).exit_code == 0
    assert digest.hexdigest() == expected


def test_merged_output_keeps_its_order(supervisor: Supervisor) -> None:
    heard = Heard()
    supervisor.run(child("alternate", "5000"), heard)
    assert heard.data == b"".join(b"o%06d\ne%06d\n" % (number, number) for number in range(5000))


def test_separate_streams(supervisor: Supervisor) -> None:
    out, err = Heard(), Heard()
    supervisor.run(child("alternate", "5000", merge=False), out, err)
    assert out.data == b"".join(b"o%06d\n" % number for number in range(5000))
    assert err.data == b"".join(b"e%06d\n" % number for number in range(5000))
    out = Heard()
    supervisor.run(child("alternate", "10", merge=False), out)
    assert out.data.startswith(b"o000000\no000001\n")


def test_output_comes_while_the_command_runs(supervisor: Supervisor) -> None:
    heard = Heard(lambda: supervisor.stop(AT_ONCE))
    assert supervisor.run(python("print('ready', flush=True); import time; time.sleep(300)"), heard).stopped


def test_endless_output_can_be_stopped(supervisor: Supervisor) -> None:
    heard = []

    def hear(data: bytes) -> None:
        heard.append(len(data))
        if len(heard) == 100:
            supervisor.stop(ORDERLY)

    assert supervisor.run(request("yes"), hear).stopped
    assert len(heard) >= 100


def test_many_small_pieces_at_the_very_end(supervisor: Supervisor) -> None:
    heard = Heard(lambda: time.sleep(0.2))  # the command has ended before the rest is read
    supervisor.run(python("import os; os.write(1, b'ready')\nfor _ in range(50): os.write(1, b'x' * 7000)"), heard)
    assert len(heard.data) == 5 + 50 * 7000


def test_many_commands_over_few_lanes(supervisor: Supervisor) -> None:
    def work(name: int) -> list[tuple[str, int]]:
        results = []
        for number in range(10):
            heard = Heard()
            code = supervisor.run(request("sh", "-c", f"echo {name}-{number}; exit {number}"), heard).exit_code
            results.append((heard.data.decode().strip(), code))
        return results

    joins = [in_thread(work, name) for name in range(8)]
    assert [join() for join in joins] == [[(f"{name}-{number}", number) for number in range(10)] for name in range(8)]


def test_files_are_given_back() -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    with Supervisor(2) as supervisor:
        supervisor.run(request("true"), Heard())
        during = count()
        one = next(pid for pid in descendants() if parent_of(pid) != os.getpid())
        files = os.listdir(f"/proc/{one}/fd")
        for _ in range(50):
            supervisor.run(request("true"), Heard())
            with pytest.raises(StepFailed):
                supervisor.run(request("true", cwd="/does/not/exist"), Heard())
        assert count() == during
        assert os.listdir(f"/proc/{one}/fd") == files
    assert count() == before


# Losing a helper.


def killed_helper(supervisor: Supervisor, generations: int) -> None:
    """Run a command whose keeper (1) or server (2) is killed as soon as it runs."""

    def hear(data: bytes) -> None:
        pid = int(data)
        for _ in range(generations):
            pid = parent_of(pid)
        os.kill(pid, signal.SIGKILL)

    code = "import os, time; os.write(1, b'%d' % os.getpid()); os.fork() or os.setsid(); time.sleep(300)"
    with pytest.raises(StepFailed, match="killed from outside"):
        supervisor.run(python(code), hear)


def test_killed_keeper(supervisor: Supervisor) -> None:
    killed_helper(supervisor, 1)
    assert len(descendants()) == len(keepers_and_server())
    assert supervisor.run(request("sh", "-c", "exit 4"), Heard()).exit_code == 4


def test_all_keepers_killed() -> None:
    with Supervisor(1) as supervisor:
        for _ in range(3):
            killed_helper(supervisor, 1)
        with pytest.raises(StepFailed, match="lost all"):
            supervisor.run(request("true"), Heard())


def test_killed_server(supervisor: Supervisor) -> None:
    killed_helper(supervisor, 2)
    wait_until(nothing_left, "something is left")
    with pytest.raises(StepFailed, match="lost all"):
        supervisor.run(request("true"), Heard())


def test_idle_keeper_killed(supervisor: Supervisor) -> None:
    heard = Heard()
    supervisor.run(request("sh", "-c", "echo $PPID"), heard)
    os.kill(int(heard.data), signal.SIGKILL)
    assert supervisor._pool is not None
    assert select.select([supervisor._pool._lanes[0].status], [], [], LONG)[0], "the server says so"
    assert supervisor.run(request("sh", "-c", "exit 4"), Heard()).exit_code == 4


def test_what_cannot_be_killed_is_reported_and_its_lane_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "send", lambda _pid, _number: False)  # as for another user's process
    monkeypatch.setattr(brood, "KILL_LIMIT", 0.1)
    with Supervisor(1) as supervisor:
        ended = supervisor.run(child("hold", "pipe", "leave"), Heard())
        assert ended == (0, False, False, 1, 1)
        heard = Heard()
        assert supervisor.run(request("echo", "next"), heard) == (0, False, False, 0, 0)
        assert heard.data == b"next\n"
        for pid in descendants() - keepers_and_server():
            os.kill(pid, signal.SIGKILL)


# Systems that have less.


def test_python_without_setsid_in_posix_spawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_settings: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(os, "posix_spawn", refuse)
    with Supervisor(1) as supervisor:
        heard = Heard()
        code = "import os, sys; os.write(2, b'x'); print(os.getsid(0) == os.getpid()); sys.exit(5)"
        assert supervisor.run(python(code), heard).exit_code == 5
        assert heard.data == b"xTrue\n"
        heard = Heard()
        supervisor.run(request("grep", "-E", "^SigBlk", "/proc/self/status"), heard)
        assert int(heard.data.split()[1], 16) == 0
        supervisor.run(child("files"), heard)
        assert b"[0, 1, 2]" in heard.data
        with pytest.raises(StepFailed, match="too long"):
            supervisor.run(request("true", "x" * 3_000_000), Heard())
        assert supervisor.run(child("hold", "double", "leave"), Heard()).survivors == 1


def test_system_without_prctl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "load_prctl", lambda: None)
    with Supervisor(1, grace=0.2) as supervisor:
        ended = run_as_init_would(supervisor, child("hold", "plain", "leave"))
        assert ended == (0, False, False, 1, 0)
        assert run_as_init_would(supervisor, request("true")) == (0, False, False, 0, 0)
        assert descendants() == keepers_and_server()
        ended = run_as_init_would(supervisor, child("hold", "stubborn", "stay", timeout=0.5))
        assert ended.timed_out
        assert descendants() == keepers_and_server()


def run_as_init_would(supervisor: Supervisor, what: Request) -> Ended:
    """Run a command, and reap the orphans, which come to this process, meanwhile."""
    done = threading.Event()

    def work() -> Ended:
        try:
            return supervisor.run(what, Heard())
        finally:
            done.set()

    join = in_thread(work)
    while not done.wait(0.005):
        reap()
    ended = join()
    assert isinstance(ended, Ended)
    return ended


def test_prctl_by_the_public_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "load_prctl", tree._load_prctl_by_ctypes)
    with Supervisor(1) as supervisor:
        assert supervisor.run(child("hold", "double", "leave"), Heard()).survivors == 1


def test_kernel_without_lists_of_children(monkeypatch: pytest.MonkeyPatch) -> None:
    real = tree._read

    def read(path: str) -> bytes:
        if path.endswith("/children"):
            raise FileNotFoundError(errno.ENOENT, "no such list", path)
        return real(path)

    monkeypatch.setattr(tree, "_read", read)
    with Supervisor(1) as supervisor:
        for shape in SHAPES:
            assert supervisor.run(child("hold", shape, "leave"), Heard()).survivors == 1
        assert len(descendants()) == len(keepers_and_server())


def test_more_lanes_than_files() -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
    try:
        with pytest.raises(StepFailed, match="no room for 50 commands") as caught:
            Supervisor(50).start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert "-j" in caught.value.hint
    assert len(os.listdir("/proc/self/fd")) == before


# What can't be started.


def script(path: Path, content: bytes, mode: int = 0o755) -> str:
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def failure(supervisor: Supervisor, *argv: str, **settings: Any) -> str:
    with pytest.raises(StepFailed) as caught:
        supervisor.run(request(*argv, **settings), Heard())
    error = caught.value
    assert error.hint
    assert error.where == argv[0].replace("\0", "\\0")
    assert error.message[0].islower() or error.message[0] in "`/"
    assert not error.message.endswith(".")
    return error.message


def test_what_cannot_be_started(supervisor: Supervisor, tmp_path: Path) -> None:
    file = script(tmp_path / "file", b"", 0o644)
    assert failure(supervisor, "no-such-program") == "there is no program `no-such-program` on PATH"
    assert "there is no program `./no` in /" in failure(supervisor, "./no")
    assert "is not executable" in failure(supervisor, file)
    assert "is not executable" in failure(supervisor, "file", environ={"PATH": str(tmp_path)})
    assert "is a directory" in failure(supervisor, str(tmp_path))
    assert "does not exist" in failure(supervisor, "true", cwd=str(tmp_path / "none"))
    assert "is not a directory" in failure(supervisor, "true", cwd=file)
    assert "does not exist" in failure(supervisor, "./true", cwd=str(tmp_path / "none"))
    assert "names `/no/python`" in failure(supervisor, script(tmp_path / "a", b"#!/no/python -x\n"))
    assert "neither a program" in failure(supervisor, script(tmp_path / "b", b"echo\n"))
    assert "too long" in failure(supervisor, "true", "x" * 3_000_000)
    assert "NUL" in failure(supervisor, "true", "a\0b")
    assert "NUL" in failure(supervisor, "tr\0ue")
    assert "NUL" in failure(supervisor, "true", environ={"A": "\0"})
    assert "variable whose name" in failure(supervisor, "true", environ={"": "x"})
    assert "no program" in failure(supervisor, "")
    os.symlink("/no/where", tmp_path / "link")
    assert "link to a file that does not exist" in failure(supervisor, str(tmp_path / "link"))
    with pytest.raises(StepFailed, match="empty command"):
        supervisor.run(request(), Heard())
    assert supervisor.run(request("true"), Heard()).exit_code == 0


def test_find_program(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "dir" / "tool").mkdir(parents=True)
    (tmp_path / "plain").mkdir()
    script(tmp_path / "plain" / "tool", b"", 0o644)
    tool = script(tmp_path / "bin" / "tool", b"")
    assert stat.S_ISREG(os.stat(tool).st_mode)
    cwd = str(tmp_path)
    path = f"{cwd}/none:{cwd}/dir:{cwd}/plain:{cwd}/bin"
    assert find_program("tool", path, "/") == tool
    assert find_program("tool", "bin", cwd) == tool
    assert find_program("tool", "", f"{cwd}/bin") == tool
    assert find_program("bin/tool", None, cwd) == tool
    assert find_program(tool, None, "/") == tool
    assert find_program("plain/tool", None, cwd) is None
    assert find_program("bin", None, cwd) is None
    assert find_program("./bin", None, cwd) is None
    assert find_program("", path, cwd) is None
    assert find_program("to\0ol", path, cwd) is None
    assert find_program("sh", None, "/") in ("/bin/sh", "/usr/bin/sh")


# The terminal.


def test_foreground_command_has_the_terminal() -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, CHILDREN, "foreground", SOURCE])
    seen = bytearray()

    def expect(text: bytes) -> None:
        while text not in seen:
            try:
                data = os.read(master, 1000)
            except OSError:
                data = b""
            assert data, (text, bytes(seen))
            seen.extend(data)

    expect(b"what?")
    os.write(master, b"world\n")
    expect(b"hello world")
    os.write(master, b"\x03")
    expect(b"interrupted")
    os.write(master, b"\n")
    expect(b"count 1")
    expect(b"ended 0 captured")
    os.waitpid(pid, 0)
    os.close(master)
    assert not descendants()
