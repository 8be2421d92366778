"""How commands run: phases, failures, time, order, limits, selection and exit codes.

The environments here are empty ones, and most tests share one that is ready.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Project

BARE = "[env]\npackage = 'none'\n"
NOTE = "import sys; open('order.txt', 'a').write(sys.argv[1] + chr(10)); sys.exit(int(sys.argv[2]))"


def note(text: str, code: int = 0) -> str:
    """A command that writes a line and ends with an exit code."""
    return json.dumps(["python", "-c", NOTE, text, str(code)])


def order(project: Project) -> list[str]:
    """The lines that `note` has written since the last call."""
    path = project / "order.txt"
    lines = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


@pytest.fixture(scope="module")
def one(shared: Callable[[str], Project]) -> Project:
    """A project whose environment ``a`` is ready; each test writes a configuration of its own."""
    project = shared("one").config(f"env_list = ['a']\n{BARE}")
    project.run()
    return project


def phases(pre: str = "", main: str = "", post: str = "") -> str:
    parts = (("commands_pre", pre), ("commands", main), ("commands_post", post))
    return f"env_list = ['a']\n{BARE}" + "".join(f"{key} = [{value}]\n" for key, value in parts)


def commands(one: Project, text: str, more: str = "") -> Project:
    return one.config(f"env_list = ['a']\n{BARE}commands = {text}\n{more}")


def test_phases_run_in_order_and_all_is_in_the_log(one: Project) -> None:
    one.config(phases(f"{note('pre')}", f"{note('one')}, {note('two')}", f"{note('post')}"))
    done = one.run().rows()["a"]
    assert order(one) == ["pre", "one", "two", "post"]
    assert [command["phase"] for command in done["commands"]] == [
        "commands_pre", "commands", "commands", "commands_post",
    ]  # fmt: skip
    log = (one.work / "logs/latest/a.log").read_text()
    assert log.count("$ python -c") == 4


FAILURES = {
    "a command": (phases(note("pre"), f"{note('one', 3)}, {note('two')}", note("post")), ["pre", "one", "post"], 3),
    "a preparation": (phases(note("pre", 4), note("one"), note("post")), ["pre", "post"], 4),
    "a cleanup": (phases("", note("one"), f"{note('post', 5)}, {note('last')}"), ["one", "post", "last"], 5),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_skips_the_rest_but_not_the_cleanup(one: Project, what: str) -> None:
    text, ran, code = FAILURES[what]
    done = one.config(text).run(code=1).rows()["a"]
    assert order(one) == ran
    assert done["outcome"] == "failed"
    assert done["reason"] == f"python failed with exit code {code}"


def test_a_dash_ignores_the_exit_code_in_both_spellings(one: Project) -> None:
    ignored = f'["-python", "-c", {json.dumps(NOTE)}, "list", "1"]'
    commands(
        one, f"[{ignored}, ['-', 'python', '-c', 'import sys; sys.exit(2)'], '- python -c \"1/0\"', {note('after')}]"
    )
    done = one.run().rows()["a"]
    assert [(command["exit_code"], command["ignored"]) for command in done["commands"]] == [
        (1, True), (2, True), (1, True), (0, False),
    ]  # fmt: skip
    assert order(one) == ["list", "after"]


def test_strings_are_split_like_a_shell_would_and_no_shell_sees_them(one: Project) -> None:
    show = "import sys; print(sys.argv[1:])"
    text = f"""python -c "{show}" 'two words' "with 'inner' quotes" back\\\\ slash $HOME `id` a;b *.toml '' | >x"""
    one.config(f"env_list = ['a']\n{BARE}commands = ['''{text}''']\n".replace("\\\\ ", "\\ "))
    one.run()
    words = ["two words", "with 'inner' quotes", "back slash", "$HOME", "`id`", "a;b", "*.toml", "", "|", ">x"]
    assert str(words) in (one.work / "logs/latest/a.log").read_text()
    assert not (one / "x").exists()


def test_change_dir_is_relative_to_the_project_and_must_be_there(one: Project) -> None:
    one.write({"deep/er/x": ""})
    commands(one, "['python -c \"import os; print(os.getcwd())\"']", "change_dir = 'deep/er'\n")
    one.run(cwd=one / "deep")
    assert str(one / "deep/er") in (one.work / "logs/latest/a.log").read_text()
    commands(one, "['true']", "change_dir = 'nowhere'\n")
    assert "change_dir" in one.kern("run", code=3).screen


def test_a_command_that_does_not_exist_fails_its_row_in_words(one: Project) -> None:
    commands(one, "['no-such-program --x']", f"commands_post = [{note('post')}]\n")
    failed = one.kern("run", code=1)
    assert "no-such-program" in failed.out
    assert "a  failed" in failed.out
    assert order(one) == ["post"]


def test_a_command_ended_by_a_signal_is_a_failure_that_names_it(one: Project) -> None:
    commands(one, "['python -c \"import os; os.kill(os.getpid(), 11)\"']")
    done = one.run(code=1).rows()["a"]
    assert done["reason"] == "python was ended by SIGSEGV"
    assert done["commands"][0]["exit_code"] == -11


FLAKY = "import pathlib, sys; p = pathlib.Path('n'); n = len(p.read_text()) if p.exists() else 0; p.write_text('x' * (n + 1)); sys.exit(n < int(sys.argv[1]))"


def test_retries_try_a_failed_command_again(one: Project) -> None:
    text = json.dumps([["python", "-c", FLAKY, "2"]])
    (one / "n").unlink(missing_ok=True)
    done = commands(one, text, "retries = 2\n").run().rows()["a"]
    assert [(command["attempt"], command["exit_code"]) for command in done["commands"]] == [(1, 1), (2, 1), (3, 0)]
    (one / "n").unlink()
    done = commands(one, text, "retries = 1\n").run(code=1).rows()["a"]
    assert len(done["commands"]) == 2


SLEEPER = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300) # @MARK@']); time.sleep(300)"


@pytest.mark.parametrize("key", ["timeout", "total_timeout"])
def test_a_timeout_ends_the_whole_tree_and_says_so(
    one: Project, processes: Callable[[str], list[int]], key: str
) -> None:
    mark = f"mark-{key}-{time.time_ns()}"
    text = json.dumps([["python", "-c", "pass"], ["python", "-c", SLEEPER.replace("@MARK@", mark)]])
    commands(one, text, f"{key} = '1s'\ncommands_post = []\n")
    done = one.run(code=1).rows()["a"]
    assert done["outcome"] == "timed out"
    assert done["reason"] == "python ran into its timeout of 1 s"
    assert done["commands"][-1]["timed_out"] is True
    assert processes(mark) == []


def test_the_clean_up_is_not_cut_short_by_the_time_of_all_commands(one: Project) -> None:
    slow = json.dumps([["python", "-c", "import time; time.sleep(300)"]])
    post = f"import time; time.sleep(1.2); {NOTE}"
    commands(one, slow, f"total_timeout = 1\ncommands_post = [{json.dumps(['python', '-c', post, 'post', '0'])}]\n")
    assert one.run(code=1).outcomes() == {"a": "timed out"}
    assert order(one) == ["post"]


def test_an_environment_without_commands_passes_and_says_so(one: Project) -> None:
    commands(one, "[]", "")
    done = one.run().rows()["a"]
    assert (done["outcome"], done["reason"]) == ("passed", "it has no commands")


def test_what_depends_on_an_environment_that_can_not_be_made_is_blocked(project: Project) -> None:
    project.config(
        f"env_list = ['gone', 'next', 'last', 'red', 'after']\n{BARE}commands = [['true']]\n[env.gone]\n"
        "base_python = ['3.99']\n[env.next]\ndepends = 'gone'\n[env.last]\ndepends = 'next'\n"
        "[env.red]\ncommands = [['false']]\n[env.after]\ndepends = 'red'\n"
    )
    rows = project.run("--missing", "fail", code=3).rows()
    outcomes = {name: row["outcome"] for name, row in rows.items()}
    assert outcomes == {"gone": "error", "next": "blocked", "last": "blocked", "red": "failed", "after": "passed"}
    assert rows["last"]["reason"] == "it depends on next, which could not be run"


def test_a_timeout_ends_a_command_that_ignores_every_polite_signal(
    one: Project, processes: Callable[[str], list[int]]
) -> None:
    mark = f"mark-stubborn-{time.time_ns()}"
    stubborn = f"import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; time.sleep(300) # {mark}"
    commands(one, json.dumps([["python", "-c", stubborn]]), "timeout = 0.5\n")
    assert one.run(code=1).outcomes() == {"a": "timed out"}
    assert processes(mark) == []


def test_what_a_command_leaves_running_is_killed_and_said(one: Project, processes: Callable[[str], list[int]]) -> None:
    mark = f"mark-left-{time.time_ns()}"
    child = f"import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300) # {mark}'], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)"
    commands(one, json.dumps([["python", "-c", child]]))
    done = one.kern("run", code=0)
    assert "a: 1 process was still running when its commands had ended, and killed" in done.err
    assert processes(mark) == []


def test_ignore_outcome_reports_a_failure_that_does_not_count(one: Project) -> None:
    commands(one, "['python -c \"1/0\"']", "ignore_outcome = true\n")
    done = one.kern("run", code=0)
    assert "a  ignored" in done.out
    assert "1 ignored" in done.out.splitlines()[-1]


def test_the_exit_code_is_the_worst_of_all_rows(project: Project) -> None:
    project.config(
        f"env_list = ['good', 'bad']\n{BARE}commands = ['true']\n[env.bad]\ncommands = ['false']\n"
        "[env.sad]\nbase_python = 'py35'\n"
    )
    assert project.kern("run", "good").code == 0
    assert project.kern("run").code == 1
    both = project.run("bad", "sad", "--missing", "fail", code=3)
    assert both.outcomes() == {"bad": "failed", "sad": "error"}
    assert both.json["exit_code"] == 3
    assert project.kern("run", "nobody").code == 2


@pytest.fixture
def absent(project: Project, own: str) -> Project:
    """A project with an environment for this interpreter and one for a Python that nobody has."""
    return project.config(f"env_list = ['{own}', 'py35']\n{BARE}commands = ['true']\n")


def test_a_missing_interpreter_is_skipped_or_fails_as_asked(absent: Project, own: str) -> None:
    skipped = absent.kern("run", "--missing", "skip", code=0)
    assert "there is no interpreter for py35" in skipped.out
    assert "1 passed, 1 skipped" in skipped.out.splitlines()[-1]
    failed = absent.kern("run", "--missing", "fail", code=3)
    assert "there is no interpreter for py35" in failed.out
    assert f"{own}  passed" in failed.out
    assert absent.kern("run", env={"KERN_MISSING": "fail"}).code == 3


def test_a_missing_interpreter_is_skipped_at_home_and_fails_on_ci(absent: Project) -> None:
    assert absent.kern("run").code == 0
    assert absent.kern("run", env={"CI": "true"}).code == 3
    assert absent.kern("run", "py35").code == 3  # whoever names it wants it


def test_nothing_ran_is_no_success(absent: Project) -> None:
    done = absent.run("py35", "--missing", "skip", code=3)
    assert done.outcomes() == {"py35": "skipped"}


def test_a_row_for_another_platform_is_skipped(project: Project) -> None:
    other = "darwin" if sys.platform != "darwin" else "linux"
    project.config(
        f"env_list = ['a-{sys.platform}', 'a-{other}', 'b']\n{BARE}commands = ['true']\n[env.b]\nplatform = '{other}'\n"
    )
    done = project.run()
    assert done.outcomes() == {f"a-{sys.platform}": "passed", f"a-{other}": "skipped", "b": "skipped"}
    assert done.rows()["b"]["reason"] == f"for {other} only, this is {sys.platform}"


@pytest.fixture(scope="module")
def many(shared: Callable[[str], Project]) -> Project:
    """Six ready environments that write down when they run."""
    project = shared("many").config(MANY)
    project.run("--no-test")
    return project


STAMP = """
import glob, os, sys, time
name = os.environ["KERN_ENV_NAME"]
begin = time.monotonic()
open(name + ".here", "w").close()
end = time.monotonic() + 60
while len(glob.glob("*.here")) < int(os.environ.get("MEET", "1")):
    if time.monotonic() > end:
        sys.exit("nobody else came")
    time.sleep(0.01)
time.sleep(float(os.environ.get("NAP", "0")))
open(name + ".time", "w").write("%r %r" % (begin, time.monotonic()))
open("order.txt", "a").write(name + chr(10))
sys.exit(name in os.environ.get("FAILING", "").split(","))
"""
MANY = (
    "env_list = ['a-1', 'a-2', 'a-3', 'b-1', 'b-2', 'c']\n"
    f"{BARE}commands = [{json.dumps(['python', '-c', STAMP])}]\npass_env = ['NAP', 'MEET', 'FAILING']\n"
    "[limits]\ndatabase = 1\n[labels]\nquick = ['c', 'b-{1,2}']\n"
    "[env.a]\nlimits = ['database']\n[env.b]\nlabels = ['bees']\n[env.b-2]\nlabels = ['bees', 'two']\ndepends = ['b-1']\n"
    "[env.c]\ndepends = ['a-*', 'b-2']\n"
)


def spans(project: Project) -> dict[str, tuple[float, float]]:
    found = {}
    for path in project.root.glob("*.time"):
        begin, end = path.read_text().split()
        found[path.stem] = (float(begin), float(end))
        path.unlink()
    for path in project.root.glob("*.here"):
        path.unlink()
    order(project)
    return found


def overlapping(found: dict[str, tuple[float, float]]) -> set[tuple[str, str]]:
    return {
        (one, other)
        for one, (begin, end) in found.items()
        for other, (start, stop) in found.items()
        if one < other and begin < stop and start < end
    }


def test_depends_orders_and_pulls_in(many: Project) -> None:
    order(many)
    done = many.run("c", "-j", "2")
    assert set(done.outcomes()) == {"a-1", "a-2", "a-3", "b-1", "b-2", "c"}
    ran = order(many)
    assert ran[-1] == "c"
    assert ran.index("b-1") < ran.index("b-2")
    many.run("b-2")
    assert order(many) == ["b-1", "b-2"]


def test_one_job_runs_one_row_at_a_time_and_two_jobs_two(many: Project) -> None:
    spans(many)
    many.run("-j", "1", "b-1", "c", env={"NAP": "0.1"})
    assert overlapping(spans(many)) == set()
    many.run("-j", "2", "a-1", "b-1", env={"MEET": "2"})  # each waits for the other
    assert overlapping(spans(many)) == {("a-1", "b-1")}


def test_rows_of_a_pool_of_one_never_run_together(many: Project) -> None:
    spans(many)
    many.run("-j", "4", "a", "b-1", env={"NAP": "0.4"})
    together = overlapping(spans(many))
    assert not [pair for pair in together if pair[0].startswith("a") and pair[1].startswith("a")]


def test_labels_select_from_both_places(many: Project) -> None:
    assert set(many.run("-l", "bees").outcomes()) == {"b-1", "b-2"}
    assert set(many.run("-l", "two", "--skip", "b-1").outcomes()) == {"b-1", "b-2"}  # pulled in by depends
    assert many.kern("list", "--names", "-l", "quick", code=0).out.split() == ["b-1", "b-2", "c"]


def test_fail_fast_starts_nothing_more(many: Project) -> None:
    order(many)
    done = many.run("-x", "-j", "1", "a-1", "a-2", "a-3", code=1, env={"FAILING": "a-1"})
    assert order(many) == ["a-1"]
    assert done.outcomes() == {"a-1": "failed", "a-2": "interrupted", "a-3": "interrupted"}


def test_without_fail_fast_the_others_run(many: Project) -> None:
    done = many.run("-j", "1", "a-1", "a-2", code=1, env={"FAILING": "a-1"})
    assert done.outcomes() == {"a-1": "failed", "a-2": "passed"}


def test_what_depends_on_a_failed_row_still_runs(many: Project) -> None:
    done = many.run("b-2", code=1, env={"FAILING": "b-1"})
    assert done.outcomes()["b-1"] == "failed"
    assert done.outcomes()["b-2"] == "passed"


def test_no_test_makes_everything_and_runs_nothing(project: Project) -> None:
    project.package().config(f"env_list = ['a']\n[env]\npackage = 'wheel'\ncommands = [{note('ran')}]\n")
    assert project.run("--no-test").rows()["a"]["made"] == ["built wheel", "made environment"]
    assert order(project) == []
    assert project.run().rows()["a"]["made"] == []
    assert order(project) == ["ran"]


def test_names_outside_of_the_list_run_if_their_factors_explain_them(project: Project, own: str) -> None:
    project.config(f"env_list = ['a']\n{BARE}commands = ['true']\n")
    done = project.kern("run", own, code=0)
    assert f"{own} is not in env_list: running it with the settings that match its factors" in done.out
    assert "no environment matches 'strange'" in project.error("run", "strange")


def test_commands_see_where_they_are(one: Project) -> None:
    show = "import os, sys; print(sys.prefix, os.environ['VIRTUAL_ENV'], os.environ['KERN_ENV_NAME'], os.environ['PATH'].split(':')[0])"
    commands(one, json.dumps([["python", "-c", show]]))
    one.run(env={"VIRTUAL_ENV": "/nowhere", "PYTHONHOME": None})
    env = one.environment("a")
    assert f"{env} {env} a {env}/bin" in (one.work / "logs/latest/a.log").read_text()


@pytest.mark.parametrize("jobs", ["0", "two", "-1", ""])
def test_a_senseless_number_of_jobs_is_refused(one: Project, jobs: str) -> None:
    one.error("run", f"--jobs={jobs}")
