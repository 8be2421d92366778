"""Scripts are sourced once, what they changed is captured whole, and all that they started is gone afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import Activation, Command, EnvDelta, Environment, StepFailed
from kern.environ import apply
from kern.errors import Stopped
from kern.process.ending import AT_ONCE, ORDERLY
from kern_shell import sourcing
from kern_shell.activator import ScriptActivator
from kern_shell.api import sourced

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 30.0

ENTER = r"""
echo "to stdout"; echo "to stderr" >&2; printf 'no end'
export PATH="/first:/second:$PATH" LIST_PATH="/a:$LIST_PATH"
export QUOTES="single ' double \" dollar \$HOME back \\" LINES_="one
two
" EMPTY= BYTES=$'\xff\xfe' OPTS="-a  -b"
unset OLD
not_exported=1
greet() { echo "hello $1"; }
export -f greet
sleep 300 & export HELPER=$!
set -- changed words
cd /
return 3
"""
LEAVE = 'echo "left $not_exported with $QUOTES"; kill -0 $HELPER && echo "helper there"; false\n'


def run(place: Any, delta: EnvDelta, *argv: str) -> str:
    return str(place.context.run(Command(argv, environ=apply(delta, place.context.environ))).stdout)


def test_all_that_a_script_may_do(place: Any, alive: Callable[[int], bool]) -> None:
    enter = [place.script("a file.sh", ENTER), place.script("b.sh", 'export SECOND="$QUOTES$# $PWD"\n')]
    leave = [place.script("leave.sh", LEAVE), place.script("last.sh", "echo last\n")]
    change = {"GIVEN": "given '1'", "SECOND": "0"}
    with sourced(place.context, title="entering", enter=enter, leave=leave, set=change, unset=("HOME",)) as delta:
        assert delta.prepend == {"PATH": ("/first", "/second"), "LIST_PATH": ("/a",)}
        assert delta.unset == ("HOME", "OLD")
        values = dict(delta.set)
        helper = int(values.pop("HELPER"))
        assert values.pop("BASH_FUNC_greet%%").startswith("() {")
        quotes = "single ' double \" dollar $HOME back \\"
        assert values == {
            "GIVEN": "given '1'",
            "QUOTES": quotes,
            "LINES_": "one\ntwo\n",
            "EMPTY": "",
            "BYTES": "\udcff\udcfe",
            "OPTS": "-a  -b",
            "SECOND": f"{quotes}0 /",
        }
        assert run(place, delta, "bash", "-c", "greet you") == "hello you\n"
        assert run(place, delta, "sh", "-c", 'printf "$BYTES" | od -An -tx1').split() == ["ff", "fe"]
        assert alive(helper)
        assert "left" not in place.said()
    assert not alive(helper)
    ended = f"no end{enter[0]}: ended with status 3"
    for line in ("entering", "to stdout", "to stderr", ended, f"left 1 with {quotes}", "helper there", "last"):
        assert line in place.said().splitlines()
    assert os.listdir(place.work) == []


def test_nothing_to_source_starts_nothing(place: Any) -> None:
    with sourced(place.context, title="no", enter=(), set={"PATH": f"/x:{place.context.environ['PATH']}"}) as delta:
        assert delta == EnvDelta(set={}, unset=(), prepend={"PATH": ("/x",)})
    assert place.said() == ""
    assert place.supervisor._requests >= 0
    assert os.listdir(place.root) == ["work dir"]


def test_a_status_is_only_told_and_exports_nothing(place: Any) -> None:
    script = place.script(
        "status.sh", "set -ae\nshopt -s extglob\ncase ab in +(a|b)) GOOD=1;; esac\nset +e\nreturn 4\n"
    )
    with sourced(place.context, title="", enter=[script]) as delta:
        assert delta.set == {"GOOD": "1"}
    assert f"{script}: ended with status 4\n" in place.said()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exit 4", "with exit code 4"),
        ("exit 0", "with exit code 0"),
        ("set -e\nfalse\nexport NEVER=1", "with exit code 1"),
        ("set -u\necho $UNKNOWN", "with exit code"),
        ("kill -9 $$", "by signal 9"),
        ("exec true", "with exit code 0"),
        ("if then", r"^bash can't read the activation script: line 2: syntax error near unexpected token `then'$"),
        ("export HALF='", "^bash can't read the activation script: line 2: unexpected EOF while looking for"),
    ],
)
def test_a_script_that_ends_the_shell_or_is_none_is_named(place: Any, text: str, words: str) -> None:
    good, bad = place.script("good.sh", "export GOOD=1\n"), place.script("bad.sh", f"echo before\n{text}\n")
    with pytest.raises(StepFailed, match=words) as failed, sourced(place.context, title="", enter=[good, bad, good]):
        raise AssertionError
    assert failed.value.where == bad
    assert "before\n" in place.said()


def test_options_of_one_script_do_not_hurt_the_next(place: Any) -> None:
    first = place.script("first.sh", "set -euo pipefail -C; set -a; export FIRST=1\n")
    second = place.script("second.sh", "false; echo $UNKNOWN; own=1; export SECOND=1\n")
    with sourced(place.context, title="", enter=[first, second]) as delta:
        assert delta.set == {"FIRST": "1", "SECOND": "1"}


def test_functions_that_hide_what_is_used_here(place: Any) -> None:
    text = "printf() { exit 9; }; read() { exit 9; }; env() { exit 9; }; source() { exit 9; }; .() { exit 9; }\n"
    with sourced(place.context, title="", enter=[place.script("a.sh", text + "PATH=/nowhere; export A=1\n")]) as delta:
        assert delta.set == {"A": "1", "PATH": "/nowhere"}


def test_a_missing_script_starts_nothing(place: Any) -> None:
    with pytest.raises(StepFailed, match="no such") as failed, sourced(place.context, title="", enter=["/nowhere.sh"]):
        raise AssertionError
    assert failed.value.where == "/nowhere.sh"
    assert place.said() == ""


def test_it_is_left_when_the_block_fails(place: Any, alive: Callable[[int], bool]) -> None:
    enter, leave = place.script("a.sh", "sleep 300 & export HELPER=$!\n"), place.script("b.sh", "echo undone\n")
    helpers = []
    with suppress(KeyError), sourced(place.context, title="", enter=[enter], leave=[leave]) as delta:
        helpers.append(int(delta.set["HELPER"]))
        raise KeyError
    assert "undone\n" in place.said()
    assert not alive(helpers[0])


def test_it_is_left_in_good_order_when_kern_stops(place: Any) -> None:
    enter, leave = place.script("a.sh", "trap 'echo trapped' INT TERM\n"), place.script("b.sh", "echo undone\n")
    with suppress(Stopped), sourced(place.context, title="", enter=[enter], leave=[leave]):
        place.supervisor.stop(ORDERLY)
        place.context.run(Command(("true",)))
        raise AssertionError
    assert "undone\n" in place.said()
    assert "trapped" not in place.said()


def test_a_stop_ends_scripts_that_do_not_come_to_an_end(place: Any) -> None:
    slow = place.script("slow.sh", "echo here; sleep 300\n")

    def interrupt() -> None:
        while "here" not in place.said():
            time.sleep(0.01)
        place.supervisor.stop(ORDERLY)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Stopped), sourced(place.context, title="", enter=[slow]):
        raise AssertionError
    thread.join()


def test_a_second_stop_kills_the_shell(place: Any) -> None:
    enter, leave = place.script("a.sh", "true\n"), place.script("b.sh", "sleep 300; echo undone\n")
    with sourced(place.context, title="", enter=[enter], leave=[leave]):
        place.supervisor.stop(AT_ONCE)
    assert "undone" not in place.said()


def test_scripts_that_never_end_are_bounded(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sourcing, "LONGEST_ACTIVATION", 0.1)
    slow = place.script("slow.sh", "sleep 300\n")
    with (
        pytest.raises(StepFailed, match="not come to an end") as failed,
        sourced(place.context, title="", enter=[slow]),
    ):
        raise AssertionError
    assert failed.value.where == slow


def test_leaving_is_bounded_and_said(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sourcing, "LONGEST_DEACTIVATION", 0.1)
    enter, leave = place.script("a.sh", "true\n"), place.script("slow.sh", "sleep 300\n")
    with sourced(place.context, title="", enter=[enter], leave=[leave]):
        pass
    assert f"ended in the deactivation script {leave}" in place.said()


def test_the_lock_is_held_while_scripts_are_sourced_only(place: Any) -> None:
    enter = place.script("a.sh", "true\n")
    with sourced(place.context, title="", enter=[enter], lock="prefix"):
        assert place.locks.events == ["+shell.prefix", "-shell.prefix"]
        del place.locks.events[:]
    assert place.locks.events == ["+shell.prefix", "-shell.prefix"]


def test_the_activator_script(place: Any) -> None:
    first, second = place.script("1.sh", "export A=1 B=1\n"), place.script("2.sh", "export B=2\n")
    environment = Environment("/nowhere", "script", facts={"scripts": json.dumps([first, second])})
    with ScriptActivator().activate(environment, place.context) as activation:
        assert activation == Activation(EnvDelta(set={"A": "1", "B": "2"}, unset=(), prepend={}))
    with ScriptActivator().activate(Environment("/nowhere", "script"), place.context) as activation:
        assert activation.delta == EnvDelta(set={}, unset=(), prepend={})


def test_no_bash(place: Any) -> None:
    context = place.lend({"PATH": "/nowhere"})
    with (
        pytest.raises(StepFailed, match="no bash") as failed,
        sourced(context, title="", enter=[place.script("a.sh", "")]),
    ):
        raise AssertionError
    assert "install" in failed.value.hint


def test_the_modules_that_entry_points_name_are_light() -> None:
    code = (
        "import sys; before = set(sys.modules); import kern_shell.activator, kern_shell.api; "
        "print(*(set(sys.modules) - before))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "kern_shell.activator" in said
    assert {"subprocess", "tempfile", "pathlib", "select", "shutil", "kern_shell.sourcing"}.isdisjoint(said)
