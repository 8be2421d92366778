"""The work directory as steps use it, and taking out of it what kern has made and nothing else."""

from __future__ import annotations

import contextlib
import os
import resource
from typing import TYPE_CHECKING, Any

import pytest

from kern import cleaning, store
from kern.cleaning import Item
from kern.errors import KernError, LockTimeout, StepFailed
from kern.state import ARTIFACTS, BUILDS, ENVIRONMENTS, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.tests.conftest import FakeRegistry, Open
    from kern.session import Session


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def state(tmp_path: Path, warnings: list[str]) -> State:
    return State(str(tmp_path / ".kern"), warnings.append)


def test_looking_makes_nothing(state: State) -> None:
    assert state.read(ENVIRONMENTS, "a") is None
    assert state.stamp(ENVIRONMENTS, "a") == ""
    assert state.environment_path("a") == os.path.join(state.work, "envs", "a")
    assert not state.belongs_here(state.environment_path("a"), "x")
    assert not os.path.exists(state.work)


def test_a_stamp_tells_one_writing_from_the_next(state: State) -> None:
    stamps = []
    for value in ({"x": 1}, {"x": 1}, {"x": 2}):
        state.write(ENVIRONMENTS, "a/b", value)
        assert state.read(ENVIRONMENTS, "a/b") == value
        stamps.append(state.stamp(ENVIRONMENTS, "a/b"))
    assert all(stamps)
    assert len(set(stamps)) == 3
    state.remove(ENVIRONMENTS, "a/b")
    assert (state.read(ENVIRONMENTS, "a/b"), state.stamp(ENVIRONMENTS, "a/b")) == (None, "")


def test_a_note_that_can_not_be_written_is_left_out(state: State) -> None:
    state.note("kind", "a", {"x": 1})
    assert state.read("kind", "a") == {"x": 1}
    os.symlink("/", os.path.join(state.work, "records", "other"))
    state.note("other", "a", {"x": 1})
    with pytest.raises(KernError):
        state.write("other", "a", {"x": 1})


def test_remaking(state: State) -> None:
    path = state.environment_path("a")
    token = state.remake(ENVIRONMENTS, "a", path)
    assert state.belongs_here(path, token)
    record = state.read(ENVIRONMENTS, "a") or {}
    assert record.get("state") != "ready"
    open(f"{path}/old", "w").close()
    again = state.remake(ENVIRONMENTS, "a", path)
    assert not os.path.exists(f"{path}/old")
    assert state.belongs_here(path, again)
    state.discard(ENVIRONMENTS, "a", path)
    assert not os.path.exists(path)
    assert state.read(ENVIRONMENTS, "a") is None


def test_what_is_not_kern_s_is_moved_aside(state: State, warnings: list[str]) -> None:
    state.remake(ENVIRONMENTS, "b", state.environment_path("b"))
    path = state.environment_path("a")
    os.makedirs(path)
    with open(f"{path}/thesis", "w") as file:
        file.write("years")
    token = state.remake(ENVIRONMENTS, "a", path)
    assert state.belongs_here(path, token)
    [aside] = set(os.listdir(os.path.dirname(path))) - {"a", "b"}
    with open(os.path.join(os.path.dirname(path), aside, "thesis")) as file:
        assert file.read() == "years"
    assert warnings == [f"{path} is not kern's: moved to {os.path.dirname(path)}/{aside}"]


def test_what_can_not_be_moved_aside(state: State, monkeypatch: pytest.MonkeyPatch, warnings: list[str]) -> None:
    state.remake(ENVIRONMENTS, "b", state.environment_path("b"))
    path = state.environment_path("a")
    os.makedirs(path)
    open(f"{path}/thesis", "w").close()

    def fail(*_: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(KernError):
        state.remake(ENVIRONMENTS, "a", path)
    assert os.path.exists(f"{path}/thesis")
    assert warnings == []


def test_a_full_disk_moves_nothing_aside(state: State, monkeypatch: pytest.MonkeyPatch, warnings: list[str]) -> None:
    def full(*_: object, **__: object) -> str:
        raise StepFailed("the disk is full")

    monkeypatch.setattr(store, "remake_directory", full)
    with pytest.raises(StepFailed, match="the disk is full"):
        state.remake(ENVIRONMENTS, "a", state.environment_path("a"))
    assert warnings == []


@pytest.mark.parametrize("free", range(8))
def test_too_many_open_files_move_nothing_aside(state: State, free: int, warnings: list[str]) -> None:
    path = state.environment_path("a")
    state.remake(ENVIRONMENTS, "a", path)
    open(f"{path}/made", "w").close()
    with files_left(free), contextlib.suppress(StepFailed):
        state.remake(ENVIRONMENTS, "a", path)
    assert os.listdir(os.path.dirname(path)) in (["a"], [])
    assert warnings == []
    token = state.remake(ENVIRONMENTS, "a", path)
    assert state.belongs_here(path, token)


@contextlib.contextmanager
def files_left(free: int) -> Iterator[None]:
    """So many files can be opened and no more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 10, limits[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(free):
            os.close(held.pop())
        yield
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_publishing(state: State, tmp_path: Path) -> None:
    output = tmp_path / "output"
    (output / "folder").mkdir(parents=True)
    (output / "x.whl").write_text("wheel")
    path, token = state.publish(str(output), "key")
    assert state.belongs_here(path, token)
    assert sorted(name for name in os.listdir(path) if name != store.MARKER) == ["folder", "x.whl"]
    assert os.listdir(output) == []
    (output / "y.whl").write_text("wheel")
    path, token = state.publish(str(output), "key")
    assert state.belongs_here(path, token)
    assert sorted(name for name in os.listdir(path) if name != store.MARKER) == ["y.whl"]


def publish(state: State, tmp_path: Path, key: str, age: int) -> None:
    output = tmp_path / f"output-{key}"
    output.mkdir()
    (output / "x.whl").write_text(key)
    path, token = state.publish(str(output), key)
    state.write(ARTIFACTS, key, {"artifact": {"path": f"{path}/x.whl"}, "token": token})
    os.utime(path, (1000 - age, 1000 - age))


def test_old_artifacts_go_unless_a_build_uses_them(state: State, tmp_path: Path) -> None:
    for age, key in enumerate("abcdef"):
        publish(state, tmp_path, key, age)
    used = os.path.join(state.work, "artifacts", "e", "x.whl")
    state.write(BUILDS, "wheel", {"state": "ready", "artifact": {"path": used}})
    state.write(BUILDS, "sdist", {"state": "making"})
    state.prune_artifacts(6)
    folder = os.path.join(state.work, "artifacts")
    assert sorted(os.listdir(folder)) == list("abcdef")
    state.prune_artifacts(3)
    assert sorted(os.listdir(folder)) == list("abce")
    assert [key for key in "abcdef" if state.read(ARTIFACTS, key)] == list("abce")
    state.prune_artifacts(0)
    assert os.listdir(folder) == ["e"]


def test_locks_and_temporary_directories(state: State) -> None:
    def hold(name: str, *, exclusive: bool) -> Any:
        return state.lock(name, exclusive=exclusive, timeout=0, on_wait=lambda _: None, stopped=lambda: False)

    with hold("a", exclusive=False), hold("a", exclusive=False), hold("b", exclusive=True):
        pass
    with state.temporary("x") as path:
        assert os.listdir(path) == [] or os.listdir(path) == [store.MARKER]
    assert not os.path.exists(path)


# Cleaning


@pytest.fixture
def session(open_session: Open) -> Session:
    """A project with two environments, an artifact and logs on disk."""
    made = open_session("env_list = ['a', 'b']\n[env]\npackages = ['sdist', 'wheel']")
    for name in ("a@sdist", "b@wheel"):
        path = made.state.environment_path(name)
        token = made.state.remake(ENVIRONMENTS, name, path)
        made.state.write(ENVIRONMENTS, name, {"state": "ready", "token": token, "provider": "venv"})
    token = made.state.remake(ARTIFACTS, "key", store.artifact_path(made.work_dir, "key"))
    made.state.write(ARTIFACTS, "key", {"token": token})
    store.new_run_directory(made.work_dir)
    return made


def items(found: list[Item]) -> list[tuple[str, str]]:
    return [(item.kind, item.name or os.path.basename(item.path)) for item in found]


def test_what_there_is_to_clean(session: Session) -> None:
    both = [(ENVIRONMENTS, "a@sdist"), (ENVIRONMENTS, "b@wheel")]
    assert items(cleaning.environments(session, ())) == both
    assert items(cleaning.environments(session, ("b",))) == both[1:]
    assert items(cleaning.artifacts(session)) == [(ARTIFACTS, "key")]
    assert items(cleaning.logs(session)) == [("", "logs")]
    assert items(cleaning.everything(session)) == [*both, (ARTIFACTS, "key"), ("", ".kern")]


def test_there_is_nothing_to_clean(open_session: Open) -> None:
    empty = open_session("")
    assert cleaning.everything(empty) == cleaning.logs(empty) == cleaning.artifacts(empty) == []


def test_cleaning_everything(session: Session, drivers: FakeRegistry) -> None:
    for item in cleaning.everything(session):
        cleaning.clean(session, item)
    assert not os.path.exists(session.work_dir)
    assert [os.path.basename(path) for path in drivers.venv.disposed] == ["a@sdist", "b@wheel"]


def test_cleaning_one(session: Session) -> None:
    [item] = cleaning.environments(session, ("a",))
    cleaning.clean(session, item)
    assert not os.path.exists(item.path)
    assert session.state.read(ENVIRONMENTS, "a@sdist") is None
    assert session.state.read(ENVIRONMENTS, "b@wheel") is not None
    [logs] = cleaning.logs(session)
    cleaning.clean(session, logs)
    assert not os.path.exists(logs.path)


def test_cleaning_waits_for_those_who_use_it(session: Session, open_session: Open) -> None:
    impatient = open_session("env_list = ['a', 'b']", lock_timeout=0.01)
    found = [*cleaning.environments(session, ("a",)), *cleaning.artifacts(session)]
    for item, lock in zip(found, ("env.a@sdist", "artifact.key"), strict=True):
        with session.lock(lock, exclusive=False), pytest.raises(LockTimeout):
            cleaning.clean(impatient, item)
        assert os.path.exists(item.path)
        cleaning.clean(impatient, item)
        assert not os.path.exists(item.path)


def test_what_kern_has_not_made_stays(session: Session) -> None:
    path = os.path.join(session.work_dir, "envs", "mine")
    os.mkdir(path)
    open(f"{path}/thesis", "w").close()
    with pytest.raises(KernError):
        cleaning.clean(session, Item(ENVIRONMENTS, "mine", path))
    assert os.path.exists(f"{path}/thesis")


def test_a_work_directory_with_something_else_in_it_stays(session: Session) -> None:
    thesis = os.path.join(session.work_dir, "thesis")
    open(thesis, "w").close()
    rest = cleaning.everything(session)[-1]
    assert rest.path == session.work_dir
    with pytest.raises(KernError, match="thesis"):
        cleaning.clean(session, rest)
    assert os.path.exists(thesis)


def test_links_are_not_followed(session: Session, tmp_path: Path) -> None:
    thesis = tmp_path / "elsewhere" / "thesis"
    thesis.parent.mkdir()
    thesis.touch()
    [logs] = cleaning.logs(session)
    cleaning.clean(session, logs)
    os.symlink(thesis.parent, logs.path)
    with pytest.raises(KernError):
        cleaning.clean(session, logs)
    assert thesis.exists()


def test_a_cache_directory_of_somebody_else_stays(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thesis = tmp_path / "stuff" / "thesis"
    thesis.parent.mkdir()
    thesis.touch()
    monkeypatch.setenv("KERN_CACHE_DIR", str(thesis.parent))
    for item in cleaning.cache():
        with pytest.raises(KernError):
            cleaning.clean(session, item)
    assert thesis.exists()


def test_kern_s_own_cache(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "own"
    monkeypatch.setenv("KERN_CACHE_DIR", str(cache))
    assert cleaning.cache() == []
    State(str(cache)).write("kind", "name", {"x": 1})
    (cache / "kern-fakes").mkdir()
    [item] = cleaning.cache()
    cleaning.clean(session, item)
    assert not cache.exists()


def test_what_can_not_be_removed(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    def fail(path: str) -> None:
        raise PermissionError(13, "Permission denied", f"{path}/x")

    monkeypatch.setattr(shutil, "rmtree", fail)
    with pytest.raises(KernError, match="can't be removed: Permission denied") as caught:
        cleaning.clean(session, cleaning.everything(session)[-1])
    assert caught.value.where == f"{session.work_dir}/x"
