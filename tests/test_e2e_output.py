"""What kern prints and keeps: rows that never mix, logs byte for byte, no secrets, reports, and JSON for programs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Project

BARE = "[env]\npackage = 'none'\n"
SECRET = "sw0rdfish-in-the-night"


@pytest.fixture(scope="module")
def three(shared: Callable[[str], Project]) -> Project:
    """Environments that pass, fail and are skipped."""
    project = shared("three").config(
        f"env_list = ['good', 'bad', 'py35']\n{BARE}commands = [['python', '-c', 'print(\"fine\")']]\n"
        "[env.bad]\ncommands = [['python', '-c', 'print(\"<b> & not fine\"); raise SystemExit(3)']]\n"
        "[env.talk]\ncommands = [['python', '-c', '{posargs}']]\n[env.noise]\ncommands = [['python', 'noise.py']]\n"
        "[env.echo]\ncommands = [['python', 'noise.py']]\n"
        "[env.tell]\npass_env = ['*']\ncommands = [['python', 'tell.py', '{posargs}']]\nset_env.MY_TOKEN = '{env:MY_TOKEN:}'\n"
    )
    project.write({"noise.py": NOISE, "tell.py": TELL})
    project.run("--no-test", "good", "bad", "talk", "noise", "echo", "tell")
    return project


NOISE = """
import os, time
name = os.environ["KERN_ENV_NAME"]
for number in range(40):
    os.write(1 + number % 2, (f"{name} {number} begin").encode())
    time.sleep(0.005)
    os.write(1, b" end\\n")
raise SystemExit(1)
"""
TELL = """
import os, sys
value = os.environ.get("MY_TOKEN", "none")
print("whole", value)
sys.stdout.flush()
os.write(1, value[:5].encode())
os.write(2, value[5:].encode() + b"\\n")
print(os.environ.get("DATABASE_URL"), sys.argv[1:])
raise SystemExit(4)
"""


def test_output_of_parallel_rows_is_never_mixed(three: Project) -> None:
    shown = three.kern("run", "-j", "2", "noise", "echo", code=1).out
    for name in ("noise", "echo"):
        head, foot = f"--- output of {name} ---", f"--- end of {name} ---"
        block = shown[shown.index(head) : shown.index(foot)].splitlines()[2:]
        assert block == [f"{name} {number} begin end" for number in range(40)]


def test_a_passing_row_is_quiet_in_parallel_and_loud_when_asked(three: Project) -> None:
    assert "fine" not in three.kern("run", "-j", "2", "good", "bad", code=1).out.replace("not fine", "")
    assert "--- output of good" in three.kern("run", "-v", "-j", "2", "good", "bad", code=1).out
    quiet = three.kern("run", "-q", "good", code=0)
    assert len(quiet.screen.splitlines()) == 1
    assert quiet.out.startswith("1 passed in ")


def test_logs_hold_the_bytes_as_they_came(three: Project) -> None:
    data = bytes(range(256)) + "é\r\n\x1b[31m".encode() + b"no newline \xff"
    three.run("talk", "--", f"import os; os.write(1, {data!r})")
    log = (three.work / "logs/latest/talk.log").read_bytes()
    assert log.partition(b"\n")[2] == data
    streamed = three.kern("run", "talk", "--", f"import os; os.write(1, {data!r})", code=0)
    assert data in streamed.stdout


def test_a_huge_output_goes_to_the_log_and_its_end_to_the_screen(three: Project) -> None:
    code = "import sys\nfor n in range(300000): print('line', n)\nsys.exit(1)"
    done = three.kern("run", "-j", "2", "good", "talk", "--", code, code=1)
    assert "line 299999\n" in done.out
    assert "line 5\n" not in done.out
    assert "all of it is in" in done.out
    assert (three.work / "logs/latest/talk.log").read_bytes().count(b"\n") > 300_000


def test_logs_are_readable_by_their_owner_alone_and_old_ones_go(project: Project) -> None:
    project.config(f"env_list = ['a']\n{BARE}commands = ['true']\n")
    for _ in range(17):
        project.run()
    runs = [path for path in (project.work / "logs").iterdir() if path.is_dir() and not path.is_symlink()]
    assert 10 <= len(runs) <= 16
    assert (project.work / "logs/latest/a.log").stat().st_mode & 0o077 == 0


def test_colours_only_where_they_are_wanted(three: Project) -> None:
    assert "\x1b[" not in three.kern("run", "good").screen
    assert "\x1b[" in three.kern("run", "good", env={"FORCE_COLOR": "1"}).out
    assert "\x1b[" not in three.kern("run", "good", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).screen


def on_terminal(project: Project, *args: str, **variables: str) -> tuple[int, str]:
    """Run kern on a terminal of its own; its exit code and everything it wrote."""
    parent, child = pty.openpty()
    started = subprocess.Popen(
        (*project.command, *args),
        cwd=project.root,
        env={**project.environ, "TERM": "xterm", **variables},
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    read = b""
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:
            break
        if not data:
            break
        read += data
    os.close(parent)
    return started.wait(60), read.decode(errors="replace")


def test_a_terminal_gets_colours_and_a_board_and_no_color_takes_the_colours(three: Project) -> None:
    code, shown = on_terminal(three, "run", "-j", "2", "good", "bad")
    assert code == 1
    assert "\x1b[31m" in shown
    assert "1 passed, 1 failed" in shown
    assert "not fine" in shown
    code, shown = on_terminal(three, "run", "-j", "2", "good", "bad", NO_COLOR="1")
    assert code == 1
    assert "\x1b[31m" not in shown
    assert "1 passed, 1 failed" in shown


def test_interactive_gives_the_terminal_to_the_command(three: Project) -> None:
    code, shown = on_terminal(
        three, "run", "-i", "talk", "--", "import sys; print([f.isatty() for f in (sys.stdin, sys.stdout, sys.stderr)])"
    )
    assert code == 0
    assert "[True, True, True]" in shown


def test_secrets_are_masked_everywhere(three: Project) -> None:
    url = "postgres://me:pa55word-of-mine@db/x"
    env = {"MY_TOKEN": SECRET, "DATABASE_URL": url}
    reports = [arg for kind in ("json", "jsonl", "xml", "md", "html") for arg in ("--report", f"report.{kind}")]
    seen = [
        three.kern("run", "-vv", *reports, "tell", "--", f"--token={SECRET}", env=env, code=1),
        three.kern("run", "--json", "tell", "--", SECRET, env=env, code=1),
        three.kern("plan", "tell", "--", SECRET, env=env, code=0),
        three.kern("plan", "--json", "tell", "--", SECRET, env=env, code=0),
        three.kern("show", "tell", env=env, code=0),
    ]
    assert "whole ***" in seen[0].out
    for secret in (SECRET, "pa55word-of-mine"):
        for result in seen:
            assert secret not in result.screen, str(result)
        kept = [path for path in three.root.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
        assert kept == []


def test_names_cannot_steer_the_terminal_or_the_ci(project: Project) -> None:
    project.config(f'env_list = [\'a\']\n{BARE}description = "x\\u001b[2Jy"\ncommands = [["echo\\u001b[2J"]]\n')
    for args in (("list",), ("show", "a"), ("plan",), ("run",)):
        assert "\x1b" not in project.kern(*args).screen
    assert "\\x1b" in project.kern("list").out


def test_every_kind_of_report_tells_the_same_run(three: Project) -> None:
    names = {kind: f"reports/run.{kind}" for kind in ("json", "jsonl", "xml", "md", "html")}
    options = [part for name in names.values() for part in ("--report", name)]
    done = three.kern("run", "--missing", "skip", *options, code=1)
    assert "1 passed, 1 failed, 1 skipped" in done.out.splitlines()[-1]
    document = json.loads((three / names["json"]).read_text())
    assert {row["row"]: row["outcome"] for row in document["rows"]} == OUTCOMES
    assert document["totals"]["failed"] == 1
    lines = [json.loads(line) for line in (three / names["jsonl"]).read_text().splitlines()]
    assert len(lines) >= 5
    suite = ET.fromstring((three / names["xml"]).read_text())
    cases = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert len(cases) == 3
    assert sum("failure" in tags for tags in cases.values()) == 1
    assert sum("skipped" in tags for tags in cases.values()) == 1
    page = (three / names["html"]).read_text()
    assert "&lt;b&gt; &amp; not fine" in page
    assert "<b> & not fine" not in page
    for text in ((three / names["md"]).read_text(), page):
        for row in OUTCOMES:
            assert row in text


OUTCOMES = {"good": "passed", "bad": "failed", "py35": "skipped"}


def test_a_report_of_a_kind_that_is_unknown_is_refused_before_anything_runs(three: Project) -> None:
    said = three.error("run", "--report", "x.pdf")
    assert ".json .jsonl .xml .md .html" in said
    assert not (three / "x.pdf").exists()


def test_github_gets_annotations_and_output_of_commands_cannot_fake_them(three: Project) -> None:
    fake = "print('::error::fake'); raise SystemExit(1)"
    done = three.kern("run", "talk", "--", fake, code=1, env={"GITHUB_ACTIONS": "true"})
    assert "::error title=talk failed::python failed with exit code 1" in done.out
    before, token = done.out.split("::stop-commands::")[0], done.out.split("::stop-commands::")[1].split()[0]
    assert "::error::fake" not in before
    assert done.out.index("\n::error::fake") < done.out.index(f"::{token}::\n") < done.out.index("::error title")


def valid(kind: str, project: Project, document: Any) -> None:
    schema = project.kern("schema", kind, code=0).json
    Draft202012Validator.check_schema(schema)
    problems = [error.message for error in Draft202012Validator(schema).iter_errors(document)]
    assert problems == []


@pytest.mark.parametrize(
    ("kind", "args", "code"),
    [
        ("run", ("run", "--missing", "skip"), 1),
        ("run", ("run", "--no-test", "good"), 0),
        ("list", ("list",), 0),
        ("show", ("show", "good", "bad"), 0),
        ("plan", ("plan", "--missing", "skip"), 0),
        ("plugins", ("plugins",), 0),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_json_is_all_there_is_on_standard_output_and_fits_its_schema(
    three: Project, kind: str, args: tuple[str, ...], code: int
) -> None:
    valid(kind, three, three.kern(*args, "--json", code=code).json)


def test_build_json_fits_its_schema(project: Project) -> None:
    project.package().config("env_list = ['a']\n[env]\npackage = 'wheel'\n")
    valid("build", project, project.kern("build", "--json", code=0).json)
    project.write({"broken.txt": ""})
    failed = project.kern("build", "--json", code=3)
    valid("error", project, failed.json)
    assert failed.json["error"]["kind"] == "StepFailed"
    assert "out of steam" in failed.json["error"]["tail"]


@pytest.mark.parametrize("verb", ["run", "list", "show", "plan", "build"])
@pytest.mark.parametrize("mistake", ["configuration", "command line"])
def test_an_error_is_json_too(project: Project, verb: str, mistake: str) -> None:
    project.config("retries = 3\n" if mistake == "configuration" else "env_list = ['a']\n")
    args = ("nobody",) if mistake == "command line" else ("a",)
    failed = project.kern(verb, "--json", *args, code=2)
    assert failed.err.startswith("error: ")
    error = failed.json["error"]
    assert error["exit_code"] == 2
    assert error["kind"] in {"ConfigError", "UsageError"}
    assert error["message"] in failed.err
    if verb == "run":
        valid("error", project, failed.json)


def test_the_configuration_schema_takes_a_good_file_and_refuses_a_bad_one(project: Project) -> None:
    schema = project.kern("schema", code=0).json
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema)
    good = {
        "env_list": ["py3{11-13}"],
        "env": {
            "deps": ["x"],
            "timeout": "5m",
            "lint": {"package": "none", "commands": [["ruff", "."]], "set_env": {"A": 1}},
        },
        "package": {"wheel": {"match": "py*", "config_settings": {"a": "b"}}},
        "limits": {"db": 1},
    }
    assert list(check.iter_errors(good)) == []
    wrong: tuple[dict[str, Any], ...] = (
        {"env_lst": []},
        {"env": {"lint": {"dps": []}}},
        {"env": {"retries": "two"}},
        {"limits": {"db": 0}},
    )
    for bad in wrong:
        assert list(check.iter_errors(bad)) != []


def test_run_json_has_what_a_program_needs(three: Project) -> None:
    row = three.run("bad", code=1).rows()["bad"]
    assert row["commands"][0]["argv"][0] == "python"
    assert row["commands"][0]["exit_code"] == 3
    assert "<b> & not fine" in row["output"]["text"]
    assert os.path.isabs(row["log"])
    assert os.path.isfile(row["log"])
    assert row["interpreter"] == str(three.environment("bad") / "bin/python")


def test_a_reader_that_goes_away_is_no_disaster(three: Project) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" "$@" | head -c 10; exit 0', *three.command, "run", "-v", "good"],
        cwd=three.root, env=dict(three.environ), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*three.command, "run", "good"], cwd=three.root, env=dict(three.environ), stdout=full, stderr=subprocess.PIPE,
            timeout=60, check=False,
        )  # fmt: skip
    assert b"Traceback" not in done.stderr
    assert done.returncode == 74


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(three: Project, shell: str) -> None:
    assert "kern" in three.kern("completion", shell, code=0).out


def test_plugins_lists_what_is_installed(three: Project) -> None:
    said = three.kern("plugins", code=0).out
    for name in ("provider", "builder", "activator", "kern-venv", "kern-wheel"):
        assert name in said
