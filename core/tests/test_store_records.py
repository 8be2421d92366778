"""Records and the work directory: what is written, what is believed, what happens when it can't be written."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern import store
from kern.errors import KernError, StepFailed
from kern.store import files, layout
from kern.store.layout import claim, is_marked, own_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def work(tmp_path: Path) -> str:
    return str(tmp_path / ".kern")


def tree(path: str) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(base, name), path)
        for base, folders, names in os.walk(path)
        for name in folders + names
    )


def test_a_record_is_read_as_it_was_written(work: str) -> None:
    value = {"state": "ready", "digest": "ab", "numbers": [1, 2.5, None], "text": "\udcff"}
    store.write_record(work, "env", "py312", value)
    assert store.read_record(work, "env", "py312") == value
    assert store.read_record(work, "env", "py311") is None
    assert store.read_record(work, "artifact", "py312") is None


def test_looking_makes_nothing(work: str) -> None:
    assert store.read_record(work, "env", "py312") is None
    store.remove_record(work, "env", "py312")
    store.remove_directory(work, store.environment_path(work, "py312"), None)
    store.empty_trash(work)
    store.tidy(work)
    assert not store.belongs_here(store.environment_path(work, "py312"), "token")
    assert not os.path.exists(work)


def test_a_record_is_private_and_leaves_nothing_beside_it(work: str) -> None:
    os.umask(os.umask(0o022))
    store.write_record(work, "env", "py312", {"a": 1})
    store.write_record(work, "env", "py312", {"a": 2}, durable=True)
    folder = f"{work}/records/env"
    assert os.listdir(folder) == ["py312.json"]
    assert stat.S_IMODE(os.stat(f"{folder}/py312.json").st_mode) == 0o600


def test_a_new_work_directory_hides_from_git_and_backups(work: str) -> None:
    store.write_record(work, "env", "py312", {})
    assert sorted(os.listdir(work)) == [".gitignore", "CACHEDIR.TAG", "records"]
    with open(f"{work}/.gitignore") as file:
        assert file.read() == "*\n"
    with open(f"{work}/CACHEDIR.TAG") as file:
        assert file.readline() == "Signature: 8a477f597d28d172789f06886806bc55\n"


def test_an_empty_folder_of_the_user_becomes_a_work_directory(work: str) -> None:
    os.mkdir(work)
    store.write_record(work, "env", "py312", {})
    assert is_marked(work)
    os.unlink(f"{work}/.gitignore")
    store.write_record(work, "other", "py312", {})
    assert sorted(os.listdir(work)) == ["CACHEDIR.TAG", "records"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("thesis.txt", "years of work"),
        (".gitignore", "mine\n"),
        ("records", None),
        ("CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n# by another tool\n"),
        ("CACHEDIR.TAG", "kern and nothing else"),
        ("CACHEDIR.TAG", None),
    ],
)
def test_a_folder_with_things_of_the_user_in_it_is_refused(work: str, name: str, content: str | None) -> None:
    os.mkdir(work)
    if content is None:
        os.mkdir(f"{work}/{name}")
    else:
        with open(f"{work}/{name}", "w") as file:
            file.write(content)
    with pytest.raises(KernError, match=r"no mark of kern in CACHEDIR\.TAG") as caught:
        store.write_record(work, "env", "py312", {})
    assert (caught.value.where, caught.value.exit_code) == (work, 3)
    assert "KERN_WORK_DIR" in caught.value.hint
    assert os.listdir(work) == [name]
    if content is not None:
        with open(f"{work}/{name}") as file:
            assert file.read() == content


def test_what_a_killed_kern_left_before_the_mark_is_no_obstacle(work: str) -> None:
    os.mkdir(work)
    with open(f"{work}/.{own_name()}", "w") as file:
        file.write("Signature: ")
    claim(work)
    assert is_marked(work)


def test_many_that_begin_at_once_share_a_new_work_directory(work: str) -> None:
    def begin(number: int) -> None:
        store.write_record(work, f"kind{number}", "py312", {})

    for _ in range(20):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(begin, range(8)))
        shutil.rmtree(work)


def test_all_records_of_a_kind_that_can_be_read_are_read(work: str) -> None:
    assert store.read_records(work, "env") == []
    for number, name in enumerate(("a", "b", "c", "d")):
        store.write_record(work, "env", name, {"number": number})
    store.write_record(work, "other", "e", {"number": 5})
    for name, content in (("b", "{"), ("c", '{"schema":2,"name":"c","value":{}}'), ("f", '{"schema":1}')):
        with open(f"{work}/records/env/{name}.json", "w") as file:
            file.write(content)
    assert sorted(value["number"] for value in store.read_records(work, "env")) == [0, 3]


def test_a_removed_record_is_gone_and_may_be_removed_again(work: str) -> None:
    store.write_record(work, "env", "py312", {})
    store.remove_record(work, "env", "py312")
    store.remove_record(work, "env", "py312")
    assert store.read_record(work, "env", "py312") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\xff",
        b"[" * 100_000,
        b'{"schema":1,"name":"py312","value":[]}',
        b'{"schema":2,"name":"py312","value":{}}',
        b'{"schema":1,"name":"py311","value":{}}',
        b'{"name":"py312","value":{}}',
    ],
)
def test_bad_content_is_no_record(work: str, content: bytes) -> None:
    store.write_record(work, "env", "py312", {"a": 1})
    with open(f"{work}/records/env/py312.json", "wb") as file:
        file.write(content)
    assert store.read_record(work, "env", "py312") is None
    store.write_record(work, "env", "py312", {"a": 2})
    assert store.read_record(work, "env", "py312") == {"a": 2}


@given(st.binary(max_size=200))
def test_no_content_raises(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    work = str(tmp_path_factory.getbasetemp() / "any-content")
    store.write_record(work, "env", "a", {})
    with open(f"{work}/records/env/a.json", "wb") as file:
        file.write(content)
    assert store.read_record(work, "env", "a") is None


def test_neither_a_link_nor_a_pipe_nor_a_folder_is_a_record(work: str, tmp_path: Path) -> None:
    store.write_record(work, "env", "real", {"a": 1})
    folder = f"{work}/records/env"
    with open(tmp_path / "victim", "w") as file:
        json.dump({"schema": 1, "name": "link", "value": {"a": 1}}, file)
    os.symlink(tmp_path / "victim", f"{folder}/link.json")
    os.mkfifo(f"{folder}/pipe.json")
    os.mkdir(f"{folder}/folder.json")
    for name in ("link", "pipe", "folder"):
        assert store.read_record(work, "env", name) is None
    store.write_record(work, "env", "link", {"a": 2})
    assert '"a": 1' in (tmp_path / "victim").read_text()
    assert not os.path.islink(f"{folder}/link.json")
    with pytest.raises(KernError):
        store.write_record(work, "env", "folder", {})
    assert not [name for name in os.listdir(folder) if name.startswith(".")]


@pytest.mark.parametrize("parts", [("records",), ("records", "env")])
def test_nothing_is_written_through_a_link_out_of_the_work_directory(
    work: str, tmp_path: Path, parts: tuple[str, ...]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    claim(work)
    os.makedirs(os.path.join(work, *parts[:-1]), exist_ok=True)
    os.symlink(outside, os.path.join(work, *parts))
    with pytest.raises(KernError, match="symbolic link") as caught:
        store.write_record(work, "env", "py312", {})
    assert caught.value.where == os.path.join(work, *parts)
    assert caught.value.hint
    assert os.listdir(outside) == []


def test_the_work_directory_itself_may_be_a_link(work: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", work)
    store.write_record(work, "env", "py312", {"a": 1})
    assert store.read_record(work, "env", "py312") == {"a": 1}
    assert (tmp_path / "elsewhere" / "records").is_dir()


def test_a_file_in_the_place_of_the_work_directory_is_an_error(work: str) -> None:
    with open(work, "w") as file:
        file.write("mine")
    assert store.read_record(work, "env", "py312") is None
    with pytest.raises(KernError) as caught:
        store.write_record(work, "env", "py312", {})
    assert caught.value.where == work
    with open(work) as file:
        assert file.read() == "mine"


@pytest.mark.parametrize("kind", ["", ".", "..", "a/b", "a\0b"])
def test_a_kind_is_one_component(work: str, kind: str) -> None:
    with pytest.raises(KernError):
        store.write_record(work, kind, "py312", {})
    assert not os.path.exists(work)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../etc", "a\0b"])
def test_the_directory_of_an_environment_is_one_component(work: str, name: str) -> None:
    with pytest.raises(KernError):
        store.environment_path(work, name)
    with pytest.raises(KernError):
        store.artifact_path(work, name)


@given(st.lists(st.one_of(st.text(min_size=1), st.text("aA.%-/é", min_size=1, max_size=4)), min_size=2, unique=True))
def test_file_names_are_safe_and_differ_as_the_names_do(names: list[str]) -> None:
    mapped = [store.safe_name(name) for name in names]
    assert len(set(mapped)) == len(names)
    for name in mapped:
        assert "/" not in name
        assert "\0" not in name
        assert not name.startswith(".")
        assert len(os.fsencode(name)) <= 200


@given(st.text("abcXYZ019_.+@-", min_size=1, max_size=100).filter(lambda name: name[0] != "."))
def test_usual_names_stay_as_they_are(name: str) -> None:
    assert store.safe_name(name) == name


def test_long_names_differ_although_they_begin_alike(work: str) -> None:
    names = ["x" * 5000, "x" * 5001, "é" * 3000]
    for name in names:
        store.write_record(work, "env", name, {"length": len(name)})
    assert [store.read_record(work, "env", name) for name in names] == [{"length": len(name)} for name in names]


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(KernError):
        store.safe_name("")


def test_many_writers_leave_one_whole_record(work: str) -> None:
    def write(number: int) -> None:
        for _ in range(20):
            store.write_record(work, "env", "py312", {"number": number, "text": "x" * number * 100})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    value = store.read_record(work, "env", "py312")
    assert value is not None
    assert len(value["text"]) == value["number"] * 100
    assert os.listdir(f"{work}/records/env") == ["py312.json"]


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "quota is used up"), (errno.EROFS, "read-only")],
)
def test_a_disk_that_takes_no_more_is_named_and_the_old_record_stands(
    work: str, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    store.write_record(work, "env", "py312", {"a": 1})

    def refuse(_descriptor: int, data: memoryview) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with pytest.raises(StepFailed, match=words) as caught:
            store.write_record(work, "env", "py312", {"a": 2})
    error = caught.value
    assert error.where == f"{work}/records/env/py312.json"
    assert "MiB" in error.message
    assert "KERN_WORK_DIR" in error.hint
    assert "\n" not in error.message
    assert store.read_record(work, "env", "py312") == {"a": 1}
    assert os.listdir(f"{work}/records/env") == ["py312.json"]


def test_an_interrupt_in_the_middle_leaves_nothing(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_record(work, "env", "py312", {"a": 1})

    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.write_record(work, "env", "py312", {"a": 2})
    assert os.listdir(f"{work}/records/env") == ["py312.json"]


def test_an_error_while_reading_is_reported(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_record(work, "env", "py312", {"a": 1})

    def refuse(*_arguments: object, **_options: object) -> int:
        raise PermissionError(errno.EACCES, "no")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(KernError, match="permission") as caught:
            store.read_record(work, "env", "py312")
    assert caught.value.where.endswith("py312.json")


FULL = """
import os, sys
from kern import store
from kern.errors import KernError, StepFailed
work, prepared = sys.argv[1], sys.argv[2] == "prepared"
if prepared:
    store.write_record(work, "env", "old", {"a": 1})
try:
    with open(os.path.join(os.path.dirname(work), "ballast"), "wb", buffering=0) as file:
        for _ in range(1000):
            file.write(b"x" * 4096)
except OSError:
    pass
attempts = {
    "record": lambda: store.write_record(work, "env", "new", {"text": "y" * 20000}),
    "directory": lambda: store.make_directory(work, store.environment_path(work, "new")),
    "logs": lambda: store.new_run_directory(work),
    "temporary": lambda: store.temporary_directory(work).__enter__(),
    "lock": lambda: store.lock(work, "new", exclusive=False).__enter__(),
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name, "done")
    except StepFailed as error:
        print(name, "failed", error.message)
assert store.low_space(work)
if prepared:
    assert store.read_record(work, "env", "old") == {"a": 1}
    assert os.listdir(work + "/records/env") == ["old.json"], os.listdir(work + "/records/env")
assert not os.path.exists(work + "/envs/new"), os.listdir(work + "/envs/new")
os.unlink(os.path.join(os.path.dirname(work), "ballast"))
for attempt in attempts.values():
    attempt()
"""

READ_ONLY = """
import sys
from kern import store
from kern.errors import KernError, StepFailed
work = sys.argv[1]
for attempt in (
    lambda: store.write_record(work, "env", "new", {}),
    lambda: store.make_directory(work, store.environment_path(work, "new")),
    lambda: store.new_run_directory(work),
    lambda: store.lock(work, "new").__enter__(),
):
    try:
        attempt()
    except StepFailed as error:
        assert "read-only" in error.message and "KERN_WORK_DIR" in error.hint, error.message
    else:
        raise AssertionError
assert store.read_record(work, "env", "new") is None
store.tidy(work)
"""


def in_small_disk(folder: Path, options: str, script: str, *arguments: str) -> str:
    """Run a script with a file system of its own mounted at a folder, which only root can."""
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a small disk can be mounted only by root")
    mount = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o "$0" none "$1" || exit 77; shift; exec "$@"', options]
    command = [*mount, str(folder), sys.executable, "-c", script, str(folder / ".kern"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare:" in done.stderr:
        pytest.skip("a small disk can't be mounted here")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("prepared", ["prepared", "new"])
def test_a_really_full_disk(tmp_path: Path, prepared: str) -> None:
    output = in_small_disk(tmp_path / "disk", "size=128k", FULL, prepared)
    assert "record failed the disk is full, 0.0 MiB left" in output


def test_a_really_read_only_disk(tmp_path: Path) -> None:
    in_small_disk(tmp_path / "disk", "size=128k,ro", READ_ONLY)


def test_space_is_asked_where_the_path_is_missing(tmp_path: Path) -> None:
    assert store.free_bytes(str(tmp_path / "not" / "there")) == pytest.approx(store.free_bytes(str(tmp_path)), rel=0.5)


def test_low_space_is_what_the_system_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "free_bytes", lambda _path: files.LOW_SPACE - 1)
    assert store.low_space(str(tmp_path))
    monkeypatch.setattr(files, "free_bytes", lambda _path: files.LOW_SPACE)
    assert not store.low_space(str(tmp_path))
    monkeypatch.setattr(files, "free_bytes", lambda _path: None)
    assert not store.low_space(str(tmp_path))


def test_every_public_name_is_there() -> None:
    for name in store.__all__:
        assert getattr(store, name) is not None
    with pytest.raises(AttributeError):
        store.__getattr__("nothing")


def test_only_kern_gives_such_names() -> None:
    assert layout.is_own_name(layout.own_name())
    assert layout.is_own_name(layout.own_name("build of wheel"))
    for name in ("kern-", "kern-notes", "x" * 40, "kern-" + "g" * 32, "-" + "a" * 32, "a" * 32, "kern" + "a" * 32):
        assert not layout.is_own_name(name)


def test_a_record_is_read_without_heavy_modules(work: str) -> None:
    store.write_record(work, "env", "py312", {})
    script = (
        "import sys; before = set(sys.modules); from kern import store; "
        f"store.read_record({work!r}, 'env', 'py312'); import kern.sources, kern.inventory; "
        "print(' '.join(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    heavy = {"pathlib", "hashlib", "tempfile", "shutil", "uuid", "subprocess", "dataclasses", "inspect", "pathspec"}
    assert not loaded & {*heavy, "kern.store.locks", "kern.store.removal", "kern.source_files"}
