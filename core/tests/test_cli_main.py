"""From words to an exit code: what is said on which stream, and that nothing ever ends in a traceback."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import tempfile
import types
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern import __version__
from kern.cli import failures, main, streams
from kern.cli.declarations import VERBS
from kern.errors import ConfigError, KernError, LockTimeout, PluginError, StepFailed, Stopped, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Main = Callable[[object], int]


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Main], None]:
    """Put a function in the place of what ``kern list`` does."""

    def replace(function: Main) -> None:
        module = types.ModuleType("kern.cli.verbs.list")
        module.main = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "kern.cli.verbs.list", module)

    return replace


@pytest.fixture
def failing(verb: Callable[[Main], None]) -> Callable[[BaseException], None]:
    """Have ``kern list`` raise."""

    def replace(error: BaseException) -> None:
        def function(_arguments: object) -> int:
            raise error

        verb(function)

    return replace


def test_the_verb_gets_its_arguments_and_gives_the_exit_code(verb: Callable[[Main], None]) -> None:
    seen: list[object] = []

    def function(arguments: object) -> int:
        seen.append(arguments)
        return 5

    verb(function)
    assert main(["list", "py312", "--why"]) == 5
    assert main(["list", "--verbose=2"]) == 5
    assert [type(arguments).__name__ for arguments in seen] == ["ListArguments", "ListArguments"]
    assert seen[0].selection == ("py312",)  # type: ignore[attr-defined]
    assert seen[1].verbose == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_version(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    assert capsys.readouterr() == (f"kern {__version__}\n", "")


def test_no_verb_shows_what_there_is_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(f"  {name} " in shown.err and summary in shown.err for name, summary in VERBS.items())


def test_help_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    shown = capsys.readouterr()
    assert "Usage: kern run" in shown.out
    assert shown.err == ""


def test_a_mistake_is_an_error_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rnu"]) == 2
    assert capsys.readouterr() == ("", "error: there is no verb rnu\nhint: did you mean run?\n")


def test_a_mistake_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--json", "--jbos=4"]) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "schema": 1,
        "error": {
            "kind": "UsageError",
            "message": "unknown option --jbos=4",
            "where": "",
            "hint": "did you mean --jobs?",
            "log": "",
            "tail": "",
            "exit_code": 2,
        },
    }
    assert shown.err.startswith("error: unknown option --jbos")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("u"), 2),
        (ConfigError("c"), 2),
        (PluginError("p"), 2),
        (StepFailed("s"), 3),
        (KernError("k"), 3),
        (LockTimeout("l"), 4),
        (Stopped("i"), 130),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
        (RuntimeError("b"), 70),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 3),
        (SystemExit(9), 9),
        (SystemExit(None), 0),
        (SystemExit("text"), 70),
    ],
)
def test_each_failure_has_its_code(
    error: BaseException,
    code: int,
    failing: Callable[[BaseException], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    failing(error)
    assert main(["list"]) == code


def test_a_failed_step_shows_its_evidence(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    tail = "one\n\x1b[31mtwo\x1b[0m\r\n\tthree \x1b]0;title\x07\n"
    failing(StepFailed("pip\x1b failed\nbadly", where="py312", hint="look\u202e up", log="/l/\x07og", tail=tail))
    assert main(["list"]) == 3
    assert capsys.readouterr().err == (
        "error: pip\\x1b failed\\nbadly\n"
        "  at: py312\n"
        "  log: /l/\\x07og\n"
        "  | one\n"
        "  | two\n"
        "  | \tthree \\x1b]0;title\\x07\n"
        "hint: look\\u202e up\n"
    )


def test_a_failed_step_as_json_is_whole_and_ascii(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(StepFailed("é\udc80", log="/log", tail="a\nb"))
    assert main(["list", "--json"]) == 3
    shown = capsys.readouterr()
    assert shown.out.isascii()
    assert json.loads(shown.out)["error"] == {
        "kind": "StepFailed",
        "message": "é\udc80",
        "where": "",
        "hint": "",
        "log": "/log",
        "tail": "a\nb",
        "exit_code": 3,
    }
    assert shown.err.startswith("error: é\\udc80\n")


def test_json_after_the_dashes_is_not_for_kern(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lsit", "--", "--json"]) == 2
    assert capsys.readouterr().out == ""


@given(st.text())
def test_what_is_printed_can_steer_no_terminal(text: str) -> None:
    shown = failures.visible(text)
    assert all(letter.isprintable() or letter == "\t" for letter in shown)
    assert shown.encode() or not text
    if text.isprintable():
        assert shown == text


def test_the_machine_says_no(failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]) -> None:
    failing(OSError(errno.ENOSPC, "No space left on device", "/somewhere/x"))
    assert main(["list"]) == 3
    assert capsys.readouterr().err == (
        "error: no space left on device\n"
        "  at: /somewhere/x\n"
        "hint: free some space, kern clean --all helps, and run kern again\n"
    )


def test_a_bug_is_saved_where_only_its_owner_reads_it(
    failing: Callable[[BaseException], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    failing(RuntimeError("oh \x1b no"))
    assert main(["list", "--json"]) == 70
    (saved,) = tmp_path.iterdir()
    shown = capsys.readouterr()
    assert shown.err.splitlines()[:2] == [
        "error: kern has a bug: RuntimeError: oh \\x1b no",
        f"  log: {saved}",
    ]
    assert "Traceback" not in shown.err
    assert json.loads(shown.out)["error"]["kind"] == "Bug"
    assert json.loads(shown.out)["error"]["exit_code"] == 70
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    text = saved.read_text()
    assert text.startswith(f"kern {__version__}, verb list, Python 3")
    assert "Traceback" in text
    assert "in function" in text


def test_a_bug_that_can_not_be_saved_is_shown(
    failing: Callable[[BaseException], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    failing(RuntimeError("oh no"))
    assert main(["list"]) == 70
    shown = capsys.readouterr().err
    assert shown.startswith("error: kern has a bug: RuntimeError: oh no\n  | Traceback")
    assert "hint: please report it at " in shown


def test_debugging_shows_the_traceback(
    failing: Callable[[BaseException], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("KERN_DEBUG", "1")
    failing(RuntimeError("oh no"))
    assert main(["list"]) == 70
    assert capsys.readouterr().err.startswith("Traceback")
    assert not list(tmp_path.iterdir())


# From here on in processes of their own: what the interpreter does at its end is part of what is tested.

PROGRAM = """
import sys, types
module = types.ModuleType("kern.cli.verbs.list")
exec(sys.argv.pop(1), module.__dict__)
sys.modules["kern.cli.verbs.list"] = module
from kern.cli import main
sys.exit(main())
"""
PRINTS = (
    "import sys\ndef main(arguments):\n    print('x' * {size})\n    print('done', file=sys.stderr)\n    return {code}"
)


def variables(unbuffered: bool) -> dict[str, str]:
    """The environment variables, with or without a buffer between Python and its streams."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return environ | ({"PYTHONUNBUFFERED": "1"} if unbuffered else {})


def kern(verb_source: str, *words: str, shell: str = "", unbuffered: bool = False) -> subprocess.CompletedProcess[str]:
    """Run kern with a ``list`` of our own, perhaps with redirections that only a shell can make."""
    command = [sys.executable, "-c", PROGRAM, verb_source, *words]
    if shell:
        command = ["sh", "-c", f'"$@" {shell}', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=variables(unbuffered))


def test_the_process_ends_with_the_code_and_runs_what_was_registered() -> None:
    source = "import atexit\ndef main(arguments):\n    atexit.register(print, 'last words')\n    print('first')\n    return 7"
    done = kern(source, "list")
    assert (done.returncode, done.stdout, done.stderr) == (7, "first\nlast words\n", "")


PRINTING = (["list"], ["--version"], ["run", "--help"])
COMPLAINING: tuple[list[str], ...] = (["run", "--json", "-Z"], [])


@pytest.mark.parametrize("words", [*PRINTING, *COMPLAINING], ids=" ".join)
@pytest.mark.parametrize("shell", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_nothing_else(words: list[str], shell: str) -> None:
    done = kern(PRINTS.format(size=3, code=0), *words, shell=shell)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == (0 if words in PRINTING else 2)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("unbuffered", [False, True])
@pytest.mark.parametrize("words", [*PRINTING, *COMPLAINING], ids=" ".join)
@pytest.mark.parametrize("shell", [">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full"])
def test_a_full_stream_is_an_error_in_words(words: list[str], shell: str, unbuffered: bool) -> None:
    done = kern(PRINTS.format(size=3, code=0), *words, shell=shell, unbuffered=unbuffered)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    loses = words == ["list"] or (words in PRINTING and shell.startswith(">"))
    # Without a buffer the verb itself meets the error, and there it could be that of any other file.
    lost = {74, 3} if unbuffered else {74}
    assert done.returncode in (lost if loses else {0} if words in PRINTING else {2})
    if loses and shell == ">/dev/full":
        assert "no space left on device\n" in done.stderr.lower()


def test_the_verdict_outlives_a_full_disk() -> None:
    done = kern(PRINTS.format(size=3, code=1), "list", shell=">/dev/full")
    assert done.returncode == 1
    assert done.stderr == "done\nerror: standard output can't be written to: No space left on device\n"


def test_a_full_disk_in_the_middle_of_printing() -> None:
    done = kern(PRINTS.format(size=300_000, code=0), "list", shell=">/dev/full")
    assert done.returncode in (74, 3)
    assert "no space left on device\n" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def unread(program: str, *words: str, unbuffered: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a program whose standard output is a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", program, *words]
    try:
        return subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, env=variables(unbuffered)
        )
    finally:
        os.close(writing)


@pytest.mark.parametrize("unbuffered", [False, True])
@pytest.mark.parametrize("size", [3, 300_000])
@pytest.mark.parametrize("words", [["list"], ["--version"], ["run", "--help"]], ids=" ".join)
def test_nobody_reads(size: int, words: list[str], unbuffered: bool) -> None:
    done = unread(PROGRAM, PRINTS.format(size=size, code=0), *words, unbuffered=unbuffered)
    assert done.returncode == 141
    assert done.stderr in ("", "done\n")


def test_nobody_reads_and_the_interpreter_ends_as_usual() -> None:
    done = unread(PROGRAM.replace("main()", "main(sys.argv[1:])"), PRINTS.format(size=3, code=0), "list")
    assert done.returncode == 141
    assert done.stderr in ("", "done\n")


def test_a_closed_stream_is_not_taken_by_the_next_file() -> None:
    source = (
        "import os, sys\n"
        "def main(arguments):\n"
        "    number = os.open(os.devnull, os.O_RDONLY)\n"
        "    sys.stdout.write('into the void')\n"
        "    return number if all(os.get_inheritable(n) for n in (0, 1)) else 99\n"
    )
    assert kern(source, "list", shell="<&- >&-").returncode == 3


def test_ctrl_c_ends_in_words() -> None:
    source = (
        "import os, signal\n"
        "def main(arguments):\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    return 0"
    )
    done = kern(source, "list", "--json")
    assert done.returncode == 130
    assert done.stderr == "error: interrupted\n"
    assert json.loads(done.stdout)["error"]["kind"] == "Stopped"


def test_ctrl_c_at_the_very_end_prints_no_traceback() -> None:
    source = (
        "import sys, types\n"
        "def flush():\n"
        "    raise KeyboardInterrupt\n"
        "def main(arguments):\n"
        "    sys.stdout = types.SimpleNamespace(flush=flush)\n"
        "    return 0"
    )
    done = kern(source, "list")
    assert (done.returncode, done.stderr) == (130, "")


def test_the_quick_path_stays_quick() -> None:
    """What an ordinary line imports before its verb; each of these would cost more than reading the line."""
    source = (
        "import sys\n"
        "def main(arguments):\n"
        "    heavy = {'cyclopts', 'rich', 'attrs', 'argparse', 'pathlib', 'inspect', 'subprocess', 'hashlib', 'tomllib',"
        " 'importlib.metadata', 'dataclasses', 'json', 'logging', 'asyncio', 'traceback', 'tempfile', 'shutil'}\n"
        "    print(*sorted(heavy & (set(sys.modules) - before)))\n"
        "    return 0\n"
        "before = set(sys.modules)\n"
    )
    done = kern(source, "-v", "list", "py312", "--json")
    assert (done.stdout, done.returncode) == ("\n", 0)


def test_version_imports_nothing() -> None:
    program = "import sys\nbefore = set(sys.modules)\nfrom kern.cli import main\nmain(['-V'])\nprint(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    version, modules = done.stdout.splitlines()
    assert version == f"kern {__version__}"
    assert set(modules.split()) <= {"kern", "kern.cli", "kern.cli.streams", "__future__", "gc"}


def test_finish_keeps_the_code_where_all_is_well() -> None:
    assert streams.finish(3) == 3
