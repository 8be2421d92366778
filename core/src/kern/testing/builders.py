"""What kern relies on in every builder."""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import Artifact, KernError
from kern.testing.asking import answer_elsewhere, plain
from kern.testing.contract import Contract
from kern.testing.killing import MOMENTS, kill_half_way
from kern.testing.quiet import only_looking
from kern.testing.surroundings import watched
from kern.testing.trees import changes_between, tree_of

if TYPE_CHECKING:
    from kern.api import EnvSpec, PackageSpec
    from kern.testing.cases import BuilderCase
    from kern.testing.workbench import Workbench


class BuilderContract(Contract):
    """Give it a fixture ``case`` that returns a `BuilderCase`."""

    protocol = "Builder"

    @pytest.fixture(autouse=True)
    def _prepared(self, case: BuilderCase, workbench: Workbench) -> None:
        workbench.environ.update(case.environ)
        workbench.write(case.files)

    @pytest.fixture
    def built(self, case: BuilderCase, workbench: Workbench) -> Artifact:
        """The artifact of the case, built once for the class."""
        if "built" not in workbench.kept:
            begun = time.monotonic()
            source(case, workbench)
            with watched() as workbench.kept["changed"]:
                workbench.kept["built"] = build(case, workbench)
            workbench.kept["seconds"] = time.monotonic() - begun
        artifact: Artifact = workbench.kept["built"]
        return artifact

    def test_probe_finds_it_available(self, case: BuilderCase, workbench: Workbench) -> None:
        """What the case describes can be built here."""
        assert case.driver.probe(*_both(case, workbench), workbench.context()) is None

    def test_probe_only_looks(self, case: BuilderCase, workbench: Workbench) -> None:
        """No process, no network, no write."""
        with only_looking(workbench) as context:
            case.driver.probe(*_both(case, workbench), context)

    def test_probe_never_raises(self, case: BuilderCase, workbench: Workbench) -> None:
        """Not for an empty tree, none at all or a damaged one, and not on a machine without any tool."""
        empty = os.path.join(workbench.root, "empty")
        os.makedirs(empty, exist_ok=True)
        package, spec = _both(case, workbench)
        for root in (empty, os.path.join(workbench.root, "absent")):
            case.driver.probe(package._replace(root=root), spec, workbench.context())
        with workbench.without_tools():
            case.driver.probe(package, spec, workbench.context())
        for _ in workbench.damaged(case.files):
            case.driver.probe(package, spec, workbench.context())

    def test_what_it_is_built_from_is_text(self, case: BuilderCase, workbench: Workbench) -> None:
        """``source`` names a package definition or nothing, the same each time; ``watches`` are patterns."""
        options = _both(case, workbench)[0].options
        assert isinstance(case.driver.source(options), str)
        assert case.driver.source(options) == type(case.driver)().source(options)
        assert all(map(str.strip, case.driver.watches))

    def test_variant_is_stable_text(self, case: BuilderCase, workbench: Workbench) -> None:
        """Equal environments share one build."""
        first = case.driver.variant(*_both(case, workbench), workbench.context())
        assert isinstance(first, str)
        assert type(case.driver)().variant(*_both(case, workbench), workbench.context()) == first

    def test_fingerprint_only_looks(self, case: BuilderCase, workbench: Workbench) -> None:
        """It is asked in every run."""
        with only_looking(workbench) as context:
            found = case.driver.fingerprint(*_both(case, workbench), context)
        assert json.loads(json.dumps(plain(found))) == plain(found)

    def test_fingerprint_is_stable(self, case: BuilderCase, workbench: Workbench) -> None:
        """Nothing has changed, so it is the same, in this process and in the next."""
        first, again = (
            plain(driver.fingerprint(*_both(case, workbench), workbench.context()))
            for driver in (case.driver, type(case.driver)())
        )
        assert first == again
        asked = {"driver": case.driver, "provider": case.provider, "factors": case.factors}
        tables = {"table": dict(case.environment), "package": dict(case.options)}
        assert answer_elsewhere(workbench, "fingerprint", **asked, **tables) == first

    def test_fingerprint_sees_every_change(self, case: BuilderCase, workbench: Workbench) -> None:
        """Other options are another fingerprint."""
        from kern.options import fields_of

        assert case.changes or not fields_of(case.driver.Options), "the case names no changes of the options"
        before = plain(case.driver.fingerprint(*_both(case, workbench), workbench.context()))
        for change in case.changes:
            after = plain(case.driver.fingerprint(*_both(case, workbench, change), workbench.context()))
            assert after != before, f"{change} is not seen"

    def test_it_builds_what_it_says(self, case: BuilderCase, built: Artifact) -> None:
        """An artifact of its kind, with a name, a version and a digest."""
        assert built.kind == case.driver.produces
        assert built.name
        assert built.version
        assert built.digest
        assert os.path.exists(built.path)

    def test_the_process_is_left_as_it_is(self, built: Artifact, workbench: Workbench) -> None:
        """Building changes neither kern's variables nor its directory, its umask, its signals: others run beside it."""
        assert workbench.kept["changed"] == [], built.path

    def test_it_builds_into_the_output_directory(self, case: BuilderCase, workbench: Workbench) -> None:
        """The artifact lies where the kernel publishes it from."""
        context = workbench.context()
        artifact = case.driver.build(*_both(case, workbench), source(case, workbench), context)
        assert os.path.dirname(os.path.relpath(artifact.path, context.output_dir)) != os.pardir
        assert artifact.path.startswith(context.output_dir + os.sep)

    def test_equal_sources_give_equal_digests(self, case: BuilderCase, built: Artifact, workbench: Workbench) -> None:
        """Built once more, nothing has to be installed again."""
        assert build(case, workbench).digest == built.digest

    def test_the_tree_is_left_as_it_was(self, case: BuilderCase, workbench: Workbench) -> None:
        """Whatever is left in it is what the case admits to."""
        before = tree_of(workbench.project_dir)
        build(case, workbench)
        found = changes_between(before, tree_of(workbench.project_dir))
        assert [line for line in found if not _is_left(line, case.leaves)] == []

    def test_it_reads_what_it_built(self, case: BuilderCase, built: Artifact, workbench: Workbench) -> None:
        """``--package`` finds the same artifact in the file."""
        read = case.driver.read(built.path, workbench.context())
        assert read is not None
        assert (read.kind, read.name, read.version, read.digest) == built[:1] + built[2:5]

    def test_it_reads_no_other_files(self, case: BuilderCase, workbench: Workbench) -> None:
        """What is not of its kind is not its concern."""
        stranger = os.path.join(workbench.root, "stranger.txt")
        with open(stranger, "w", encoding="utf-8") as file:
            file.write("no package")
        assert case.driver.read(stranger, workbench.context()) is None

    def test_a_damaged_artifact_is_an_error_in_words(
        self, built: Artifact, case: BuilderCase, workbench: Workbench
    ) -> None:
        """A file that breaks off is not read as if it were whole, and is no traceback."""
        if not os.path.isfile(built.path):
            pytest.skip("it builds directories")
        with open(built.path, "rb") as file:
            whole = file.read()
        broken = os.path.join(workbench.root, "broken", os.path.basename(built.path))
        os.makedirs(os.path.dirname(broken), exist_ok=True)
        for part in (b"", whole[: len(whole) // 2], whole[: len(whole) * 9 // 10]):
            with open(broken, "wb") as file:
                file.write(part)
            with suppress(KernError):
                read = case.driver.read(broken, workbench.context())
                assert read is None or read.digest != built.digest

    def test_a_damaged_tree_is_an_error_in_words(self, case: BuilderCase, workbench: Workbench) -> None:
        """Whatever lies in the tree: what can't be built is a `StepFailed`."""
        package, spec = _both(case, workbench)
        given = source(case, workbench)
        for what in workbench.damaged(case.files):
            for ask in (case.driver.variant, case.driver.fingerprint):
                with suppress(KernError):
                    ask(package, spec, workbench.context())
            if what.endswith(("rubbish", "gone")):  # the others would only take longer
                with suppress(KernError):
                    case.driver.build(package, spec, given, workbench.context())

    def test_two_are_built_at_once(self, case: BuilderCase, built: Artifact, workbench: Workbench) -> None:
        """Two rows may need two builds of one tree; each gets what it would have got alone."""
        from concurrent.futures import ThreadPoolExecutor

        workbench.supervisor()
        source(case, workbench)
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda _: build(case, workbench), range(2)))
        assert [artifact.digest for artifact in both] == [built.digest] * 2

    def test_what_it_built_fits(self, case: BuilderCase, built: Artifact, workbench: Workbench) -> None:
        """The environment that it was built for takes it."""
        rank = case.driver.fit(built, _both(case, workbench)[1], workbench.context())
        assert isinstance(rank, int)
        assert rank >= 0

    def test_it_recovers_from_a_kill(self, case: BuilderCase, built: Artifact, workbench: Workbench) -> None:
        """Killed at any moment, it builds the same the next time."""
        for part in MOMENTS:
            with workbench.cold_cache(f"{part}"):
                kill_half_way(workbench, lambda: build(case, workbench), workbench.kept["seconds"] * part)
                assert build(case, workbench).digest == built.digest


def build(case: BuilderCase, bench: Workbench) -> Artifact:
    """Build, and keep what was built, as the kernel does."""
    context = bench.context()
    artifact = case.driver.build(*_both(case, bench), source(case, bench), context)
    kept = os.path.join(os.path.dirname(context.output_dir), "published")
    shutil.copytree(context.output_dir, kept, symlinks=True)
    return artifact._replace(path=os.path.join(kept, os.path.relpath(artifact.path, context.output_dir)))


def source(case: BuilderCase, bench: Workbench) -> Artifact | None:
    """The artifact that it is built from, made once for the class."""
    if case.source is None:
        return None
    if "source" not in bench.kept:
        bench.kept["source"] = case.source(bench)
    found: Artifact = bench.kept["source"]
    return found


def _both(case: BuilderCase, bench: Workbench, more: Any = None) -> tuple[PackageSpec, EnvSpec]:
    package = bench.package(case.driver, {**case.options, **(more or {})})
    return package, bench.spec(case.provider, case.factors, case.environment)


def _is_left(line: str, leaves: tuple[str, ...]) -> bool:
    path = line.partition(": ")[2]
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in leaves)
