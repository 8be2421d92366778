"""The digest of a source tree: it changes if and only if what counts does, and costs nothing if nothing has changed."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kern.source_files
import kern.sources
from kern.errors import ConfigError
from kern.source_content import contents
from kern.sources import Snapshot, snapshot

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "pyproject.toml": "[project]",
    "src/pkg/__init__.py": "",
    "src/pkg/core.py": "x = 1",
    "src/pkg/data/table.csv": "1,2",
    "tests/test_core.py": "def test(): ...",
    ".gitignore": "*.log\n/out/\n",
}
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


class Runner:
    """Runs programs for `snapshot`, as the kernel would, and counts them."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, argv: list[str], cwd: str) -> bytes | None:
        self.calls.append(cwd)
        environ = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture(params=["git", "no git"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project, with git and without."""
    project = tmp_path / "project"
    write(project, FILES)
    if request.param == "git":
        if shutil.which("git") is None:
            pytest.skip("git is not installed")
        git(project, "init", "-q")
        git(project, "add", ".")
        git(project, "commit", "-qm", "first")
    return project


@pytest.fixture(autouse=True)
def nothing_is_racy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests change files faster than people; those about that say so."""
    monkeypatch.setattr(kern.sources, "_RACY", -(10**18))


@pytest.fixture
def run() -> Runner:
    return Runner()


def look(root: Path, run: Runner, previous: Snapshot | None = None, patterns: tuple[str, ...] = ()) -> Snapshot:
    state = None if previous is None else json.loads(json.dumps(previous.state))
    return snapshot(str(root), patterns, state, run)


def counted(found: Snapshot) -> list[str]:
    """All paths that count."""
    return sorted(contents(found.state["tree"]))


def edit(path: Path, text: str) -> None:
    """Write a file in place, so that its directory does not change, and make sure that its times do."""
    path.write_text(text)
    os.utime(path, ns=(1, time.time_ns()))


def test_an_unchanged_tree_is_only_looked_at(root: Path, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    first = look(root, run)
    assert first.changed == ()
    assert not first.unchanged
    calls = len(run.calls)

    def forbidden(*_arguments: object, **_options: object) -> None:
        raise AssertionError

    state = json.loads(json.dumps(first.state))
    for module, name in ((os, "scandir"), (os, "listdir"), (os, "read"), (os, "lstat"), (kern.source_files, "listing")):
        monkeypatch.setattr(module, name, forbidden)
    second = snapshot(str(root), (), state, run)
    monkeypatch.undo()
    assert second.unchanged
    assert second.digest == first.digest
    assert second.state is state
    assert second.changed == ()
    assert len(run.calls) == calls


def test_an_edit_changes_the_digest_and_is_named_and_going_back_restores_it(root: Path, run: Runner) -> None:
    first = look(root, run)
    calls = len(run.calls)
    edit(root / "src/pkg/core.py", "x = 2")
    second = look(root, run, first)
    assert second.changed == ("src/pkg/core.py",)
    assert not second.unchanged
    assert second.digest != first.digest
    assert len(run.calls) == calls  # no directory has changed, so nobody is asked
    edit(root / "src/pkg/core.py", "x = 1")
    assert look(root, run, second).digest == first.digest


def test_a_touched_file_is_read_again_and_nothing_else_happens(root: Path, run: Runner) -> None:
    first = look(root, run)
    os.utime(root / "src/pkg/core.py", (1, 1))
    second = look(root, run, first)
    assert second.unchanged
    assert second.digest == first.digest
    assert second.changed == ()
    assert second.state != first.state
    assert look(root, run, second).state == second.state


@pytest.mark.parametrize("name", ["src/pkg/new.py", "new.py", "src/pkg/data/deep/er/new.csv"])
def test_new_and_removed_files_count(root: Path, run: Runner, name: str) -> None:
    first = look(root, run)
    write(root, {name: "new"})
    second = look(root, run, first)
    assert second.changed == (name,)
    (root / name).unlink()
    third = look(root, run, second)
    assert third.changed == (name,)
    assert third.digest == first.digest


def test_a_renamed_file_and_a_renamed_directory_count(root: Path, run: Runner) -> None:
    first = look(root, run)
    os.rename(root / "src/pkg/core.py", root / "src/pkg/kernel.py")
    second = look(root, run, first)
    assert second.changed == ("src/pkg/core.py", "src/pkg/kernel.py")
    os.rename(root / "src/pkg", root / "src/other")
    third = look(root, run, second)
    assert "src/other/kernel.py" in third.changed
    assert third.digest != second.digest


def test_the_executable_bit_counts_and_other_bits_do_not(root: Path, run: Runner) -> None:
    first = look(root, run)
    (root / "src/pkg/core.py").chmod(0o666)
    second = look(root, run, first)
    assert second.unchanged
    (root / "src/pkg/core.py").chmod(0o755)
    third = look(root, run, second)
    assert third.changed == ("src/pkg/core.py",)


def test_a_link_counts_by_its_target(root: Path, run: Runner, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("1")
    os.symlink("core.py", root / "src/pkg/link.py")
    os.symlink(tmp_path / "outside", root / "src/folder")
    os.symlink("nowhere", root / "dangling")
    first = look(root, run)
    assert {"src/pkg/link.py", "src/folder", "dangling"} < set(counted(first))
    (tmp_path / "outside/secret").write_text("2")
    assert look(root, run, first).unchanged
    (root / "src/pkg/link.py").unlink()
    os.symlink("__init__.py", root / "src/pkg/link.py")
    assert look(root, run, first).changed == ("src/pkg/link.py",)
    (root / "src/pkg/link.py").unlink()
    (root / "src/pkg/link.py").write_text("core.py")
    assert look(root, run, first).changed == ("src/pkg/link.py",)


def test_caches_come_and_go_unseen(root: Path, run: Runner) -> None:
    first = look(root, run)
    calls = len(run.calls)
    rubbish = {
        "src/pkg/__pycache__/core.pyc": "x",
        "src/pkg/stray.pyc": "x",
        ".coverage": "x",
        ".coverage.host.123": "x",
        ".pytest_cache/v/x": "x",
        ".kern/envs/py312/x.py": "x",
        "node_modules/a/index.js": "x",
        ".venv/lib/x.py": "x",
        ".tox/py/x.py": "x",
        ".mypy_cache/x": "x",
    }
    write(root, rubbish)
    second = look(root, run, first)
    assert second.unchanged
    assert len(run.calls) == calls
    assert look(root, run).digest == first.digest
    third = look(root, run, second)
    assert third.state == second.state
    (root / ".coverage").unlink()
    assert look(root, run, third).unchanged
    assert len(run.calls) <= calls + 2


def test_ignored_files_are_asked_about_once(root: Path, run: Runner) -> None:
    first = look(root, run)
    write(root, {"debug.log": "1", "out/huge.bin": "1"})
    second = look(root, run, first)
    assert second.unchanged
    calls = len(run.calls)
    write(root, {"out/more.bin": "1", "out/deep/x": "1", "debug.log": "2"})
    (root / "debug.log").unlink()
    third = look(root, run, second)
    write(root, {"debug.log": "3"})
    assert look(root, run, third).unchanged
    assert len(run.calls) == calls
    assert not [path for path in second.state["tree"] if path.startswith("out")]


def test_what_kern_writes_is_no_source_then_or_later(root: Path, run: Runner) -> None:
    names = ["report.xml", "src/report.json", "../elsewhere.xml"]
    first = look(root, run)
    second = snapshot(str(root), (), first.state, run, names)
    assert second.unchanged
    write(root, {"report.xml": "1", "src/report.json": "2"})
    third = look(root, run, second)
    assert third.unchanged
    assert not {"report.xml", "src/report.json"}.intersection(counted(third))
    edit(root / "report.xml", "3")
    write(root, {"report.txt": "4"})
    fourth = look(root, run, third)
    assert fourth.changed == ("report.txt",)
    (root / "report.xml").unlink()
    write(root, {"another.txt": "5"})
    fifth = look(root, run, fourth)
    assert fifth.state["left_out"] == ["src/report.json"]
    write(root, {"report.xml": "6"})
    assert "report.xml" in look(root, run, fifth).changed


def test_a_report_over_a_source_file_takes_it_out(root: Path, run: Runner) -> None:
    write(root, {"report.xml": "1"})
    first = look(root, run)
    assert "report.xml" in counted(first)
    second = snapshot(str(root), (), first.state, run, ["report.xml"])
    assert second.changed == ("report.xml",)
    assert snapshot(str(root), (), second.state, run, ["report.xml"]).state is second.state


@needs_git
def test_tracked_files_count_also_where_they_are_ignored(tmp_path: Path, run: Runner) -> None:
    root = tmp_path / "project"
    write(root, {**FILES, "out/a/b/kept.txt": "1", "out/a/b/not.txt": "1", "out/a/not.txt": "1", "out/not/x": "1"})
    write(root, {"src/kept.log": "1", "src/not.log": "1", "build/kept.c": "1", "build/not.o": "1"})
    git(root, "init", "-q")
    git(root, "add", "-f", "out/a/b/kept.txt", "src/kept.log", "build/kept.c", *FILES)
    kept = ["out/a/b/kept.txt", "src/kept.log", "build/kept.c"]
    assert counted(look(root, run)) == sorted([*FILES, *kept])


@needs_git
def test_git_runs_no_program_of_the_repository(tmp_path: Path, run: Runner) -> None:
    root = tmp_path / "project"
    write(root, {**FILES, ".gitattributes": "* filter=evil diff=evil\n"})
    git(root, "init", "-q")
    git(root, "add", ".")
    trap = tmp_path / "trap"
    for key in ("filter.evil.clean", "filter.evil.process", "core.fsmonitor", "diff.evil.textconv", "core.pager"):
        git(root, "config", key, f"touch {trap}; cat")
    first = look(root, run)
    for name in FILES:
        (root / name).write_text("changed")
    write(root, {"src/new.py": "1"})
    assert "src/new.py" in counted(look(root, run, first))
    assert not trap.exists()


def test_coveragerc_is_a_source_file(root: Path, run: Runner) -> None:
    write(root, {".coveragerc": "[run]"})
    assert ".coveragerc" in counted(look(root, run))


def test_a_changed_rule_is_picked_up(root: Path, run: Runner) -> None:
    write(root, {"notes.txt": "1"})
    first = look(root, run)
    assert "notes.txt" in counted(first)
    edit(root / ".gitignore", "*.log\n/out/\n*.txt\n")
    second = look(root, run, first)
    assert second.changed == (".gitignore", "notes.txt")
    assert "notes.txt" not in counted(second)
    write(root, {"src/.gitignore": "!*.txt\n*.csv\n", "src/a.txt": "1"})
    third = look(root, run, second)
    assert "src/a.txt" in counted(third)
    if not (root / ".git").exists():  # git keeps a tracked file
        assert "src/pkg/data/table.csv" not in counted(third)


def test_an_empty_directory_is_watched(root: Path, run: Runner) -> None:
    (root / "empty/below").mkdir(parents=True)
    first = look(root, run)
    write(root, {"empty/below/new.py": "1"})
    assert look(root, run, first).changed == ("empty/below/new.py",)


def test_a_directory_of_ignored_files_is_watched_for_others(root: Path, run: Runner) -> None:
    write(root, {"logs/a.log": "1", "logs/deep/b.log": "1"})
    first = look(root, run)
    assert "logs/deep/b.log" not in counted(first)
    write(root, {"logs/deep/new.py": "1"})
    assert look(root, run, first).changed == ("logs/deep/new.py",)


def test_patterns_narrow_what_counts(root: Path, run: Runner) -> None:
    patterns = ("/pyproject.toml", "*.csv", "!/tests/*")
    first = look(root, run, patterns=patterns)
    assert counted(first) == ["pyproject.toml", "src/pkg/data/table.csv"]
    calls = len(run.calls)
    edit(root / "src/pkg/core.py", "x = 2")
    second = look(root, run, first, patterns)
    assert second.state == first.state
    assert len(run.calls) == calls
    write(root, {"src/new.csv": "1", "src/new.py": "1"})
    third = look(root, run, second, patterns)
    assert third.changed == ("src/new.csv",)
    edit(root / ".gitignore", "*.csv\n")
    assert "src/new.csv" not in counted(look(root, run, third, patterns))
    assert not look(root, run, first).unchanged


def test_anchored_patterns_spare_the_rest_of_the_tree(root: Path, run: Runner) -> None:
    found = look(root, run, patterns=("/pyproject.toml", "src/pkg/*.py"))
    assert counted(found) == ["pyproject.toml", "src/pkg/__init__.py", "src/pkg/core.py"]
    assert sorted(found.state["tree"]) == ["", "src", "src/pkg", "src/pkg/data"]


@needs_git
def test_git_is_believed_about_tracked_untracked_and_excluded_files(tmp_path: Path, run: Runner) -> None:
    root = tmp_path / "project"
    write(root, {**FILES, "forced.log": "1", "out/forced.py": "1", "out/ignored.py": "1", "local.txt": "1"})
    git(root, "init", "-q")
    git(root, "add", "-f", "forced.log", "out/forced.py")
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/exclude").write_text("/local.txt\n")
    first = look(root, run)
    assert counted(first) == sorted([*FILES, "forced.log", "out/forced.py"])
    edit(root / ".git/info/exclude", "/nothing.txt\n")
    assert look(root, run, first).changed == ("local.txt",)


@needs_git
def test_a_project_below_the_top_of_its_checkout_obeys_the_rules_above(tmp_path: Path, run: Runner) -> None:
    root = tmp_path / "top" / "packages" / "one"
    write(root, {**FILES, "a.tmp": "1"})
    write(tmp_path / "top", {".gitignore": "*.tmp\n", "other.py": "1"})
    git(tmp_path / "top", "init", "-q")
    first = look(root, run)
    assert counted(first) == sorted(FILES)
    edit(tmp_path / "top/.gitignore", "*.nothing\n")
    second = look(root, run, first)
    assert second.changed == ("a.tmp",)
    write(tmp_path / "top/packages", {".gitignore": "a.*\n"})
    assert look(root, run, second).changed == ("a.tmp",)
    link = tmp_path / "link"
    os.symlink(root, link)
    third = look(link, run)
    assert counted(third) == sorted(FILES)
    edit(tmp_path / "top/packages/.gitignore", "nothing\n")
    assert look(link, run, third).changed == ("a.tmp",)


@needs_git
def test_a_project_that_the_repository_around_it_ignores_is_not_empty(tmp_path: Path, run: Runner) -> None:
    root = tmp_path / "home" / "work" / "project"
    write(root, {**FILES, "a.log": "1"})
    write(tmp_path / "home", {".gitignore": "*\n"})
    git(tmp_path / "home", "init", "-q")
    assert counted(look(root, run)) == sorted(FILES)
    edit(tmp_path / "home/.gitignore", "work/\n")
    assert counted(look(root, run)) == sorted(FILES)


@needs_git
def test_what_is_in_submodules_and_other_clones_counts_by_their_own_rules(tmp_path: Path, run: Runner) -> None:
    other = tmp_path / "other"
    write(other, {"lib.c": "1", ".gitignore": "*.o\n"})
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-qm", "first")
    root = tmp_path / "project"
    write(root, FILES)
    git(root, "init", "-q")
    git(root, "submodule", "-q", "add", str(other), "vendor/sub")
    git(root, "clone", "-q", str(other), "clone")
    write(root, {"vendor/sub/lib.o": "1", "clone/lib.o": "1"})
    first = look(root, run)
    inner = ["clone/.gitignore", "clone/lib.c", "vendor/sub/.gitignore", "vendor/sub/lib.c"]
    assert counted(first) == sorted([*FILES, ".gitmodules", *inner])
    edit(root / "vendor/sub/lib.c", "2")
    assert look(root, run, first).changed == ("vendor/sub/lib.c",)


@needs_git
def test_a_worktree_has_the_excludes_of_its_repository(tmp_path: Path, run: Runner) -> None:
    main = tmp_path / "main"
    write(main, FILES)
    git(main, "init", "-q")
    git(main, "add", ".")
    git(main, "commit", "-qm", "first")
    root = tmp_path / "tree"
    git(main, "worktree", "add", "-q", str(root))
    write(root, {"local.txt": "1"})
    first = look(root, run)
    assert "local.txt" in counted(first)
    (main / ".git/info").mkdir(exist_ok=True)
    edit(main / ".git/info/exclude", "local.txt\n")
    assert look(root, run, first).changed == ("local.txt",)


@needs_git
def test_becoming_and_ceasing_to_be_a_checkout_is_noticed(tmp_path: Path, run: Runner) -> None:
    root = tmp_path / "project"
    write(root, {**FILES, "local.txt": "1"})
    first = look(root, run)
    assert "local.txt" in counted(first)
    git(root, "init", "-q")
    write(root, {".git/info/exclude": "local.txt\n"})
    second = look(root, run, first)
    assert second.changed == ("local.txt",)
    shutil.rmtree(root / ".git")
    assert look(root, run, second).changed == ("local.txt",)


@pytest.mark.parametrize("answer", [None, "missing"])
def test_without_the_program_the_rules_in_the_tree_hold(tmp_path: Path, answer: str | None) -> None:
    root = tmp_path / "project"
    write(root, {**FILES, "a.log": "1", "out/x": "1", "build/x": "1", "dist/x": "1", "src/build/x": "1"})
    write(root, {"src/pkg.egg-info/PKG-INFO": "1", ".git/info/exclude": "local\n"})
    found = snapshot(str(root), (), None, None if answer else lambda _argv, _cwd: None)
    assert counted(found) == sorted([*FILES, "src/build/x"])


def test_a_rule_that_makes_no_sense_matches_nothing(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, ".gitignore": "//\n!\n*.log\n", "a.log": "1"})
    assert counted(snapshot(str(tmp_path), (), None, None)) == sorted(FILES)
    assert counted(snapshot(str(tmp_path), ("//", "*.csv"), None, None)) == ["src/pkg/data/table.csv"]


def test_a_linked_file_of_rules_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"src/a.py": "1", "rules": "*.py"})
    os.symlink("../rules", tmp_path / "src/.gitignore")
    assert counted(snapshot(str(tmp_path), (), None, None)) == ["rules", "src/.gitignore", "src/a.py"]


def test_what_is_neither_file_nor_link_nor_directory_does_not_count(root: Path, run: Runner) -> None:
    os.mkfifo(root / "pipe")
    first = look(root, run)
    assert "pipe" not in counted(first)
    assert look(root, run, first).state == first.state
    (root / "src/pkg/core.py").unlink()
    os.mkfifo(root / "src/pkg/core.py")
    assert look(root, run, first).changed == ("src/pkg/core.py",)


@pytest.mark.parametrize("name", ["with space", "new\nline", "ünïcode", "quote'\"", "\udcff", "-dash", "a\\b"])
def test_any_name_counts(root: Path, run: Runner, name: str) -> None:
    write(root, {f"src/{name}/{name}.py": "1", f"src/{name}/x.log": "1"})
    first = look(root, run)
    assert f"src/{name}/{name}.py" in counted(first)
    assert f"src/{name}/x.log" not in counted(first)
    assert look(root, run, first).state == first.state


def test_a_missing_root_is_an_error(tmp_path: Path, run: Runner) -> None:
    with pytest.raises(ConfigError) as caught:
        snapshot(str(tmp_path / "missing"), (), None, run)
    assert str(tmp_path / "missing") in caught.value.where


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_can_not_be_read_is_named(root: Path, run: Runner, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    victim = str(root / ("src/pkg/core.py" if kind == "file" else "src/pkg"))
    real: dict[str, Any] = {"open": os.open, "scandir": os.scandir}

    def refuse(function: str, path: Any, *arguments: Any, **options: Any) -> Any:
        if path == victim:
            raise PermissionError(errno.EACCES, "no")
        return real[function](path, *arguments, **options)

    for function in real:
        monkeypatch.setattr(os, function, functools.partial(refuse, function))
    with pytest.raises(ConfigError, match="permission denied") as caught:
        snapshot(str(root), (), None, run)
    assert caught.value.where == victim
    assert ".gitignore" in caught.value.hint


def test_a_directory_that_vanishes_while_it_is_listed_is_not_there(
    root: Path, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def lose(path: str) -> Any:
        if path == str(root / "src/pkg/data"):
            shutil.rmtree(path)
        return real(path)

    first = look(root, run)
    write(root, {"new.py": "1"})
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", lose)
        second = look(root, run, first)
    assert second.changed == ("new.py", "src/pkg/data/table.csv")
    assert look(root, run, second).digest == second.digest


def test_at_most_ten_changes_are_named(root: Path, run: Runner) -> None:
    first = look(root, run)
    write(root, {f"new{number}.py": "" for number in range(30)})
    assert len(look(root, run, first).changed) == 10


@pytest.mark.parametrize(
    "damage",
    [
        {"tree": None},
        {"tree": {"": None}},
        {"tree": {"": [[0, 0, 0], [["pyproject.toml"]], []]}},
        {"tree": {"": [[0, 0, 0], [5], []]}},
        {"outside": 5},
        {"version": 0},
        {"patterns": None},
    ],
)
def test_a_damaged_state_is_no_state(root: Path, run: Runner, damage: dict[str, Any]) -> None:
    first = look(root, run)
    found = snapshot(str(root), (), {**first.state, **damage}, run)
    assert found.digest == first.digest
    assert look(root, run, found).state == found.state


def test_the_digest_knows_neither_place_nor_time_nor_order(root: Path, run: Runner, tmp_path: Path) -> None:
    first = look(root, run)
    copy = tmp_path / "copy"
    for name in sorted(FILES, reverse=True):
        write(copy, {name: FILES[name]})
        os.utime(copy / name, (1, 1))
    assert look(copy, run).digest == first.digest


def test_the_boundary_between_names_and_contents_counts(tmp_path: Path, run: Runner) -> None:
    digests = set()
    for number, files in enumerate(({"a": "b"}, {"ab": ""}, {"a": "", "b": ""}, {"a/b": ""}, {"a": "b\0-"})):
        write(tmp_path / str(number), files)
        digests.add(look(tmp_path / str(number), run).digest)
    assert len(digests) == 5


def test_what_changed_a_moment_ago_is_read_again_until_it_is_old(
    root: Path, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes within one tick of the clock look like one: same size, same times, same inode."""
    monkeypatch.undo()
    path = root / "src/pkg/core.py"
    first = look(root, run)
    status = os.stat(path)
    entry = next(file for file in first.state["tree"]["src/pkg"][1] if file[0] == "core.py")
    assert entry[1] == [-1, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    assert first.state["tree"]["src/pkg"][0][:2] == [0, 0]
    path.write_text("x = 2")
    entry[1][1:3] = [os.stat(path).st_mtime_ns, os.stat(path).st_ctime_ns]  # as if no tick had passed
    second = look(root, run, first)
    assert second.changed == ("src/pkg/core.py",)
    assert snapshot(str(root), (), second.state, run).state is second.state
    later = time.time_ns() + 10**10
    monkeypatch.setattr(time, "time_ns", lambda: later)
    third = look(root, run, second)
    assert third.unchanged
    assert all(file[1][0] >= 0 for entry in third.state["tree"].values() for file in entry[1])
    assert look(root, run, third).state == third.state


@needs_git
def test_rules_that_changed_a_moment_ago_are_read_again(
    tmp_path: Path, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    write(root, {**FILES, "local.txt": "1"})
    git(root, "init", "-q")
    (root / ".git/info").mkdir(exist_ok=True)
    exclude = root / ".git/info/exclude"
    exclude.write_text("local.txa")
    monkeypatch.undo()
    first = look(root, run)
    exclude.write_text("local.txt")
    state = json.loads(json.dumps(first.state))
    status = os.stat(exclude)
    name = next(name for name in state["outside"] if name.endswith("exclude"))
    state["outside"][name] = [state["outside"][name][0], status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    assert snapshot(str(root), (), state, run).changed == ("local.txt",)


NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/a", "f/a", "x.log", "d/x.log"])
EDITS = st.one_of(
    st.tuples(st.just("write"), NAMES, st.sampled_from(["", "1", "2"])),
    st.tuples(st.just("remove"), NAMES, st.just("")),
    st.tuples(st.just("mode"), NAMES, st.sampled_from(["644", "755"])),
    st.tuples(st.just("touch"), NAMES, st.just("")),
    st.tuples(
        st.just("rules"), st.sampled_from([".gitignore", "d/.gitignore"]), st.sampled_from(["", "*.log", "a", "!a\n"])
    ),
)


def apply(root: Path, step: tuple[str, str, str]) -> None:
    action, name, text = step
    path = root / name
    if action in {"write", "rules"}:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    elif path.exists() and action == "remove":
        path.unlink()
    elif path.exists() and action == "mode":
        path.chmod(int(text, 8))
    elif path.exists():
        os.utime(path)


@settings(max_examples=60)
@given(st.lists(st.lists(EDITS, max_size=4), min_size=1, max_size=5))
def test_looking_again_and_looking_anew_agree(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, rounds: list[list[tuple[str, str, str]]]
) -> None:
    """Whatever happens between two snapshots: the second is what a first one would be, and named changes are true."""
    root = tmp_path_factory.mktemp("tree")
    with monkeypatch.context() as patch:
        patch.setattr(kern.sources, "_RACY", 2_000_000_000)
        known = snapshot(str(root), (), None, None)
        for steps in rounds:
            for step in steps:
                apply(root, step)
            again = snapshot(str(root), (), json.loads(json.dumps(known.state)), None)
            anew = snapshot(str(root), (), None, None)
            assert again.digest == anew.digest
            old, new = contents(known.state["tree"]), contents(anew.state["tree"])
            different = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
            assert set(again.changed) == different
            assert again.unchanged == (not different) == (again.digest == known.digest)
            known = again


RULES = st.lists(
    st.sampled_from(
        ["a", "/a", "a/", "*.py", "!*.py", "!a", "b/**", "**/b", "b/*", "!b/c.py", "/b/c/", "# a", "", "a/b", "!/b/", "*", "!*/",
         "c.p?", "[bc]", "!b", "\\!a", " a", "a ", "**", "!c.py", "b/**/c.py", "!", "//"]
    ),
    max_size=4,
)  # fmt: skip
PATHS = st.sets(
    st.lists(st.sampled_from(["a", "b", "c", "c.py"]), min_size=1, max_size=3).map("/".join), min_size=1, max_size=6
)


@needs_git
@settings(max_examples=100)
@given(RULES, RULES, PATHS)
def test_without_git_the_same_files_count_as_with_git(
    tmp_path_factory: pytest.TempPathFactory, rules: list[str], deeper: list[str], paths: set[str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for path in sorted(paths):
        try:
            write(root, {path: "1"})
        except OSError:
            continue
    write(root, {".gitignore": "\n".join(rules)})
    if (root / "b").is_dir():
        write(root, {"b/.gitignore": "\n".join(deeper)})
    alone = snapshot(str(root), (), None, None)
    git(root, "init", "-q")
    asked = snapshot(str(root), (), None, Runner())
    assert set(counted(alone)) >= set(counted(asked))
    if not any(rule.startswith("!") for rule in rules + deeper):
        assert counted(alone) == counted(asked)
