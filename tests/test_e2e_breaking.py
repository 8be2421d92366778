"""What must not go wrong: signals, kills, several kerns at once, hostile names, lost marks, moved and read-only projects."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Project

BARE = "[env]\npackage = 'none'\n"

HOLD = """
import os, signal, subprocess, sys, time
MARK = "@MARK@"
if "stubborn" in sys.argv:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
CHILD = "import os, signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; "
CHILD += "os.write(%d, b'x'); os.close(%d); time.sleep(300) # " + MARK
heard, hear = os.pipe()
os.set_inheritable(hear, True)
CHILD %= (hear, hear)
quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        subprocess.Popen([sys.executable, "-c", CHILD], close_fds=False, **quiet)
    os._exit(0)
os.wait()
subprocess.Popen([sys.executable, "-c", CHILD], close_fds=False, start_new_session=True, **quiet)
subprocess.Popen([sys.executable, "-c", CHILD], close_fds=False)
for _ in range(3):
    os.read(heard, 1)
try:
    open("ready", "w").close()
    time.sleep(300)
except KeyboardInterrupt:
    open("interrupted", "a").write("x")
    raise
"""


@pytest.fixture(scope="module")
def holder(shared: Callable[[str], Project]) -> Project:
    """A project whose commands leave processes of every kind and then wait."""
    project = shared("holder").config(
        f"env_list = ['a', 'b']\n{BARE}commands = [['python', 'hold.py', '{{posargs}}']]\n"
        "[env.a]\ncommands_post = [['python', 'post.py']]\n[env.b]\ncommands = ['true']\ndepends = ['a']\n"
    )
    project.write({"post.py": "open('post', 'w')"}).run("--no-test")
    return project


@pytest.fixture
def mark(holder: Project, processes: Callable[[str], list[int]]) -> Iterator[str]:
    """A text in the command line of every process that the commands of `holder` leave; all are killed in the end."""
    text = f"mark-{time.time_ns()}"
    holder.write({"hold.py": HOLD.replace("@MARK@", text)})
    for name in ("ready", "interrupted", "post"):
        (holder / name).unlink(missing_ok=True)
    yield text
    for pid in processes(text):
        os.kill(pid, signal.SIGKILL)


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), SIGNALS, ids=lambda value: getattr(value, "name", None))
def test_a_signal_to_kern_alone_ends_every_process_and_tells_the_exit_code(
    holder: Project,
    mark: str,
    processes: Callable[[str], list[int]],
    wait_for: Callable[..., None],
    number: signal.Signals,
    code: int,
) -> None:
    started = holder.start("run", "-j", "2")
    wait_for((holder / "ready").exists, what="the command")
    assert len(processes(mark)) == 3
    os.kill(started.pid, number)
    assert started.wait(60) == code
    assert processes(mark) == []
    shown = holder.screen()
    assert "a  interrupted" in shown
    assert "b  interrupted" in shown
    assert (holder / "interrupted").read_text() == "x"
    assert not (holder / "post").exists()


def test_a_second_interrupt_ends_what_ignores_the_first(
    holder: Project, mark: str, processes: Callable[[str], list[int]], wait_for: Callable[..., None]
) -> None:
    started = holder.start("run", "a", "--", "stubborn")
    wait_for((holder / "ready").exists, what="the command")
    os.kill(started.pid, signal.SIGINT)
    time.sleep(0.5)
    assert started.poll() is None
    os.kill(started.pid, signal.SIGINT)
    assert started.wait(11) == 130, "it waits 13 seconds without a second interrupt"
    assert processes(mark) == []


def test_ctrl_c_on_a_terminal_reaches_each_command_once(
    holder: Project, mark: str, processes: Callable[[str], list[int]], wait_for: Callable[..., None]
) -> None:
    setsid = shutil.which("setsid")
    if setsid is None:
        pytest.skip("there is no setsid to give kern a terminal with")
    parent, child = pty.openpty()
    started = subprocess.Popen(
        (setsid, "--ctty", "--wait", *holder.command, "run", "-j", "2"),
        cwd=holder.root,
        env={**holder.environ, "TERM": "xterm"},
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
    )
    os.close(child)
    try:
        wait_for((holder / "ready").exists, what="the command")
        os.write(parent, b"\x03")
        assert started.wait(60) == 130
    finally:
        os.close(parent)
        started.kill()
        started.wait()
    assert (holder / "interrupted").read_text() == "x"
    assert processes(mark) == []


def test_an_interrupted_run_still_has_its_reports(
    holder: Project, mark: str, processes: Callable[[str], list[int]], wait_for: Callable[..., None]
) -> None:
    started = holder.start("run", "--report", "run.json")
    wait_for((holder / "ready").exists, what="the command")
    os.kill(started.pid, signal.SIGTERM)
    started.wait(60)
    rows = {row["row"]: row["outcome"] for row in json.loads((holder / "run.json").read_text())["rows"]}
    assert rows == {"a": "interrupted", "b": "interrupted"}
    assert processes(mark) == []


def test_kern_killed_outright_leaves_nothing_running(
    holder: Project, mark: str, processes: Callable[[str], list[int]], wait_for: Callable[..., None]
) -> None:
    started = holder.start("run", "a")
    wait_for((holder / "ready").exists, what="the command")
    os.kill(started.pid, signal.SIGKILL)
    started.wait(60)
    wait_for(lambda: not processes(mark), 10, "the end of what the killed kern had started")


COLD = (
    "env_list = ['a']\n[env]\npackage = 'wheel'\ndeps = ['apple', 'plum']\n"
    "commands = ['eat-apple', ['python', '-c', 'import demo, plum, pear; print(demo.answer)']]\n"
)


def cold(project: Project) -> Project:
    return project.package().config(COLD)


def test_kern_killed_at_any_moment_of_a_cold_run_is_repaired_by_the_next_run(project: Project) -> None:
    cold(project)
    begun = time.monotonic()
    project.run()
    whole = time.monotonic() - begun
    moments = 10
    for moment in range(moments):
        project.kern("clean", "--all", code=0)
        started = project.start("run")
        time.sleep(whole * (moment + 0.5) / moments)
        started.kill()
        started.wait(60)
        done = project.run()
        assert done.outcomes() == {"a": "passed"}, f"killed in moment {moment}: {done}"
        assert done.rows()["a"]["installed"] == {"apple": "2.0", "demo": "1.0", "pear": "1.0", "plum": "1.0"}
    assert project.run().rows()["a"]["made"] == []


def test_what_a_failed_step_leaves_is_kept_for_some_days_and_then_goes(project: Project) -> None:
    project.config(f"env_list = ['a']\n{BARE}deps = ['grape']\n").run(code=3)
    left = list((project.work / "tmp").iterdir())
    assert len(left) == 1
    project.config(f"env_list = ['a']\n{BARE}")
    project.run()
    assert left[0].exists()
    os.utime(left[0], (1, 1))
    project.run("--recreate")
    assert list((project.work / "tmp").iterdir()) == []


def installing_or_over(record: Path, started: subprocess.Popen[bytes]) -> bool:
    return '"making"' in record.read_text() or started.poll() is not None


def test_kern_killed_while_it_reinstalls_is_repaired_by_the_next_run(
    project: Project, wait_for: Callable[..., None]
) -> None:
    cold(project).run()
    record = project.work / "records/environments/a.json"
    for answer in (43, 44):
        (project / "src/demo/__init__.py").write_text(f"answer = {answer}\n")
        started = project.start("run")
        wait_for(partial(installing_or_over, record, started), what="the installation")
        started.kill()
        started.wait(60)
        assert project.run().outcomes() == {"a": "passed"}
        assert str(answer) in (project.work / "logs/latest/a.log").read_text()


def test_four_kerns_at_once_all_pass_and_one_does_the_work(project: Project) -> None:
    cold(project)
    running = [
        subprocess.Popen(
            (*project.command, "run", "--json"),
            cwd=project.root, env=dict(project.environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )
        for _ in range(4)
    ]  # fmt: skip
    documents = []
    for each in running:
        out, _ = each.communicate(timeout=120)
        documents.append(json.loads(out))
    assert [document["exit_code"] for document in documents] == [0] * 4
    assert len(project.builds()) == 1
    made = [item for document in documents for item in document["rows"][0]["made"]]
    assert sorted(made) == ["built wheel", "made environment"]


def test_environments_that_are_made_at_once_share_one_build(project: Project) -> None:
    cold(project).config(COLD.replace("['a']", "['a', 'b', 'c', 'd']"))
    running = [project.start("run", name) for name in "abcd"]
    assert [each.wait(120) for each in running] == [0] * 4
    assert len(project.builds()) == 1


def test_waiting_for_another_kern_ends_with_4_when_the_time_is_over(
    holder: Project, mark: str, processes: Callable[[str], list[int]], wait_for: Callable[..., None]
) -> None:
    started = holder.start("run", "a")
    wait_for((holder / "ready").exists, what="the command")
    refused = holder.kern("run", "a", "--recreate", "--lock-timeout", "0.3", code=4)
    assert str(started.pid) in refused.screen
    assert len(processes(mark)) == 3
    os.kill(started.pid, signal.SIGINT)
    assert started.wait(60) == 130


NAMES = (
    "../../escape", "a/b", "/tmp/escape", "..", ".", "-x", "a b", "$(touch escape)", "`touch escape`", "a;touch escape",
    "\x1b[2Jname", "name\nname", "x" * 300, "a\\..\\b", "~", "a:b", "%2e%2e", "\u202eabc",
)  # fmt: skip


def outside(project: Project) -> list[str]:
    """Everything beside kern's work directory, in the project and next to it."""
    return sorted(str(path) for path in project.root.parent.rglob("*") if project.work not in (path, *path.parents))


def test_hostile_names_on_the_command_line_are_refused_in_words(project: Project) -> None:
    project.config(f"env_list = ['a']\n{BARE}commands = ['true']\n")
    before = outside(project)
    for name in NAMES:
        for args in (("run", "--", name) if name.startswith("-") else ("run", name), ("run", f"py311-{name}")):
            done = project.kern(*args)
            assert "\x1b" not in done.screen
            assert "\u202e" not in done.screen
            if "--" not in args:
                assert done.code == 2, str(done)
                assert done.err.count("error: ") == 1, str(done)
    assert outside(project) == before


def test_hostile_names_in_the_configuration_make_nothing_outside(project: Project) -> None:
    for name in NAMES:
        quoted = json.dumps(name)
        for text in (
            f"env_list = [{quoted}]\n{BARE}commands = ['true']\n",
            f"env_list = ['a']\n[env]\npackage = {quoted}\n[package.{quoted}]\nbuilder = 'wheel'\n",
        ):
            project.config(text)
            before = outside(project)
            done = project.kern("run")
            assert done.code in {0, 2, 3}, str(done)
            assert "\x1b" not in done.screen
            assert outside(project) == before
    assert not Path("/tmp/escape").exists()


def test_a_work_directory_of_ones_own(project: Project, tmp_path: Path) -> None:
    cold(project)
    env = {"KERN_WORK_DIR": str(tmp_path / "elsewhere")}
    project.run(env=env)
    assert not project.work.exists()
    assert (tmp_path / "elsewhere/envs/a/pyvenv.cfg").exists()
    assert project.run(env=env).rows()["a"]["made"] == []
    project.run(env={"KERN_WORK_DIR": "inside/work"})
    assert (project / "inside/work/envs/a/pyvenv.cfg").exists()
    project.kern("clean", "--all", env=env, code=0)
    assert not (tmp_path / "elsewhere").exists()


def test_a_copied_checkout_makes_its_own_environments(project: Project, tmp_path: Path) -> None:
    cold(project).run()
    other = tmp_path / "copy"
    shutil.copytree(project.root, other, symlinks=True)
    plan = project.kern("plan", cwd=other, code=0).out
    assert "the project was moved or copied" in plan
    copied = project.run(cwd=other).rows()["a"]
    assert "made environment" in copied["made"]
    assert copied["interpreter"] == str(other / ".kern/envs/a/bin/python")
    assert str(project.root).encode() not in (other / ".kern/envs/a/bin/eat-apple").read_bytes()
    assert project.run().rows()["a"]["made"] == []
    project.root.rename(tmp_path / "moved")
    moved = project.run(cwd=tmp_path / "moved").rows()["a"]
    assert "made environment" in moved["made"]


@pytest.mark.parametrize("name", ["with space", "ünï-ço∂é", "quo'te\"s", "dollar$HOME"])
def test_projects_in_odd_folders_work(make_project: Callable[..., Project], name: str) -> None:
    project = cold(make_project(name))
    assert project.run().outcomes() == {"a": "passed"}


def as_a_user() -> tuple[str, ...]:
    """What makes permissions count for root, too."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root may write everywhere, and there is no setpriv to take that away")
    return (setpriv, "--bounding-set=-dac_override,-dac_read_search")


def test_a_read_only_project_can_be_looked_at_and_says_in_one_line_why_it_cannot_run(
    project: Project, tmp_path: Path
) -> None:
    project.config(f"env_list = ['a']\n{BARE}commands = ['true']\n")
    project.command = (*as_a_user(), *project.command)
    project.root.chmod(0o555)
    try:
        assert project.kern("list", "--names", code=0).out == "a\n"
        project.kern("plan", code=0)
        said = project.error("run", code=3)
        assert "permission is denied" in said or "read-only" in said
        assert "KERN_WORK_DIR" in said
        assert len(said.splitlines()) == 3
        project.run(env={"KERN_WORK_DIR": str(tmp_path / "work")})
    finally:
        project.root.chmod(0o755)


def test_a_file_where_the_work_directory_should_be_is_said(project: Project) -> None:
    project.config(f"env_list = ['a']\n{BARE}commands = ['true']\n").write({".kern": "mine"})
    assert ".kern" in project.error("run", code=3)
    assert (project / ".kern").read_text() == "mine"


@pytest.fixture
def three(project: Project) -> Project:
    """Three ready environments, one with a package."""
    project.package().config(
        "env_list = ['a', 'b', 'c']\n[env]\npackage = 'none'\ncommands = ['true']\n[env.a]\npackage = 'wheel'\n"
    )
    project.run()
    return project


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_clean_removes_what_was_asked_for_and_nothing_else(three: Project) -> None:
    before = {path for path in three.root.rglob("*") if three.work not in (path, *path.parents)}
    said = three.kern("clean", "--all", "--dry-run", code=0).out
    assert "would remove .kern/envs/a" in said
    assert names(three.work / "envs") == ["a", "b", "c"]
    assert "removed .kern/envs/b" in three.kern("clean", "b", code=0).out
    assert names(three.work / "envs") == ["a", "c"]
    three.kern("clean", code=0)
    assert names(three.work / "envs") == []
    assert len(names(three.work / "artifacts")) == 1
    three.kern("clean", "--artifacts", "--logs", code=0)
    assert names(three.work / "artifacts") == []
    assert not (three.work / "logs").exists()
    three.run()
    three.kern("clean", "--all", code=0)
    assert not three.work.exists()
    assert {path for path in three.root.rglob("*") if three.work not in (path, *path.parents)} == before
    assert three.kern("clean", "--all", code=0).err == ""


def test_clean_refuses_a_directory_that_lost_its_mark(three: Project) -> None:
    env = three.environment("b")
    (env / ".kern-owned").unlink()
    (env / "precious.txt").write_text("mine")
    said = three.error("clean", "b", code=3)
    assert str(env) in said
    assert "mark" in said
    assert (env / "precious.txt").read_text() == "mine"
    made = three.kern("run", "b", code=0)
    assert f"{env} is not kern's: moved to {env}.not-kerns-" in made.err
    aside = next(path for path in env.parent.iterdir() if path.name.startswith("b.not-kerns-"))
    assert (aside / "precious.txt").read_text() == "mine"
    assert not (env / "precious.txt").exists()


def test_clean_never_follows_a_link_out_of_the_work_directory(three: Project, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    env = three.environment("c")
    shutil.rmtree(env)
    env.symlink_to(precious)
    (three.environment("b") / "link").symlink_to(precious)
    three.kern("clean", "c")
    three.kern("clean", "b", code=0)
    three.kern("run", "c")
    three.kern("clean", "--all")
    assert (precious / "file").read_text() == "mine"


def test_clean_all_refuses_a_work_directory_with_strange_things_in_it(three: Project) -> None:
    three.write({".kern/notes.txt": "mine"})
    three.error("clean", "--all", code=3)
    assert (three / ".kern/notes.txt").read_text() == "mine"


@pytest.mark.parametrize("option", ["--all", "--logs", "--artifacts"])
def test_clean_touches_no_directory_that_kern_did_not_make(project: Project, tmp_path: Path, option: str) -> None:
    project.config(f"env_list = ['a']\n{BARE}")
    mine = tmp_path / "mine"
    for name in ("logs/today", "artifacts/one/file", "envs/a/file", "notes"):
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text("mine")
    project.kern("clean", option, env={"KERN_WORK_DIR": str(mine)})
    for name in ("logs/today", "artifacts/one/file", "envs/a/file", "notes"):
        assert (mine / name).read_text() == "mine"


def test_a_run_with_a_work_directory_of_somebody_else_loses_nothing_there(project: Project, tmp_path: Path) -> None:
    project.config(f"env_list = ['a']\n{BARE}commands = ['true']\n")
    mine = tmp_path / "mine"
    files = {"envs/a/file": "one", ".gitignore": "two", "logs/today": "three", "CACHEDIR.TAG": "four", "tmp/x": "five"}
    for name, text in files.items():
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_text(text)
    project.kern("run", "--recreate", env={"KERN_WORK_DIR": str(mine)})
    project.kern("run", env={"KERN_WORK_DIR": str(mine)})
    left = {path.read_text() for path in mine.rglob("*") if path.is_file() and path.stat().st_size < 10}
    assert left >= set(files.values())


def test_clean_cache_refuses_a_directory_that_is_no_cache_of_kern(project: Project, tmp_path: Path) -> None:
    project.config("env_list = ['a']\n")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").write_text("mine")
    refused = project.kern("clean", "--cache", env={"KERN_CACHE_DIR": str(mine)})
    assert (mine / "file").exists(), str(refused)
    assert refused.code == 3


def test_clean_cache_removes_the_cache(project: Project, tmp_path: Path) -> None:
    cold(project)
    env = {"KERN_CACHE_DIR": str(tmp_path / "cache")}
    project.run(env=env)
    assert (tmp_path / "cache").exists()
    project.kern("clean", "--cache", env=env, code=0)
    assert not (tmp_path / "cache").exists()
    (project / "src/demo/__init__.py").write_text("answer = 43\n")
    project.run(env=env)


def test_a_run_writes_nothing_but_its_work_directory_and_the_cache(project: Project, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    cold(project)
    before = outside(project)
    project.run(env={"HOME": str(home)})
    assert list(home.iterdir()) == []
    inside = [path for path in outside(project) if "__pycache__" not in path and "builds" not in path]
    assert inside == [path for path in before if "__pycache__" not in path]


def test_a_closed_standard_output_ends_no_run(project: Project) -> None:
    project.config(f"env_list = ['a']\n{BARE}commands = ['true']\n")
    for closed in (">&-", "2>&-", ">&- 2>&-", "<&-"):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {closed}', "sh", *project.command, "run"],
            cwd=project.root, env=dict(project.environ), capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert b"Traceback" not in done.stdout + done.stderr
        assert done.returncode in {0, 74}
