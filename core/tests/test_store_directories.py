"""Directories: what kern makes it can delete, what it did not make it leaves alone, links are never followed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import tempfile
import threading
from typing import TYPE_CHECKING, Self

import pytest

import kern.store.removal  # a child that has changed its user could not import it any more
import kern.store.temporary
from kern import store
from kern.errors import KernError, StepFailed
from kern.store.layout import claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def work(tmp_path: Path) -> str:
    return str(tmp_path / ".kern")


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A folder of the user, outside of the work directory; it must live."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    yield folder
    assert (folder / "thesis.txt").read_text() == "years of work"


def fill(path: str) -> None:
    os.makedirs(f"{path}/lib/python/site-packages")
    for name in ("a.py", "lib/b.py", "lib/python/site-packages/c.py"):
        with open(f"{path}/{name}", "w") as file:
            file.write("x")
    os.symlink("lib", f"{path}/lib64")
    os.symlink("nowhere", f"{path}/lib/dangling")
    os.mkfifo(f"{path}/lib/pipe")


def fill_and_fail(path: str) -> None:
    fill(path)
    raise ZeroDivisionError


def make(work: str, name: str = "py312") -> tuple[str, str]:
    path = store.environment_path(work, name)
    return path, store.make_directory(work, path)


def test_what_kern_made_it_deletes_with_all_that_is_in_it(work: str) -> None:
    path, token = make(work)
    fill(path)
    store.remove_directory(work, path, token)
    assert os.listdir(f"{work}/envs") == []
    assert not os.path.exists(f"{work}/trash")
    store.remove_directory(work, path, token)


def test_a_directory_is_made_with_the_token_of_the_record(work: str) -> None:
    token = store.new_token()
    path = store.artifact_path(work, "abc123")
    assert store.make_directory(work, path, token) == token
    assert os.listdir(path) == [store.MARKER]
    assert stat.S_IMODE(os.stat(f"{path}/{store.MARKER}").st_mode) == 0o600
    assert store.belongs_here(path, token)
    assert not store.belongs_here(path, store.new_token())
    assert token != store.new_token()


def test_nothing_is_made_where_something_is(work: str, victim: Path) -> None:
    claim(work)
    os.makedirs(f"{work}/envs/folder")
    os.symlink(victim, f"{work}/envs/link")
    os.symlink("nowhere", f"{work}/envs/dangling")
    for name in ("folder", "link", "dangling"):
        with pytest.raises(KernError) as caught:
            make(work, name)
        assert caught.value.where == f"{work}/envs/{name}"
        assert caught.value.hint
    assert os.listdir(f"{work}/envs/folder") == []
    assert os.listdir(victim) == ["thesis.txt"]


@pytest.mark.parametrize("marker", ["none", "other token", "link", "folder", "rubbish", "list", "empty token"])
def test_a_directory_without_proof_is_left_alone(work: str, tmp_path: Path, marker: str) -> None:
    path, token = make(work)
    proof = f"{path}/{store.MARKER}"
    with open(f"{path}/thesis.txt", "w") as file:
        file.write("years of work")
    os.rename(proof, tmp_path / "proof")
    if marker == "link":
        os.symlink(tmp_path / "proof", proof)
    elif marker == "folder":
        os.mkdir(proof)
    elif marker != "none":
        other = json.dumps({"token": store.new_token(), "path": "/elsewhere"})
        nothing = json.dumps({"token": "", "path": path})
        content = {"other token": other, "rubbish": "{", "list": "[]", "empty token": nothing}[marker]
        with open(proof, "w") as file:
            file.write(content)
    for known in (token, None, ""):
        with pytest.raises(KernError, match="mark of kern") as caught:
            store.remove_directory(work, path, known)
        assert caught.value.where == path
        assert "by hand" in caught.value.hint
    assert os.path.exists(f"{path}/thesis.txt")
    assert not store.belongs_here(path, token)
    assert not os.path.exists(f"{work}/trash")


@pytest.mark.parametrize("kind", ["link", "dangling", "file"])
def test_what_is_no_directory_is_left_alone(work: str, victim: Path, kind: str) -> None:
    os.makedirs(f"{work}/envs")
    path = store.environment_path(work, "py312")
    if kind == "file":
        with open(path, "w") as file:
            file.write("mine")
    else:
        os.symlink(victim if kind == "link" else "nowhere", path)
    for token in (store.new_token(), None):
        with pytest.raises(KernError):
            store.remove_directory(work, path, token)
    assert os.path.lexists(path)


def test_a_link_to_a_directory_that_kern_made_is_left_alone(work: str) -> None:
    path, token = make(work)
    os.rename(path, f"{path}-moved")
    os.symlink(f"{path}-moved", path)
    with pytest.raises(KernError, match="symbolic link"):
        store.remove_directory(work, path, token)
    assert os.path.exists(f"{path}-moved/{store.MARKER}")
    assert not store.belongs_here(path, token)


@pytest.mark.parametrize("folder", ["envs", "artifacts", "trash"])
def test_no_folder_of_the_work_directory_may_be_a_link(work: str, victim: Path, folder: str) -> None:
    path, token = make(work)
    if folder == "trash":
        os.symlink(victim, f"{work}/trash")
        with pytest.raises(KernError, match="symbolic link"):
            store.remove_directory(work, path, token)
        with pytest.raises(KernError, match="symbolic link"):
            store.empty_trash(work)
        assert os.path.exists(path)
    else:
        other = str(victim.parent / ".other")
        claim(other)
        os.symlink(victim, f"{other}/{folder}")
        target = f"{other}/{folder}/py312"
        with pytest.raises(KernError, match="symbolic link"):
            store.make_directory(other, target)
        os.mkdir(victim / "py312")
        with pytest.raises(KernError, match="symbolic link"):
            store.remove_directory(other, target, None)
        os.rmdir(victim / "py312")
    assert os.listdir(victim) == ["thesis.txt"]


@pytest.mark.parametrize(
    "path", ["/elsewhere/py312", "{work}/../py312", "{work}/envs/../../py312", "{work}", "{work}-other/envs/a"]
)
def test_nothing_outside_of_the_work_directory_is_made_or_deleted(work: str, path: str) -> None:
    os.mkdir(work)
    for action in (store.make_directory, store.remove_directory):
        with pytest.raises(KernError):
            action(work, path.format(work=work), "token")


def test_links_inside_are_deleted_and_never_followed(work: str, victim: Path) -> None:
    path, token = make(work)
    os.makedirs(f"{path}/lib")
    os.symlink(victim, f"{path}/folder")
    os.symlink(victim / "thesis.txt", f"{path}/lib/file")
    os.link(victim / "thesis.txt", f"{path}/lib/hard")
    store.remove_directory(work, path, token)
    assert os.listdir(f"{work}/envs") == []


def test_a_moved_checkout_may_delete_its_environments_but_not_use_them(tmp_path: Path) -> None:
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    path, token = make(old)
    os.rename(old, new)
    moved = store.environment_path(new, "py312")
    assert not store.belongs_here(moved, token)
    store.remove_directory(new, moved, token)
    assert not os.path.exists(moved)
    assert not store.belongs_here(path, token)


def test_a_copied_checkout_does_not_use_the_environments_of_the_original(tmp_path: Path) -> None:
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    path, token = make(old)
    os.makedirs(f"{path}/lib")
    shutil.copytree(old, new)
    copied = store.environment_path(new, "py312")
    assert store.belongs_here(path, token)
    assert not store.belongs_here(copied, token)
    with pytest.raises(KernError):
        store.remove_directory(new, copied, None)
    store.remove_directory(new, copied, token)
    assert store.belongs_here(path, token)


def test_one_directory_by_two_names_is_in_its_place(tmp_path: Path) -> None:
    real, link = str(tmp_path / "real"), str(tmp_path / "link")
    os.mkdir(real)
    os.symlink(real, link)
    _, token = make(link)
    assert store.belongs_here(store.environment_path(link, "py312"), token)
    assert store.belongs_here(store.environment_path(real, "py312"), token)


def test_without_its_record_a_directory_is_deleted_where_it_was_made(work: str) -> None:
    path, _ = make(work)
    fill(path)
    store.remove_directory(work, path, None)
    assert not os.path.exists(path)


def test_a_directory_that_was_renamed_by_hand_needs_its_record(work: str) -> None:
    path, token = make(work)
    fill(path)
    renamed = store.environment_path(work, "keep")
    os.rename(path, renamed)
    with pytest.raises(KernError):
        store.remove_directory(work, renamed, None)
    with pytest.raises(KernError):
        store.remove_directory(work, renamed, store.new_token())
    assert os.path.exists(f"{renamed}/a.py")
    store.remove_directory(work, renamed, token)


@pytest.mark.parametrize("content", [None, "", '{"token": "ab'])
def test_what_a_killed_kern_had_just_begun_is_deleted(work: str, content: str | None) -> None:
    path = store.environment_path(work, "py312")
    claim(work)
    os.makedirs(path)
    if content is not None:
        with open(f"{path}/{store.MARKER}", "w") as file:
            file.write(content)
    store.remove_directory(work, path, store.new_token())
    assert not os.path.exists(path)


def test_read_only_parts_are_deleted(work: str) -> None:
    def scenario(work: str) -> None:
        path, token = make(work)
        fill(path)
        for name, mode in (("lib/python/site-packages", 0o555), ("lib/python", 0), ("lib", 0o100), (".", 0o555)):
            os.chmod(f"{path}/{name}", mode)
        store.remove_directory(work, path, token)
        assert os.listdir(f"{work}/envs") == []
        assert not os.path.exists(f"{work}/trash")

    as_nobody(scenario)


def test_what_nobody_may_change_is_an_error_not_a_loss(work: str) -> None:
    def scenario(work: str) -> None:
        path, token = make(work)
        fill(path)
        os.chmod(f"{work}/envs", 0o555)
        with pytest.raises(KernError, match="permission"):
            store.remove_directory(work, path, token)
        assert os.path.exists(f"{path}/lib/b.py")
        with pytest.raises(KernError, match="permission"):
            make(work, "other")
        os.chmod(f"{work}/envs", 0o755)
        store.remove_directory(work, path, token)

    as_nobody(scenario)


def as_nobody(scenario: Callable[[str], None]) -> None:
    """Run something as a user whom permissions bind, in a child process if this is root."""
    folder = tempfile.mkdtemp()
    if os.geteuid() != 0:
        scenario(os.path.join(folder, ".kern"))
        shutil.rmtree(folder)
        return
    os.chown(folder, 65534, 65534)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            scenario(os.path.join(folder, ".kern"))
            code = 0
        except BaseException:  # noqa: BLE001
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    shutil.rmtree(folder)


def test_files_that_vanish_meanwhile_are_fine(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, token = make(work)
    fill(path)
    real = os.scandir

    def scan_and_lose(folder: int) -> object:
        entries = list(real(folder))
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                os.rename(entry.name, f"/proc/self/fd/{keep}/{len(os.listdir(keep))}", src_dir_fd=folder)
            else:
                os.unlink(entry.name, dir_fd=folder)
        return Entries(entries)

    class Entries(list[os.DirEntry[str]]):
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_error: object) -> None: ...

    os.mkdir(f"{work}/elsewhere")
    keep = os.open(f"{work}/elsewhere", os.O_RDONLY)
    parent = os.open(f"{work}/envs", os.O_RDONLY)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scan_and_lose)
        kern.store.removal.delete_tree(parent, "py312")
    os.close(parent)
    os.close(keep)
    assert not os.path.exists(path)
    store.remove_directory(work, path, token)


def test_files_that_appear_meanwhile_are_deleted_too(work: str) -> None:
    path, token = make(work)
    fill(path)
    go_on = threading.Event()

    def write() -> None:
        number = 0
        while not go_on.is_set() and number < 5000:
            number += 1
            try:
                os.close(os.open(str(number), os.O_CREAT | os.O_WRONLY, dir_fd=folder))
            except FileNotFoundError:
                break
        os.close(folder)

    folder = os.open(f"{path}/lib", os.O_RDONLY)
    thread = threading.Thread(target=write)
    thread.start()
    store.remove_directory(work, path, token)
    go_on.set()
    thread.join()
    store.empty_trash(work)
    assert not os.path.exists(path)
    assert not os.path.exists(f"{work}/trash")


def test_a_very_deep_tree_is_deleted(work: str) -> None:
    path, token = make(work)
    folder = os.open(path, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d", dir_fd=folder)
        os.close(os.open("f", os.O_CREAT, dir_fd=folder))
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    store.remove_directory(work, path, token)
    assert not os.path.exists(path)
    assert not os.path.exists(f"{work}/trash")


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSPC])
def test_what_can_not_be_moved_is_deleted_in_its_place(work: str, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    path, token = make(work)
    fill(path)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "rename", refuse)
    store.remove_directory(work, path, token)
    assert os.listdir(f"{work}/envs") == []


def test_a_deletion_in_place_that_is_killed_can_be_repeated(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, token = make(work)
    fill(path)
    real = os.unlink
    left = [3]

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    def die(name: str, *, dir_fd: int | None = None) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        real(name, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuse)
        patch.setattr(os, "unlink", die)
        with pytest.raises(KeyboardInterrupt):
            store.remove_directory(work, path, token)
    assert os.path.exists(f"{path}/{store.MARKER}")
    store.remove_directory(work, path, token)
    assert not os.path.exists(path)


def test_the_trash_is_emptied_but_only_of_what_kern_put_there(work: str, victim: Path) -> None:
    path, _ = make(work)
    fill(path)
    os.mkdir(f"{work}/trash")
    os.rename(path, f"{work}/trash/kern-{store.new_token()}")
    os.symlink(victim, f"{work}/trash/kern-{store.new_token()}")
    os.mkdir(f"{work}/trash/photos")
    store.empty_trash(work)
    left = os.listdir(f"{work}/trash")
    assert "photos" in left
    assert len(left) == 2
    assert [name for name in left if os.path.islink(f"{work}/trash/{name}")]


def test_a_full_disk_while_marking_leaves_nothing(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.environment_path(work, "py312")
    store.write_record(work, "env", "py312", {})

    def refuse(_descriptor: int, _data: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with pytest.raises(StepFailed, match="disk is full"):
            store.make_directory(work, path)
    assert not os.path.exists(path)
    store.make_directory(work, path)


def test_a_record_never_says_ready_while_its_directory_changes(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.environment_path(work, "py312")
    token = store.remake_directory(work, "env", "py312", path)
    fill(path)
    assert store.read_record(work, "env", "py312") == {"state": store.MAKING, "token": token}
    store.write_record(work, "env", "py312", {"state": "ready", "token": token, "more": 1})

    def look(*_arguments: object, **_options: object) -> None:
        assert store.read_record(work, "env", "py312") == {"state": store.MAKING, "token": token}
        raise KeyboardInterrupt

    for change in (store.remake_directory, store.discard_directory):
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", look)
            with pytest.raises(KeyboardInterrupt):
                change(work, "env", "py312", path)
    assert store.remake_directory(work, "env", "py312", path) == token
    assert os.listdir(path) == [store.MARKER]
    store.discard_directory(work, "env", "py312", path)
    assert store.read_record(work, "env", "py312") is None
    assert not os.path.exists(path)


def test_a_full_disk_does_not_keep_kern_from_deleting(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.environment_path(work, "py312")
    token = store.remake_directory(work, "env", "py312", path)
    fill(path)
    store.write_record(work, "env", "py312", {"state": "ready", "token": token})

    def refuse(_descriptor: int, _data: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", refuse)
    store.discard_directory(work, "env", "py312", path)
    assert not os.path.exists(path)
    assert store.read_record(work, "env", "py312") is None


@pytest.mark.parametrize("record", [{}, {"state": "ready"}, {"token": 5}, {"token": ""}])
def test_a_record_without_a_token_is_as_good_as_none(work: str, record: dict[str, object]) -> None:
    path, _ = make(work)
    fill(path)
    store.write_record(work, "env", "py312", record)
    token = store.remake_directory(work, "env", "py312", path)
    assert store.belongs_here(path, token)
    assert os.listdir(path) == [store.MARKER]


def test_flush_takes_any_directory(work: str) -> None:
    path, _ = make(work)
    store.flush(path)


def test_a_temporary_directory_is_gone_after_success_and_stays_after_failure(work: str) -> None:
    with store.temporary_directory(work, "build wheel/../x") as path:
        assert os.path.dirname(path) == f"{work}/tmp"
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        fill(path)
    assert os.listdir(f"{work}/tmp") == []
    with pytest.raises(ZeroDivisionError), store.temporary_directory(work) as path:
        fill_and_fail(path)
    assert os.path.exists(f"{path}/a.py")


def test_tidy_deletes_old_evidence_and_nothing_else(work: str) -> None:
    store.write_record(work, "env", "py312", {})
    with pytest.raises(ZeroDivisionError), store.temporary_directory(work) as old:
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), store.temporary_directory(work) as young:
        raise ZeroDivisionError
    os.mkdir(f"{work}/tmp/photos")
    for path in (old, f"{work}/tmp/photos"):
        os.utime(path, (0, 0))
    unfinished = f"{work}/records/env/.kern-{store.new_token()}"
    fresh = f"{work}/records/env/.kern-{store.new_token()}"
    for path in (unfinished, fresh):
        os.close(os.open(path, os.O_CREAT))
    os.utime(unfinished, (0, 0))
    with store.temporary_directory(work) as used:
        os.utime(used, (0, 0))
        store.tidy(work)
        assert os.path.exists(used)
    assert not os.path.exists(old)
    assert os.path.exists(young)
    assert os.path.exists(f"{work}/tmp/photos")
    assert sorted(os.listdir(f"{work}/records/env")) == sorted([os.path.basename(fresh), "py312.json"])


def test_a_linked_folder_of_temporary_directories_is_refused(work: str, victim: Path) -> None:
    claim(work)
    os.symlink(victim, f"{work}/tmp")
    with pytest.raises(KernError, match="symbolic link"), store.temporary_directory(work):
        pass
    os.mkdir(victim / f"kern-{store.new_token()}")
    os.utime(next(iter(victim.glob("kern-*"))), (0, 0))
    store.tidy(work)
    assert len(os.listdir(victim)) == 2
