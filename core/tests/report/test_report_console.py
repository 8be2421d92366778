"""The plain console: what it says, what it lets through, and what it withstands."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.events import (
    ERROR,
    FAILED,
    INTERRUPTED,
    PASSED,
    CommandResult,
    CommandStarted,
    Event,
    Notice,
    Output,
    RowFinished,
    RowResult,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from kern.report import Screen, console
from kern.report.text import command_line, elapsed, visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any, BinaryIO

ONE = RunStarted(("py312",), 1, True, "/p", "/p/.kern/log", False)
THREE = RunStarted(("py312", "py313", "lint"), 2, False, "/p", "/p/.kern/log", False)
GOOD_ROW = RowResult(
    "py312", "py312", "wheel", PASSED, seconds=1.24, made=("built wheel", "made environment"), log="/l"
)
LINT = RowResult("lint", "lint", "", PASSED, seconds=0.31, log="/l")


def told(
    events: Iterable[Event], *, verbosity: int = 0, ci: str = "", color: bool = False, encoding: str = "utf-8"
) -> tuple[bytes, bytes]:
    """What the console writes on standard output and standard error."""
    out, err = io.BytesIO(), io.BytesIO()
    reporter = console(out, err, color=color, terminal=False, verbosity=verbosity, ci=ci, encoding=encoding)
    for event in events:
        reporter(event)
    reporter.close()
    return out.getvalue(), err.getvalue()


def failed_row(log: Path, data: bytes, **fields: Any) -> RowResult:
    log.write_bytes(data)
    row = RowResult("py313", "py313", "wheel", FAILED, "pytest exited with 1", seconds=2.14, log=str(log))
    return row._replace(**fields)


def streamed(*chunks: bytes) -> list[Event]:
    return [
        ONE,
        CommandStarted("py312", "commands", ("pytest", "tests")),
        *(Output("py312", chunk) for chunk in chunks),
        RowFinished(GOOD_ROW),
        RunFinished((GOOD_ROW,), 0, 1.3),
    ]


def test_one_streamed_row_that_passes() -> None:
    out, err = told(
        [
            ONE,
            StepStarted("build:wheel", "build", "building wheel", "the source changed"),
            StepFinished("build:wheel", "build", "building wheel", PASSED, 0.4),
            StepStarted("env:py312", "make", "making environment", "new"),
            StepFinished("env:py312", "make", "making environment", PASSED, 0.4),
            StepStarted("run:py312", "run", "py312", ""),
            CommandStarted("py312", "commands", ("pytest", "-k", "a b", "tests")),
            Output("py312", b".... [100%]\n4 passed"),
            RowFinished(GOOD_ROW),
            RunFinished((GOOD_ROW,), 0, 1.3),
        ]
    )
    assert out.decode() == (
        "py312 | building wheel: the source changed\n"
        "py312 | making environment: new\n"
        "py312 $ pytest -k 'a b' tests\n"
        ".... [100%]\n"
        "4 passed\n"
        "\n"
        "py312  passed    1.2s  built wheel, made environment\n"
        "1 passed in 1.3s\n"
    )
    assert err == b""


def test_three_rows_with_a_failure(tmp_path: Path) -> None:
    bad = failed_row(tmp_path / "log", b"..F\n1 failed", made=("made environment",), hint="try harder")
    bad = bad._replace(commands=(CommandResult("commands", ("pytest",), 1, 2.0, survivors=2),))
    rows = (GOOD_ROW, bad, LINT)
    out, err = told([THREE, *map(RowFinished, rows), RunFinished(rows, 1, 4.2)])
    assert out.decode() == (
        "ok       py312    1.2s  built wheel, made environment\n"
        "FAIL     py313    2.1s  made environment; pytest exited with 1\n"
        "  hint: try harder\n"
        "--- output of py313 ----------------------------------------------------\n"
        "..F\n"
        "1 failed\n"
        "--- end of py313 -------------------------------------------------------\n"
        "ok       lint     0.3s  reused\n"
        "\n"
        "py312  passed    1.2s  built wheel, made environment\n"
        "py313  failed    2.1s  made environment; pytest exited with 1\n"
        "lint   passed    0.3s  reused\n"
        "2 passed, 1 failed in 4.2s; to run the failed again: kern run py313\n"
    )
    assert err == b"warning: py313: 2 processes were still running when its commands had ended, and killed\n"


def test_an_environment_that_could_not_be_made() -> None:
    tail = "Collecting pytset\n\x1b[31mERROR: no matching distribution found for pytset\x1b[0m\n"
    step = StepFinished("e", "make", "making py38", ERROR, 0.9, "pip exited with 1", "check deps", "/l/py38.log", tail)
    row = RowResult("py312", "py312", "", ERROR, "pip exited with 1", "check deps", 0.9, log="/l/py38.log")
    out, err = told(
        [ONE, StepStarted("e", "make", "making py38", "new"), step, RowFinished(row), RunFinished((row,), 3, 1)]
    )
    assert out.decode() == (
        "py312 | making py38: new\n"
        "error: making py38: pip exited with 1\n"
        "  | Collecting pytset\n"
        "  | ERROR: no matching distribution found for pytset\n"
        "  log: /l/py38.log\n"
        "  hint: check deps\n"
        "\n"
        "py312  error    0.9s  pip exited with 1\n"
        "1 error in 1.0s; to run the failed again: kern run py312\n"
    )
    assert err == b""


def test_quiet_shows_failures_and_the_last_line(tmp_path: Path) -> None:
    bad = failed_row(tmp_path / "log", b"..F\n")
    rows = (GOOD_ROW, bad)
    out, err = told(
        [THREE, Notice("warning", "w"), Notice("info", "i"), *map(RowFinished, rows), RunFinished(rows, 1, 4.2)],
        verbosity=-1,
    )
    lines = out.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["FAIL", "---", "..F", "---", "1"]
    assert err == b""


def test_quiet_reads_a_streamed_row_from_its_log(tmp_path: Path) -> None:
    bad = failed_row(tmp_path / "log", b"..F\n")
    events: list[Event] = [
        ONE,
        CommandStarted("py313", "commands", ("pytest",)),
        Output("py313", b"live\n"),
        RowFinished(bad),
    ]
    out, _ = told([*events, RunFinished((bad,), 1, 1.0)], verbosity=-1)
    assert b"live" not in out
    assert b"pytest\n..F" not in out
    assert b"..F\n" in out


def test_verbose_shows_what_passed_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"4 passed\n")
    row = GOOD_ROW._replace(log=str(log))
    assert b"4 passed\n" not in told([THREE, RowFinished(row)])[0]
    assert b"4 passed\n" in told([THREE, RowFinished(row)], verbosity=1)[0]


def test_several_streamed_rows_each_get_a_line(tmp_path: Path) -> None:
    bad = failed_row(tmp_path / "log", b"from the log\n")
    events: list[Event] = [
        THREE._replace(stream=True),
        StepStarted("e", "make", "making py313", "new"),
        CommandStarted("py313", "commands", ("pytest",)),
        Output("py313", b"live\n"),
        RowFinished(bad),
    ]
    assert told(events)[0].decode().splitlines() == [
        "making py313: new",
        "py313 $ pytest",
        "live",
        "FAIL     py313    2.1s  reused; pytest exited with 1",
    ]


def test_a_long_log_is_cut_at_a_line_and_the_whole_is_named(tmp_path: Path) -> None:
    data = b"".join(b"line %06d\n" % number for number in range(100_000))
    bad = failed_row(tmp_path / "log", data)
    out, _ = told([THREE, RowFinished(bad)])
    shown = out.split(b"\n")
    assert f"(the last 200.0 KiB of 1.1 MiB; all of it is in {bad.log})".encode() in shown
    assert data.endswith(b"\n".join(shown[3:-2]) + b"\n")
    assert re.fullmatch(rb"line \d{6}", shown[3])
    assert len(out) < 210 * 1024
    assert data in told([THREE, RowFinished(bad)], verbosity=1)[0]


@pytest.mark.parametrize("left", ["nothing in it", "no log", "a folder"])
def test_an_output_that_is_not_there(tmp_path: Path, left: str) -> None:
    bad = failed_row(tmp_path / "log", b"")
    if left != "nothing in it":
        os.unlink(bad.log)
    if left == "a folder":
        os.mkdir(bad.log)
    text = told([THREE, RowFinished(bad)])[0].decode()
    assert "exited with 1" in text
    assert ("it printed nothing" in text) == (left == "nothing in it")
    assert ("its log can't be read" in text) == (left == "a folder")


def test_many_rows_list_only_what_did_not_pass() -> None:
    good = tuple(GOOD_ROW._replace(row=f"r{number}", environment=f"r{number}") for number in range(40))
    rows = (*good, RowResult("bad", "bad", "", FAILED, "why"))
    started = THREE._replace(rows=tuple(row.row for row in rows))
    events: list[Event] = [started, RunFinished(rows, 1, 1.0)]
    assert told(events)[0].decode().splitlines() == [
        "",
        "bad  failed    0.0s  reused; why",
        "40 passed and are not listed",
        "40 passed, 1 failed in 1.0s; to run the failed again: kern run bad",
    ]
    assert b"r17" in told(events, verbosity=1)[0]


@given(st.lists(st.binary()))
def test_streamed_output_is_exact(chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    out, _ = told(streamed(*chunks))
    begin = b"py312 $ pytest tests\n"
    end = b"\npy312  passed    1.2s  built wheel, made environment\n1 passed in 1.3s\n"
    newline = b"\n" if data and not data.endswith(b"\n") else b""
    assert out == begin + data + newline + end


@given(st.binary())
def test_a_block_of_output_is_exact(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    bad = failed_row(tmp_path_factory.getbasetemp() / "exact", data + b"x")
    block = told([THREE, RowFinished(bad)])[0].split(b"\n", 2)[2]
    assert block.startswith(data + b"x\n--- end of py313 ---")


@given(st.text())
def test_what_is_visible_moves_nothing(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("é b", "é b"), ("\x1b[2J", "\\x1b[2J"), ("a\r\n\t", "a\\r\\n\\t"), ("\udcff", "\\xff"), ("\u202e", "\\u202e")],
)
def test_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0.0s"), (-1, "0.0s"), (59.94, "59.9s"), (59.96, "1m00s"), (65, "1m05s"), (3599.7, "1h00m"), (7380, "2h03m")],
)
def test_times(seconds: float, shown: str) -> None:
    assert elapsed(seconds) == shown


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"))))
def test_a_command_line_is_what_a_shell_would_take(argv: list[str]) -> None:
    import shlex

    assert shlex.split(command_line(argv)) == argv


@pytest.mark.parametrize("ci", ["", "github"])
@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_own_lines_hold_no_control_bytes(story: Any, ci: str, verbosity: int) -> None:
    events: list[Event] = [event for event in story.events if not isinstance(event, Output)]
    quiet = [
        RowFinished(event.result._replace(log="")) if isinstance(event, RowFinished) else event for event in events
    ]
    out, err = told(quiet, ci=ci, verbosity=verbosity)
    text = (out + err).decode()
    assert all(char == "\n" or char.isprintable() for char in text)
    assert "\\x1b[2J" in text


def test_a_stream_of_another_encoding() -> None:
    row = GOOD_ROW._replace(row="é", outcome=FAILED, reason="日本")
    out, _ = told([THREE, RowFinished(row._replace(log=""))], encoding="ascii")
    assert b"\\xe9" in out
    assert b"\\u65e5\\u672c" in out


def test_colour_is_only_there_when_asked_for() -> None:
    assert b"\x1b" not in told(streamed(b"x\n"))[0]
    out, _ = told(streamed(b"\x1b[31mred\n"), color=True)
    assert b"\x1b[1mpytest tests\x1b[0m\n\x1b[31mred\n\x1b[0m" in out


def obeyed(text: str) -> list[str]:
    """The workflow commands that GitHub's runner would carry out."""
    stopped, found = "", []
    for line in re.split("\r\n|\r|\n", text):
        command = line.lstrip()
        if stopped:
            stopped = "" if command == f"::{stopped}::" else stopped
        elif command.startswith("::stop-commands::"):
            stopped = command.removeprefix("::stop-commands::")
        elif command.startswith("::") or "##[" in line:
            found.append(command)
    assert not stopped
    return found


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("verbosity", [-1, 0, 1])
def test_tests_can_not_command_github(story: Any, stream: bool, verbosity: int) -> None:
    events: list[Event] = [story.started._replace(stream=stream), *story.events[1:]]
    out, err = told(events, ci="github", verbosity=verbosity)
    found = obeyed(out.decode(errors="surrogateescape"))
    commands = {command.split("::")[1].split()[0] for command in found}
    assert commands == {"group", "endgroup", "error"}
    assert len([command for command in found if command.startswith("::error")]) == 5
    assert sum(command.startswith("::group") for command in found) == found.count("::endgroup::")
    assert obeyed(err.decode()) == []


def test_an_annotation_of_a_failed_row(tmp_path: Path) -> None:
    bad = failed_row(tmp_path / "log", b"x", row="(a:b, c) py313", reason="100%\nbad")
    out, _ = told([THREE, RowFinished(bad)], ci="github")
    assert b"\n::error title=(a%3Ab%2C c) py313 failed::100%25%0Abad\n" in out


def test_each_fold_has_its_own_token(tmp_path: Path) -> None:
    bad = failed_row(tmp_path / "log", b"::endgroup::\n")
    out, _ = told([THREE, RowFinished(bad), RowFinished(bad)], ci="github")
    tokens = re.findall(rb"::stop-commands::([0-9a-f]{32})\n", out)
    assert len(set(tokens)) == 2


def test_an_interrupted_run_leaves_nothing_open() -> None:
    row = RowResult("py312", "py312", "", INTERRUPTED, "interrupted")
    events: list[Event] = [ONE, CommandStarted("py312", "commands", ("pytest",)), Output("py312", b"half")]
    out, _ = told(events, ci="github")
    assert out.endswith(b"::\n::endgroup::\n")
    assert told(events)[0].endswith(b"half\n")
    assert b"py312  interrupted" in told([*events, RowFinished(row), RunFinished((row,), 130, 1.0)])[0]


def test_a_huge_log_does_not_grow_the_memory(tmp_path: Path) -> None:
    bad = failed_row(tmp_path / "log", b"")
    os.truncate(bad.log, 1 << 26)
    with open(os.devnull, "wb") as out:
        reporter = console(out, None, color=False, terminal=False, verbosity=1, ci="")
        tracemalloc.start()
        try:
            reporter(RowFinished(bad))
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


def play(reporter: Screen, events: Iterable[Event]) -> None:
    for event in events:
        reporter(event)
    reporter.close()


def screen(out: int | BinaryIO | None, err: int | BinaryIO | None) -> Screen:
    return console(out, err, color=False, terminal=False, verbosity=0, ci="")


def test_a_reader_that_has_gone(story: Any) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    err = io.BytesIO()
    reporter = screen(writer, err)
    play(reporter, story.events)
    os.close(writer)
    assert reporter.broken
    assert b"warning" in err.getvalue()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk(story: Any) -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        reporter = screen(full, full)
        play(reporter, story.events)
        assert reporter.broken


def test_streams_that_are_closed_or_absent(story: Any) -> None:
    closed = io.BytesIO()
    closed.close()
    for stream in (None, closed):
        reporter = screen(stream, stream)
        play(reporter, story.events)
        assert reporter.broken


def test_a_terminal_that_a_child_made_non_blocking() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data = os.urandom(1 << 20)
    code = "import sys, hashlib; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    with subprocess.Popen([sys.executable, "-c", code], stdin=reader, stdout=subprocess.PIPE) as child:
        os.close(reader)
        reporter = screen(writer, None)
        reporter(ONE)
        reporter(Output("py312", data))
        os.close(writer)
        import hashlib

        assert child.communicate()[0].decode().strip() == hashlib.sha256(data).hexdigest()
    assert not reporter.broken


def test_what_the_plain_console_imports() -> None:
    code = (
        "import sys; before = set(sys.modules); from kern.report import console;"
        "r = console(1, 2, color=False, terminal=False, verbosity=0, ci='');"
        "from kern.events import *; row = RowResult('a', 'a', '', 'passed'); r(RowFinished(row));"
        "r(RunFinished((row,), 0, 1.0)); new = set(sys.modules) - before;"
        "print(' '.join(new & {'rich', 'json', 'pathlib', 'subprocess', 'shlex', 'dataclasses', 'inspect'}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stderr == "\n"
    assert "1 passed" in done.stdout
