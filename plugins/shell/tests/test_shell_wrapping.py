"""A command inside an activated shell: what only a shell can carry holds, and it ends as the command did."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import Command, Completed, StepFailed
from kern.process.ending import ORDERLY
from kern_shell import program
from kern_shell.api import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable

ENTER = "umask 027; ulimit -n 55; own() { echo function; }; echo noise; export FROM=script; set -- x; cd /\n"


@pytest.fixture
def run(place: Any) -> Callable[..., Completed]:
    """Run a command behind the prefix that `wrapped` gives for two scripts."""
    enter = place.script("enter 1.sh", ENTER)
    leave = place.script("leave.sh", f"own >'{place.root}/left'; echo bye\n")

    def run(*argv: str, **more: Any) -> Completed:
        prefix = wrapped([enter], [leave], {"GIVEN": "a 'b'\n c", "OLD": ""}, ["HOME", "OLD"])
        done: Completed = place.context.run(Command((*prefix, *argv), **more), check=False)
        return done

    return run


def left(place: Any) -> bool:
    path = place.root / "left"
    return path.exists() and path.read_text() == "function\n"


def test_what_only_a_shell_can_carry(place: Any, run: Callable[..., Completed]) -> None:
    text = 'umask; ulimit -n; echo "$FROM,$GIVEN,${OLD-none},${HOME-none}"; pwd; printf "%s|" "$@"; exit 7'
    done = run("sh", "-c", text, "sh", "a b", "", "*", "-n")
    assert done.exit_code == 7
    assert done.stdout == "0027\n55\nscript,a 'b'\n c,,none\n/\na b||*|-n|"
    assert left(place)
    assert "noise\n" in place.said()  # what is printed aside comes before or after the command's own
    assert "bye\n" in place.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGKILL, signal.SIGHUP])
def test_a_command_that_a_signal_ends(place: Any, run: Callable[..., Completed], number: int) -> None:
    assert run("sh", "-c", f"kill -{int(number)} $$").exit_code == -number
    assert left(place)


@pytest.mark.parametrize("code", [0, 1, 127, 128, 255])
def test_exit_codes(run: Callable[..., Completed], code: int) -> None:
    assert run("sh", "-c", f"exit {code}").exit_code == code


def test_a_stop_is_the_commands_to_handle(place: Any, run: Callable[..., Completed]) -> None:
    def interrupt() -> None:
        while "here" not in place.said():
            time.sleep(0.01)
        place.supervisor.stop(ORDERLY)

    thread = threading.Thread(target=interrupt)
    thread.start()
    text = "trap 'echo caught; exit 0' INT; echo he''re; while :; do sleep 0.01; done"
    done = run("sh", "-c", text)
    thread.join()
    assert (done.exit_code, done.stdout) == (0, "here\ncaught\n")
    assert left(place)


def test_a_timeout(place: Any, run: Callable[..., Completed]) -> None:
    for seconds in (0.5, 5, 50):  # the time counts from the start of the shell, which is slow on a busy machine
        done = run("sh", "-c", "echo he''re; exec sleep 300", timeout=seconds)
        assert done.timed_out
        if "here\n" in place.said():
            break
    assert done.exit_code == -signal.SIGINT
    assert left(place)


@pytest.mark.parametrize("text", ["exit 0", "exit 5", "set -e; false", "exec true", "trap true EXIT; exit 0"])
def test_a_script_that_ends_the_shell_fails_the_command(place: Any, text: str) -> None:
    bad = place.script("bad.sh", text)
    done = place.context.run(Command((*wrapped([bad]), "echo", "ran")), check=False)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "the command was not run" in place.said()
    if "exec" not in text and "trap" not in text:
        assert f"the activation script {bad} ended the shell" in place.said()


def test_deactivation_does_not_change_how_a_command_ended(place: Any) -> None:
    bad, never = place.script("bad.sh", "exit 9"), place.script("never.sh", "echo never")
    for code in (0, 7):
        done = place.context.run(Command((*wrapped([], [bad, never]), "sh", "-c", f"exit {code}")), check=False)
        assert done.exit_code == code
    assert f"the deactivation script {bad} ended the shell" in place.said()


def test_a_trap_of_the_scripts_runs_in_the_end(place: Any) -> None:
    enter = place.script("enter.sh", "trap 'echo in the end >&2' EXIT")
    leave = place.script("leave.sh", "echo leaving")
    done = place.context.run(Command((*wrapped([enter], [leave]), "sh", "-c", "echo command; exit 5")), check=False)
    assert (done.exit_code, done.stdout) == (5, "command\n")
    assert place.said().index("leaving") < place.said().index("in the end\n")


def test_a_caller_that_ignores_signals_changes_nothing(place: Any) -> None:
    prefix = ("bash", "-c", "trap '' USR1; exec \"$@\"", "bash")
    done = place.context.run(
        Command((*prefix, *wrapped([place.script("a.sh", "export A=5")]), "sh", "-c", "exit $A")), check=False
    )
    assert done.exit_code == 5


def test_a_program_that_is_not_there(place: Any, run: Callable[..., Completed]) -> None:
    assert run("nosuchprogram").exit_code == 127
    assert "nosuchprogram" in place.said()


def test_nothing_to_source_wraps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrapped([], []) == ()
    monkeypatch.setattr(os, "environ", {"PATH": "/nowhere"})
    with pytest.raises(StepFailed, match="no bash"):
        wrapped(["/a.sh"])
    assert os.path.isfile(program.source_file("wrap.bash"))
