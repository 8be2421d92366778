"""A step's log, and the context that writes it: masked bytes as they came, command lines between them, evidence in errors."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import Command, Completed
from kern.command_words import describe_exit, quoted
from kern.context import TAIL, Services, StepContext
from kern.errors import StepFailed
from kern.log import StepLog
from kern.process.values import Ended, Request
from kern.secrets import Masker
from kern.store import lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

SECRET = "hunter2hunter2"


@pytest.fixture
def log(tmp_path: Path) -> StepLog:
    return StepLog(str(tmp_path / "logs" / "step.log"), Masker([SECRET]))


def content(log: StepLog) -> bytes:
    with open(log.path, "rb") as file:
        return file.read()


def test_nothing_is_made_before_there_is_something(log: StepLog) -> None:
    assert log.write(b"") == b""
    log.flush()
    log.ended(0)
    log.close()
    log.close()
    assert not os.path.exists(os.path.dirname(log.path))


def test_output_stays_as_it_came(log: StepLog) -> None:
    noise = b"\x1b[31m\x00\xff\r\nno newline"
    assert log.write(noise) + log.flush() == noise
    assert content(log) == noise
    log.line("own")
    assert log.write(b"x\n") == b"x\n"
    log.line("é")
    log.close()
    assert content(log) == noise + b"\nown\nx\n" + "é\n".encode()


def test_secrets_are_masked_even_in_pieces(log: StepLog) -> None:
    half = len(SECRET) // 2
    shown = log.write(f"a {SECRET[:half]}".encode())
    assert shown == b"a "
    shown += log.write(f"{SECRET[half:]} b\n".encode()) + log.flush()
    assert shown == b"a *** b\n"
    log.line(f"kern says {SECRET}")
    log.command(("curl", "--header", SECRET))
    log.close()
    assert content(log) == b"a *** b\nkern says ***\n$ curl --header '***'\n"


def test_what_is_held_back_is_written_in_the_end(log: StepLog) -> None:
    assert log.write(f"x{SECRET[:4]}".encode()) == b"x"
    log.close()
    assert content(log) == f"x{SECRET[:4]}".encode()


def test_commands_and_how_they_end(log: StepLog) -> None:
    log.command(("python", "-c", "print(1)"))
    log.write(b"1")
    log.ended(0)
    log.command(("false",))
    log.ended(1)
    log.close()
    assert content(log) == b"$ python -c 'print(1)'\n1\n$ false\n(exit code 1)\n"


def test_a_line_that_is_no_text(log: StepLog) -> None:
    log.line("a\udcffb")
    log.close()
    assert content(log) == b"a?b\n"


def test_a_log_is_for_its_user_alone_and_is_continued(log: StepLog) -> None:
    log.line("one")
    log.close()
    assert os.stat(log.path).st_mode & 0o777 == 0o600
    more = StepLog(log.path, Masker())
    more.line("two")
    more.close()
    assert content(log) == b"one\ntwo\n"


@pytest.mark.parametrize("obstacle", ["link", "folder", "file above"])
def test_a_log_that_can_not_be_written(log: StepLog, tmp_path: Path, obstacle: str) -> None:
    if obstacle == "file above":
        (tmp_path / "logs").write_text("x")
    else:
        (tmp_path / "logs").mkdir()
    if obstacle == "link":
        os.symlink(tmp_path / "elsewhere", log.path)
    if obstacle == "folder":
        os.mkdir(log.path)
    with pytest.raises(StepFailed, match="the log can't be written") as caught:
        log.line("x")
    assert caught.value.where == log.path
    assert caught.value.hint
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
def test_a_full_disk(log: StepLog, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open
    monkeypatch.setattr(os, "open", lambda path, flags, mode=0o777: opened("/dev/full", os.O_WRONLY))
    with pytest.raises(StepFailed, match="No space left on device"):
        log.line("x")
    log.close()


PIECES = st.lists(st.binary(max_size=6) | st.sampled_from([SECRET[:5].encode(), SECRET[5:].encode(), b"\n"]))


@given(PIECES)
def test_pieces_are_one_stream(tmp_path: Path, pieces: list[bytes]) -> None:
    path = str(tmp_path / "any.log")
    if os.path.exists(path):
        os.unlink(path)
    log = StepLog(path, Masker([SECRET]))
    shown = b"".join([*(log.write(piece) for piece in pieces), log.flush()])
    log.close()
    assert shown == b"".join(pieces).replace(SECRET.encode(), b"***")
    assert (content(log) if shown else b"") == shown


class FakeSupervisor:
    """Notes what it should run, and says what the test wants it to say."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.out: list[bytes] = []
        self.err: list[bytes] = []
        self.ended = Ended(0)
        self.stopping = 0

    def run(self, request: Request, on_stdout: Callable[[bytes], None], on_stderr: Callable[[bytes], None]) -> Ended:
        self.requests.append(request)
        for data in self.out:
            on_stdout(data)
        for data in self.err:
            on_stderr(data)
        return self.ended


@pytest.fixture
def supervisor() -> FakeSupervisor:
    return FakeSupervisor()


@pytest.fixture
def services(tmp_path: Path, supervisor: FakeSupervisor) -> Services:
    def hold(name: str) -> AbstractContextManager[None]:
        return lock(
            str(tmp_path / "cache"), name, exclusive=True, timeout=1, on_wait=lambda _: None, stopped=lambda: False
        )

    return Services(
        project_dir=str(tmp_path),
        cache_root=str(tmp_path / "cache"),
        environ={"PATH": "/bin"},
        supervisor=lambda: supervisor,  # type: ignore[arg-type, return-value]
        masker=Masker([SECRET]),
        lock=hold,
        recreate=True,
    )


def test_what_a_context_lends(services: Services, tmp_path: Path) -> None:
    context = StepContext(services, "kern-venv", work_dir=lambda: str(tmp_path / "work"), output_dir="/out")
    assert (context.project_dir, context.output_dir, context.platform) == (str(tmp_path), "/out", sys.platform)
    assert (context.environ, context.recreate) == ({"PATH": "/bin"}, True)
    assert not (tmp_path / "cache").exists()
    assert context.cache_dir == str(tmp_path / "cache" / "kern-venv")
    assert os.stat(context.cache_dir).st_mode & 0o777 == 0o700
    context.ask_secret("another-secret")
    assert services.masker.mask_text("x another-secret") == "x ***"
    context.say("nobody listens")
    with context.lock("wheels"):
        pass


def test_caches_are_trusted_unless_said_otherwise(services: Services, supervisor: FakeSupervisor) -> None:
    plain = Services(
        project_dir="/p",
        cache_root="/c",
        environ={},
        supervisor=services.supervisor,
        masker=services.masker,
        lock=services.lock,
    )
    assert not StepContext(plain, "kern-venv").recreate
    assert not StepContext(plain, "kern-venv").distrust
    assert StepContext(plain, "kern-venv", distrust=True).distrust


def test_a_work_directory_is_made_once(services: Services) -> None:
    made: list[str] = []

    def make() -> str:
        made.append("x")
        return f"/scratch/{len(made)}"

    context = StepContext(services, "kern-venv", work_dir=make)
    assert made == []
    assert (context.work_dir, context.work_dir) == ("/scratch/1", "/scratch/1")
    with pytest.raises(StepFailed, match="no directory for temporary files"):
        _ = StepContext(services, "kern-venv").work_dir


def test_running_a_command(services: Services, supervisor: FakeSupervisor, log: StepLog, tmp_path: Path) -> None:
    supervisor.out = [b"one\xff", b"two\n"]
    supervisor.err = [b"warning\n"]
    supervisor.ended = Ended(0, survivors=2)
    context = StepContext(services, "kern-venv", log)
    done = context.run(Command(("pip", "list")))
    assert done == Completed(0, "one\udcfftwo\n", survivors=2)
    context.say("installed")
    log.close()
    assert content(log) == b"$ pip list\none\xfftwo\nwarning\ninstalled\n"
    assert supervisor.requests == [Request(("pip", "list"), str(tmp_path), {"PATH": "/bin"}, merge=False)]


def test_a_command_may_have_its_own_everything(services: Services, supervisor: FakeSupervisor) -> None:
    StepContext(services, "kern-venv").run(Command(("x",), cwd="/elsewhere", environ={}, timeout=3.0))
    assert supervisor.requests == [Request(("x",), "/elsewhere", {}, 3.0, merge=False)]


def test_a_command_that_fails(services: Services, supervisor: FakeSupervisor, log: StepLog) -> None:
    supervisor.out = [b"".join(b"line %d\n" % number for number in range(30))]
    supervisor.err = [f"password {SECRET}\n\n".encode()]
    supervisor.ended = Ended(2)
    context = StepContext(services, "kern-venv", log)
    with pytest.raises(StepFailed) as caught:
        context.run(Command(("/usr/bin/pip", "install", SECRET)))
    error = caught.value
    assert (error.message, error.where) == ("pip failed with exit code 2", "/usr/bin/pip install ***")
    assert error.log == log.path
    assert error.tail.splitlines() == [*(f"line {number}" for number in range(30 - TAIL + 1, 30)), "password ***"]
    log.close()
    assert content(log).endswith(b"(exit code 2)\n")
    assert context.run(Command(("x",)), check=False).exit_code == 2


def test_a_command_that_is_too_slow(services: Services, supervisor: FakeSupervisor) -> None:
    supervisor.ended = Ended(0, timed_out=True)
    with pytest.raises(StepFailed, match="x ran into its timeout") as caught:
        StepContext(services, "kern-venv").run(Command(("x",), timeout=1))
    assert (caught.value.log, caught.value.tail) == ("", "")


def test_a_probe_leaves_no_trace(services: Services, supervisor: FakeSupervisor, log: StepLog) -> None:
    supervisor.out = [b"3.12\n"]
    assert StepContext(services, "kern-venv", log).run(Command(("x",)), echo=False).stdout == "3.12\n"
    log.close()
    assert not os.path.exists(log.path)


def test_exit_codes_in_words() -> None:
    assert describe_exit(3) == "failed with exit code 3"
    assert describe_exit(-9) == "was ended by SIGKILL"
    assert describe_exit(-250) == "was ended by signal 250"


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1))
def test_quoted_lines_can_be_pasted(argv: list[str]) -> None:
    assert shlex.split(quoted(tuple(argv))) == argv
