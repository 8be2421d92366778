"""Standard output that is closed, full or read by nobody: no traceback, and the verdict is kept."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Project

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")

SURROUNDINGS = {
    "output is full": '"$@" > /dev/full',
    "errors are full": '"$@" 2> /dev/full',
    "both are full": '"$@" > /dev/full 2>&1',
    "output is closed": '"$@" >&-',
    "errors are closed": '"$@" 2>&-',
    "all is closed": '"$@" <&- >&- 2>&-',
    "nobody reads to the end": '{ "$@"; echo $? > code; } | head -c 20 > /dev/null; sleep 0.2; exit $(cat code)',
}
LINES = "print(*range(3000), sep=chr(10))"
CONFIG = f"""
env_list = ['good', 'bad', 'endless']
[env]
package = 'none'
[env.good]
commands = [['python', '-c', "{LINES}"]]
[env.bad]
commands = [['python', '-c', "{LINES}; raise SystemExit(5)"]]
[env.endless]
commands = [['sh', '-c', 'echo $$ > endless; while :; do echo more; done']]
"""
LOST = {74, 141}
"""All was well, but it could not be said, or nobody listened."""


@pytest.fixture(scope="module")
def talker(shared: Callable[[str], Project]) -> Project:
    """A project with a row that passes and a row that fails, both with much to say."""
    project = shared("talker").config(CONFIG)
    project.kern("run", "--no-test", code=0)
    return project


def kern_in(talker: Project, surroundings: str, *args: str) -> subprocess.CompletedProcess[bytes]:
    (talker / "code").unlink(missing_ok=True)
    done = subprocess.run(
        ["sh", "-c", SURROUNDINGS[surroundings], "sh", *talker.command, *args],
        cwd=talker.root, env=dict(talker.environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    for words in (b"Traceback", b"Exception ignored", b"kern has a bug"):
        assert words not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("name", SURROUNDINGS)
@pytest.mark.parametrize(("row", "codes"), [("good", {0, *LOST}), ("bad", {1})])
def test_the_verdict_is_kept(talker: Project, name: str, row: str, codes: set[int]) -> None:
    report = talker / "report.json"
    report.unlink(missing_ok=True)
    done = kern_in(talker, name, "run", row, "-v", "--report", str(report))
    assert done.returncode in codes, done
    outcomes = {each["row"]: each["outcome"] for each in json.loads(report.read_text())["rows"]}
    assert outcomes == {row: "passed" if row == "good" else "failed"}
    assert (talker.work / f"logs/latest/{row}.log").read_text().splitlines()[-1] == "2999"


@pytest.mark.parametrize("name", SURROUNDINGS)
@pytest.mark.parametrize(
    "args", [("list",), ("plan", "--json"), ("show", "good"), ("schema",), ("nonsense",)], ids=" ".join
)
def test_looking_ends_in_silence(talker: Project, name: str, args: tuple[str, ...]) -> None:
    done = kern_in(talker, name, *args)
    wrong = args == ("nonsense",)
    assert done.returncode in ({2} if wrong else {0, *LOST}), done
    if name in {"output is full", "both are full"} and not wrong:
        assert done.returncode == 74


def test_a_result_that_is_lost_is_told_apart_from_a_good_one(talker: Project) -> None:
    assert kern_in(talker, "output is full", "run", "good").returncode == 74
    assert kern_in(talker, "errors are full", "run", "good", "--json").returncode in {0, 74}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_reads_nothing_keeps_no_run_from_its_end(
    talker: Project, wait_for: Callable[..., None], number: signal.Signals
) -> None:
    (talker / "endless").unlink(missing_ok=True)
    hear, say = os.pipe()
    started = subprocess.Popen(
        (*talker.command, "run", "endless"),
        cwd=talker.root, env=dict(talker.environ), stdin=subprocess.DEVNULL, stdout=say, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: (talker / "endless").exists() and not select.select([], [say], [], 0)[1], what="a full pipe")
        started.send_signal(number)
        assert started.wait(60) == 128 + number
    finally:
        started.kill()
        started.wait()
        os.close(hear)
        os.close(say)
    with pytest.raises(ProcessLookupError):
        os.kill(int((talker / "endless").read_text()), 0)
