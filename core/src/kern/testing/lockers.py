"""What kern relies on in every locker."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import KernError, PackageSpec
from kern.testing.asking import answer_elsewhere, plain
from kern.testing.contract import Contract
from kern.testing.killing import MOMENTS, kill_half_way
from kern.testing.quiet import only_looking
from kern.testing.surroundings import watched
from kern.testing.trees import changes_between, tree_of
from kern.testing.workbench import RUBBISH

if TYPE_CHECKING:
    from kern.api import Artifact, EnvSpec
    from kern.testing.cases import LockerCase
    from kern.testing.workbench import Workbench


OTHER = "a.b-other"
"""Name of another environment."""


class LockerContract(Contract):
    """Give it a fixture ``case`` that returns a `LockerCase`."""

    protocol = "Locker"

    @pytest.fixture(autouse=True)
    def _prepared(self, case: LockerCase, workbench: Workbench) -> None:
        workbench.environ.update(case.environ)
        workbench.write(case.files)

    @pytest.fixture
    def locked(self, case: LockerCase, workbench: Workbench) -> str:
        """Path of the lock of the case's environment, made once for the class."""
        if "locked" not in workbench.kept:
            begun = time.monotonic()
            _artifact(case, workbench)
            with watched() as workbench.kept["changed"]:
                workbench.kept["locked"] = lock(case, workbench)
            workbench.kept["seconds"] = time.monotonic() - begun
        found: str = workbench.kept["locked"]
        return found

    def test_its_path_lies_in_the_project(self, case: LockerCase, workbench: Workbench) -> None:
        """A relative path that leads nowhere else, the same each time."""
        with only_looking(workbench):
            paths = {
                driver.path(_spec(case, workbench), packaged=True) for driver in (case.driver, type(case.driver)())
            }
            other = case.driver.path(_spec(case, workbench)._replace(name=OTHER), packaged=True)
        assert len(paths) == 1
        for path in (*paths, other):
            assert path
            assert not os.path.isabs(path)
            assert os.pardir not in path.split(os.sep)

    def test_who_shares_a_lock_has_the_same_inputs(self, case: LockerCase, workbench: Workbench) -> None:
        """Another environment has another file, unless they agree on all of it, as with one lock for a whole project.

        If they did not, each would make the other's lock stale.
        """
        path, wanted = _path(case, workbench), inputs(case, workbench)
        for change in ({}, *case.changes):
            other = _spec(case, workbench, change)._replace(name=OTHER)
            if case.driver.path(other, packaged=True) == path:
                found = plain(case.driver.inputs(other, workbench.context()))
                assert found == wanted, f"{change} gives one file other inputs"

    def test_inputs_only_look(self, case: LockerCase, workbench: Workbench) -> None:
        """No process, no network, no write: ``kern run --locked`` asks each time."""
        with only_looking(workbench) as context:
            found = case.driver.inputs(_spec(case, workbench), context)
        assert all(isinstance(name, str) for name in found)
        assert plain(json.loads(json.dumps(plain(found)))) == plain(found)

    def test_inputs_are_stable(self, case: LockerCase, workbench: Workbench) -> None:
        """Nothing has changed, so they are the same, in this process and in the next."""
        first = inputs(case, workbench)
        assert plain(type(case.driver)().inputs(_spec(case, workbench), workbench.context())) == first
        table = {"driver": case.driver, "provider": case.provider, "factors": case.factors, "table": dict(case.options)}
        assert answer_elsewhere(workbench, "inputs", **table) == first

    def test_other_options_are_other_inputs(self, case: LockerCase, workbench: Workbench) -> None:
        """Every change of the case, of an option or of a file, would make a lock stale."""
        assert case.changes or case.file_changes, "the case names no changes of the options, and none of files"
        before = inputs(case, workbench)
        for change in case.changes:
            assert inputs(case, workbench, change) != before, f"{change} is not seen"
        for name, text in case.file_changes.items():
            workbench.write({name: text})
            after = inputs(case, workbench)
            workbench.write({name: case.files[name]})
            assert after != before, f"a change of {name} is not seen"

    def test_a_damaged_file_is_an_error_in_words(self, case: LockerCase, workbench: Workbench) -> None:
        """A file of the project that is gone, or no text, is a `ConfigError`, or other inputs."""
        for _ in workbench.damaged(case.files):
            with suppress(KernError):
                inputs(case, workbench)
            with suppress(KernError):
                case.driver.requires(_package(workbench), None, workbench.context())

    def test_a_lock_says_what_it_was_made_for(self, case: LockerCase, locked: str, workbench: Workbench) -> None:
        """The inputs are found again as they were; finding them takes no process and no network."""
        with only_looking(workbench):
            recorded = case.driver.read(locked)
        assert recorded is not None
        assert plain(recorded) == inputs(case, workbench)

    def test_the_process_is_left_as_it_is(self, locked: str, workbench: Workbench) -> None:
        """Locking changes neither kern's variables nor its directory, its umask, its signals: others run beside it."""
        assert workbench.kept["changed"] == [], locked

    def test_nothing_else_is_written(self, case: LockerCase, locked: str, workbench: Workbench) -> None:
        """Locking writes one file into the project; drafts are gone."""
        assert os.path.isfile(locked)
        before = tree_of(workbench.project_dir)
        path = lock(case, workbench, name="another")
        found = changes_between(before, tree_of(workbench.project_dir))
        shown = os.path.relpath(path, workbench.project_dir)
        assert found in ([[], [f"changed: {shown}"]] if path == locked else [[f"made: {shown}"]])

    def test_locked_again_it_is_the_same(self, case: LockerCase, locked: str, workbench: Workbench) -> None:
        """Nothing has changed, so the file has not a byte that is different."""
        before = _bytes(locked)
        lock(case, workbench)
        assert _bytes(locked) == before

    def test_two_are_locked_at_once(self, case: LockerCase, locked: str, workbench: Workbench) -> None:
        """Two environments of one project can be locked in two threads, if they have a file each."""
        from concurrent.futures import ThreadPoolExecutor

        if case.driver.path(_spec(case, workbench)._replace(name=OTHER), packaged=True) == _path(case, workbench):
            pytest.skip("they share a lock file, which kern writes once")

        workbench.supervisor()
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda name: lock(case, workbench, name=name), ("one", "other")))
        found = [case.driver.read(path) for path in both]
        assert [plain(each) for each in found] == [inputs(case, workbench)] * 2, locked

    def test_a_kill_leaves_the_lock_that_was_there(self, case: LockerCase, locked: str, workbench: Workbench) -> None:
        """A lock file is replaced in one step, or left as it is; the next time all goes well."""
        before = _bytes(locked)
        for part in MOMENTS:
            kill_half_way(workbench, lambda: lock(case, workbench), workbench.kept["seconds"] * part)
            assert _bytes(locked) == before
        lock(case, workbench)
        assert _bytes(locked) == before

    def test_rubbish_is_no_lock(self, case: LockerCase, locked: str, workbench: Workbench) -> None:
        """A file that is none says nothing, one that breaks off says nothing wrong, and neither is a traceback."""
        path = os.path.join(workbench.root, os.path.basename(locked))
        whole = _bytes(locked)
        assert case.driver.read(path) is None
        assert case.driver.read(workbench.root) is None
        for text in (b"", b"\0 no lock [", RUBBISH, b"[tool.kern]\ninputs = 3\n", b"[1, 2]"):
            _write(path, text)
            assert case.driver.read(path) is None, text
        for part in (1, 5, 9):
            _write(path, whole[: len(whole) * part // 10])
            found = case.driver.read(path)
            assert found is None or plain(found) == inputs(case, workbench)
        os.unlink(path)

    def test_what_a_package_requires_is_text(self, case: LockerCase, workbench: Workbench) -> None:
        """By its tree and by its artifact: the same each time, and the same of both where the tree tells."""
        package, artifact = _package(workbench), _artifact(case, workbench)
        with only_looking(workbench) as context:
            stated = case.driver.requires(package, None, context)
            built = case.driver.requires(package, artifact, context) if artifact is not None else None
            again = case.driver.requires(package, None, context)
        for found in (stated, built):
            assert found is None or (not isinstance(found, str) and all(isinstance(line, str) for line in found))
        assert plain(again) == plain(stated)
        if artifact is not None:
            assert built is not None, "an artifact says what it requires"
            assert stated is None or plain(stated) == plain(built)


def _path(case: LockerCase, bench: Workbench) -> str:
    return case.driver.path(_spec(case, bench), packaged=True)


def lock(case: LockerCase, bench: Workbench, name: str = "") -> str:
    """Lock the case's environment, perhaps under another name, and give the absolute path of the file."""
    spec = _spec(case, bench)
    spec = spec._replace(name=name) if name else spec
    path = os.path.join(bench.project_dir, case.driver.path(spec, packaged=True))
    found = case.driver.inputs(spec, bench.context())
    case.driver.lock(spec, path, found, _artifact(case, bench), (), bench.context())
    return path


def inputs(case: LockerCase, bench: Workbench, more: Any = None) -> Any:
    """The inputs of the case's environment, with other options laid over."""
    return plain(case.driver.inputs(_spec(case, bench, more), bench.context()))


def _artifact(case: LockerCase, bench: Workbench) -> Artifact | None:
    if case.artifact is None:
        return None
    if "artifact" not in bench.kept:
        bench.kept["artifact"] = case.artifact(bench)
    found: Artifact = bench.kept["artifact"]
    return found


def _package(bench: Workbench) -> PackageSpec:
    return PackageSpec(name="contract", builder="contract", root=bench.project_dir, options=None)


def _spec(case: LockerCase, bench: Workbench, more: Any = None) -> EnvSpec:
    return bench.spec(case.provider, case.factors, {**case.options, **(more or {})})


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
