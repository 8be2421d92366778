"""Which packages have to be built, why, and which rows share a build."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import Artifact, EnvSpec, PackageSpec, Unavailable
from kern.errors import ConfigError, PluginError
from kern.plan.builds import Builds, artifact_from, artifact_record, record_name, why_build
from kern.plan.values import BUILD, REUSE, Build
from kern.sources import Snapshot
from kern.state import BUILDS

if TYPE_CHECKING:
    from pathlib import Path

    from core.tests.conftest import FakeRegistry, Open
    from kern.session import Session

WHEEL = Artifact("wheel", "/a/k/x.whl", "x", "1", "digest", ("y>=1",), {"tag": "py3"})


def spec_of(name: str) -> EnvSpec:
    return EnvSpec(name, tuple(name.split("-")), None, f"/envs/{name}", "/p")


def added(builds: Builds, package: str, name: str) -> Build:
    found = builds.add(package, spec_of(name))
    assert isinstance(found, Build)
    return found


def test_a_first_build(open_session: Open, drivers: FakeRegistry, tmp_path: Path) -> None:
    drivers.wheel.variants["a"] = "cp312"
    drivers.wheel.inputs["version"] = ("1", "2")
    session = open_session("[package.wheel]\nflags = ['-v']\n")
    (tmp_path / "project" / "x.py").write_text("1")
    build = added(Builds(session), "wheel", "a")
    assert build.snapshot is not None
    assert build == Build(
        key="build:wheel:cp312",
        package=build.package,
        spec=spec_of("a"),
        variant="cp312",
        fingerprint={"flags": ["-v"], "version": ["1", "2"]},
        snapshot=build.snapshot,
        action=BUILD,
        reason="not built yet",
        artifact=None,
        source="",
        first="",
        pools=("building",),
    )
    assert build.package == PackageSpec("wheel", "wheel", str(tmp_path / "project"), build.package.options)
    assert build.package.options.flags == ("-v",)
    assert session.stamps == {"build:wheel:cp312": ""}


def test_equal_variants_share_a_build(open_session: Open, drivers: FakeRegistry) -> None:
    drivers.wheel.variants = {"a": "cp311", "b": "cp311", "c": "cp312"}
    builds = Builds(open_session(""))
    one, two, three = (added(builds, "wheel", name) for name in "abc")
    assert one is two
    assert list(builds.found) == ["build:wheel:cp311", "build:wheel:cp312"]
    assert (one.first, three.first) == ("", "build:wheel:cp311")
    assert added(builds, "sdist", "a").key == "build:sdist"
    assert added(builds, "sdist", "a").first == ""


def test_what_can_not_be_built(open_session: Open, drivers: FakeRegistry) -> None:
    drivers.wheel.absent["a"] = why = Unavailable("no compiler")
    builds = Builds(open_session(""))
    assert builds.add("wheel", spec_of("a")) is why
    assert builds.found == {}
    assert added(builds, "wheel", "b").action == BUILD


def test_one_package_from_another(open_session: Open, drivers: FakeRegistry) -> None:
    builds = Builds(open_session("[package.wheel]\nfrom = 'sdist'\n[package.sdist]\n"))
    wheel = added(builds, "wheel", "a")
    assert list(builds.found) == ["build:sdist", "build:wheel"]
    assert (wheel.source, wheel.snapshot, wheel.package.source) == ("build:sdist", None, "sdist")
    drivers.sdist.absent["b"] = why = Unavailable("no")
    drivers.wheel.variants["b"] = "other"
    assert builds.add("wheel", spec_of("b")) is why


@pytest.mark.parametrize(
    ("text", "circle", "where"),
    [
        ("[package.wheel]\nfrom = 'wheel'", "wheel -> wheel", "kern.toml:2 package.wheel.from"),
        (
            "[package.wheel]\nfrom = 'sdist'\n[package.sdist]\nfrom = 'wheel'",
            "wheel -> sdist -> wheel",
            "kern.toml:2 package.wheel.from",
        ),
    ],
)
def test_a_circle(open_session: Open, text: str, circle: str, where: str) -> None:
    with pytest.raises(ConfigError, match=f"packages are built from each other: {circle}") as caught:
        Builds(open_session(text)).add("wheel", spec_of("a"))
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("text", "message", "where", "hint"),
    [
        ("[package.wheel]\nflag = 1", "unknown key 'flag'", "kern.toml:2 package.wheel.flag", "did you mean flags?"),
        ("[package.wheel]\nflags = 1", "flags must be a list of strings", "kern.toml:2 package.wheel.flags", ""),
        (
            "[package.wheel]\nfrom = 'nosuch'",
            "there is no package definition 'nosuch'",
            "kern.toml:1 package",
            "install",
        ),
    ],
)
def test_mistakes(open_session: Open, text: str, message: str, where: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Builds(open_session(text)).add("wheel", spec_of("a"))
    assert caught.value.message.startswith(message)
    assert caught.value.where == where
    assert caught.value.hint.startswith(hint)


def test_a_builder_that_nobody_offers(open_session: Open) -> None:
    with pytest.raises(PluginError, match="nothing offers deb"):
        Builds(open_session("[package.x]\nbuilder = 'deb'")).add("x", spec_of("a"))


def test_the_source_tree_and_its_patterns(open_session: Open, tmp_path: Path, drivers: FakeRegistry) -> None:
    session = open_session("[package.wheel]\nroot = 'sub/../lib'\nsources = ['*.c']\n[package.sdist]\n")
    asked: list[tuple[str, tuple[str, ...]]] = []

    def snapshot(root: str, patterns: tuple[str, ...]) -> Snapshot:
        asked.append((root, patterns))
        return Snapshot("d", {}, (), unchanged=False)

    session.snapshot = snapshot  # type: ignore[method-assign]
    builds = Builds(session)
    for package in ("wheel", "sdist", "conda"):
        added(builds, package, "a")
    root = str(tmp_path / "project")
    assert asked == [(f"{root}/lib", ("*.c",)), (root, ("*.py",)), (root, ("*.py",))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[package.wheel]\nfrom = 'sdist'\n", {"wheel": (".", ()), "sdist": (".", ())}),
        ("[package.wheel]\nfrom = 'sdist'\nroot = 'a'\n", {"wheel": ("a", ()), "wheel-sdist": ("a", ())}),
        (
            "[package.wheel]\nfrom = 'sdist'\nsources = ['x']\n[package.sdist]\nroot = 'b'\n",
            {"wheel": ("b", ("x",)), "sdist": ("b", ())},
        ),
        ("[package.wheel]\nfrom = 'sdist'\nroot = 'a'\n[package.sdist]\nroot = 'b'\n",
         {"wheel": ("a", ()), "sdist": ("b", ())}),
        ("[package.conda]\n", {"conda": (".", ()), "wheel": (".", ())}),
        ("[package.conda]\nroot = 'a'\n", {"conda": ("a", ()), "conda-wheel": ("a", ())}),
        ("[package.conda]\nsources = ['x']\n", {"conda": (".", ("x",)), "conda-wheel": (".", ("x",))}),
        ("[package.conda]\nroot = 'a'\n[package.wheel]\nroot = './a'\n", {"conda": ("a", ()), "wheel": ("a", ())}),
        (
            "[package.conda]\nroot = 'a'\n[package.wheel]\nfrom = 'sdist'\n",
            {"conda": ("a", ()), "conda-wheel": ("a", ())},
        ),
        (
            "[package.conda]\nsources = ['x']\n[package.wheel]\nfrom = 'sdist'\n[package.sdist]\n",
            {"conda": (".", ("x",)), "conda-wheel": (".", ("x",)), "sdist": (".", ())},
        ),
    ],
)  # fmt: skip
def test_what_a_package_is_built_from_is_of_the_same_tree(
    open_session: Open, drivers: FakeRegistry, tmp_path: Path, text: str, found: dict[str, tuple[str, tuple[str, ...]]]
) -> None:
    drivers.condarc.implied = "wheel"
    project = str(tmp_path / "project")
    for name in ("a", "b"):
        os.makedirs(os.path.join(project, name))
    builds = Builds(open_session(text))
    added(builds, "conda" if "conda" in text else "wheel", "a")
    made = {build.package.name: build.package for build in builds.found.values()}
    assert {name: os.path.relpath(one.root, project) for name, one in made.items()} == {
        name: root for name, (root, _) in found.items()
    }
    assert {name: builds._table(name).values.get("sources", ()) for name in made} == {
        name: sources for name, (_, sources) in found.items()
    }
    assert {name: one.builder for name, one in made.items()} == {name: name.rpartition("-")[2] for name in found}


def ready(session: Session, build: Build, **more: Any) -> None:
    """Write the record of a finished build."""
    artifact = WHEEL._replace(path=session.project.directory)
    record = {
        "state": "ready",
        "fingerprint": build.fingerprint,
        "sources": build.snapshot.digest if build.snapshot else "",
        "artifact": artifact_record(artifact),
        **more,
    }
    session.state.write(BUILDS, record_name(build.key), record)


def test_a_build_is_used_again_until_something_changes(
    open_session: Open, drivers: FakeRegistry, tmp_path: Path
) -> None:
    session = open_session("")
    source = tmp_path / "project" / "x.py"
    source.write_text("1")
    ready(session, added(Builds(session), "wheel", "a"))
    again = added(Builds(session), "wheel", "a")
    assert (again.action, again.reason) == (REUSE, "")
    assert again.artifact == WHEEL._replace(path=str(tmp_path / "project"))
    assert session.stamps["build:wheel"]

    drivers.wheel.inputs["backend"] = "2"
    assert added(Builds(session), "wheel", "a").reason == "backend changed"
    drivers.wheel.inputs.clear()

    source.write_text("another text")
    changed = added(Builds(open_session("")), "wheel", "a")
    assert (changed.action, changed.artifact) == (BUILD, None)
    assert changed.reason in ("changed: x.py", "its sources have changed")


def test_recreate(open_session: Open) -> None:
    session = open_session("")
    ready(session, added(Builds(session), "wheel", "a"))
    build = added(Builds(open_session("", recreate=True)), "wheel", "a")
    assert (build.action, build.reason, build.artifact) == (BUILD, "--recreate", None)


def test_a_package_is_built_anew_with_what_it_is_built_from(open_session: Open, drivers: FakeRegistry) -> None:
    text = "[package.wheel]\nfrom = 'sdist'\n[package.sdist]\n"
    session = open_session(text)
    builds = Builds(session)
    added(builds, "wheel", "a")
    sdist, wheel = builds.found.values()
    ready(session, sdist)
    ready(session, wheel, sources="digest")
    assert [build.reason for build in _both(session)] == ["", ""]
    ready(session, wheel, sources="older")
    assert [build.reason for build in _both(session)] == ["", "its sources have changed"]
    drivers.sdist.inputs["x"] = "1"
    ready(session, wheel, sources="digest")
    assert [build.reason for build in _both(session)] == ["x changed", "sdist is built anew"]


def _both(session: Session) -> list[Build]:
    builds = Builds(session)
    added(builds, "wheel", "a")
    return list(builds.found.values())


RECORDED = artifact_record(WHEEL) | {"path": os.sep}
SNAPSHOT = Snapshot("now", {}, ("a", "b", "c", "d"), unchanged=False)


@pytest.mark.parametrize(
    ("record", "snapshot", "reason"),
    [
        (None, SNAPSHOT, "not built yet"),
        ({}, SNAPSHOT, "building it failed or was interrupted"),
        ({"state": "making"}, SNAPSHOT, "building it failed or was interrupted"),
        ({"state": "ready", "fingerprint": {"x": 2}}, SNAPSHOT, "x changed"),
        ({"state": "ready", "fingerprint": {"x": 1}, "sources": "old"}, SNAPSHOT, "changed: a, b, c, ..."),
        (
            {"state": "ready", "fingerprint": {"x": 1}, "sources": "old"},
            SNAPSHOT._replace(changed=("a", "b", "c")),
            "changed: a, b, c",
        ),
        (
            {"state": "ready", "fingerprint": {"x": 1}, "sources": "old"},
            SNAPSHOT._replace(changed=()),
            "its sources have changed",
        ),
        (
            {
                "state": "ready",
                "fingerprint": {"x": 1},
                "sources": "now",
                "artifact": RECORDED | {"path": "/nowhere/x"},
            },
            SNAPSHOT,
            "the artifact is gone",
        ),
        ({"state": "ready", "fingerprint": {"x": 1}, "sources": "now", "artifact": RECORDED}, SNAPSHOT, ""),
        (
            {"state": "ready", "fingerprint": {"x": 1}, "sources": "now", "artifact": {"path": os.sep}},
            SNAPSHOT,
            "its record can't be read",
        ),
    ],
)
def test_why_something_is_built(record: dict[str, Any] | None, snapshot: Snapshot, reason: str) -> None:
    assert why_build(record, {"x": 1}, snapshot, None) == reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.fixed_dictionaries(
        {"state": st.just("ready")},
        optional={
            "fingerprint": st.just({"x": 1}) | JSON,
            "sources": st.just("now") | JSON,
            "artifact": st.just(RECORDED) | JSON,
        },
    )
)
def test_no_record_is_trusted(record: dict[str, Any]) -> None:
    reason = why_build(record, {"x": 1}, SNAPSHOT, None)
    if not reason:
        assert record["artifact"]["path"] == os.sep


def test_artifacts_come_back_from_records() -> None:
    assert artifact_from(artifact_record(WHEEL)) == WHEEL
    bare = Artifact("sdist", "/x", "x", "1", "d")
    assert artifact_from(artifact_record(bare)) == bare


def test_names_of_records() -> None:
    assert record_name("build:wheel:cp312") == "wheel@cp312"
    assert record_name("build:sdist") == "sdist"
