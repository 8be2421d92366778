"""Locks of conda environments, written by the real conda-lock and installed by rattler."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kern.api import Artifact, EnvSpec, PackageSpec, StepFailed
from kern.testing import LockerCase, LockerContract
from kern.testing.workbench import Workbench
from kern_conda import lock_shim
from kern_conda.lock_files import comment_of_inputs, read_inputs
from kern_conda.locker import CondaLocker
from kern_conda.provider import CondaProvider
from plugins.conda.tests import conda_channel

locker, provider = CondaLocker(), CondaProvider()
Lock = Callable[..., dict[str, str]]


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cache that has conda-lock, which comes from the package index that this machine is configured for."""
    from kern_conda.lock_tool import conda_lock_python

    bench = Workbench(str(tmp_path_factory.mktemp("tools")))
    try:
        conda_lock_python(bench.context())
    except StepFailed as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"conda-lock can't be had here: {error.tail[-300:]}")
    finally:
        bench.close()
    return bench.cache_dir


@pytest.fixture
def bench(tmp_path: Path, tools: str) -> Iterator[Workbench]:
    made = Workbench(str(tmp_path))
    made.cache_dir = tools
    yield made
    made.close()


@pytest.fixture
def spec(bench: Workbench, channel: str) -> Callable[..., EnvSpec]:
    def make(*factors: str, **options: Any) -> EnvSpec:
        return bench.spec(provider, factors or ("py311",), {"channels": [channel], **options})

    return make


@pytest.fixture
def lock(bench: Workbench) -> Lock:
    def write(spec: EnvSpec, artifact: Artifact | None = None, upgrade: Any = ()) -> dict[str, str]:
        path = Path(bench.project_dir, locker.path(spec, packaged=True))
        locker.lock(spec, str(path), locker.inputs(spec, bench.context()), artifact, upgrade, bench.context())
        found = yaml.safe_load(path.read_text())
        assert all(len(package["hash"]["sha256"]) == 64 for package in found["package"])
        return {package["name"]: str(package["version"]) for package in found["package"]}

    return write


def run(bench: Workbench, spec: EnvSpec, *artifacts: Artifact) -> dict[str, str]:
    """Install from the lock."""
    locked = spec._replace(lock=os.path.join(bench.project_dir, locker.path(spec, packaged=True)))
    environment = bench.make(provider, locked, list(artifacts))
    return dict(provider.install(locked, environment, [], bench.context()))


class TestContract(LockerContract):
    @pytest.fixture
    def case(self, channel: str, tools: str, workbench: Workbench) -> LockerCase:
        workbench.cache_dir = tools
        return LockerCase(
            driver=locker,
            provider=provider,
            factors=("tools",),
            options={"channels": [channel], "conda_deps": ["tool-a"], "environment_file": "environment.yml"},
            changes=[
                {"channels": [f"{channel}/"[:-1], "file:///elsewhere"]},
                {"conda_deps": ["tool-a", "tool-b"]},
                {"lock_platforms": ["osx-64", "linux-64"]},
                {"deps": ["six"]},
                {"environment_file": ""},
            ],
            files={"environment.yml": "dependencies: [libbase]\n"},
            file_changes={"environment.yml": "dependencies: [hello-native]\n"},
        )


def test_what_is_locked_is_installed(bench: Workbench, spec: Callable[..., EnvSpec], lock: Lock) -> None:
    tools = spec("tools", conda_deps=["tool-a <2", "hello-native"])
    assert lock(tools) == {"tool-a": "1.0", "libbase": "1.0", "hello-native": "1.0"}
    assert run(bench, tools) == lock(tools)


def test_versions_are_kept_until_they_may_change(bench: Workbench, spec: Callable[..., EnvSpec], lock: Lock) -> None:
    assert lock(spec("tools", conda_deps=["tool-a <2"]))["tool-a"] == "1.0"
    loose = spec("tools", conda_deps=["tool-a", "small-1"])
    assert lock(loose) == {"tool-a": "1.0", "libbase": "1.0", "small-1": "1.0"}
    assert lock(loose, upgrade=("small-1",))["tool-a"] == "1.0"
    assert lock(loose, upgrade=("tool-a", "libbase"))["tool-a"] == "2.0"
    assert lock(loose, upgrade=None)["libbase"] == "2.0"


def test_every_platform_that_is_declared(
    bench: Workbench, spec: Callable[..., EnvSpec], tmp_path: Path, lock: Lock
) -> None:
    folder = tmp_path / "channel"
    own = Path(conda_channel.shared().removeprefix("file://"))
    for name in ("linux-64", "osx-arm64"):
        shutil.copytree(own / conda_channel.SUBDIR, folder / name)
        text = (folder / name / "repodata.json").read_text()
        (folder / name / "repodata.json").write_text(text.replace(f'"{conda_channel.SUBDIR}"', f'"{name}"'))
    (folder / "noarch").mkdir()
    (folder / "noarch" / "repodata.json").write_text('{"info": {"subdir": "noarch"}, "packages": {}}')
    tools = spec("tools", channels=[folder.as_uri()], conda_deps=["tool-a"], lock_platforms=["linux-64", "osx-arm64"])
    lock(tools)
    found = yaml.safe_load(Path(bench.project_dir, "tools.conda-lock.yml").read_text())
    assert {(each["name"], each["platform"]) for each in found["package"]} == {
        (name, platform) for name in ("tool-a", "libbase") for platform in ("linux-64", "osx-arm64")
    }
    assert found["metadata"]["platforms"] == ["linux-64", "osx-arm64"]


def test_no_solution_is_told_in_the_solver_s_words(bench: Workbench, spec: Callable[..., EnvSpec], lock: Lock) -> None:
    with pytest.raises(StepFailed, match="do not go together on") as caught:
        lock(spec("tools", conda_deps=["tool-a >=2", "tool-b"]))
    assert "libbase" in caught.value.tail
    assert os.listdir(bench.project_dir) == []


def test_a_hash_that_does_not_match_stops_the_installation(
    bench: Workbench, spec: Callable[..., EnvSpec], lock: Lock, channel: str, tmp_path: Path
) -> None:
    copied = tmp_path / "channel"
    for name in (conda_channel.SUBDIR, "noarch"):
        (copied / name).mkdir(parents=True)
        source = Path(channel.removeprefix("file://")) / name
        shutil.copy(source / "repodata.json", copied / name)
        for path in source.glob("tool-*"):
            shutil.copy(path, copied / name)
        for path in source.glob("libbase-*"):
            shutil.copy(path, copied / name)
    tools = spec("tools", channels=[copied.as_uri()], conda_deps=["tool-a"])
    lock(tools)
    path = Path(bench.project_dir, "tools.conda-lock.yml")
    good = path.read_text()
    digest = next(e["hash"]["sha256"] for e in yaml.safe_load(good)["package"] if e["name"] == "tool-a")
    path.write_text(good.replace(digest, "0" * 64))
    with pytest.raises(StepFailed, match="hash mismatch"):
        run(bench, tools)
    path.write_text(good)
    bench.environ["CONDA_PKGS_DIRS"] = str(tmp_path / "fresh")
    (package,) = (copied / conda_channel.SUBDIR).glob("tool-a-2*")
    shutil.copy(next((copied / conda_channel.SUBDIR).glob("tool-a-1*")), package)
    with pytest.raises(StepFailed, match="hash mismatch"):
        run(bench, tools)


def test_what_comes_from_pypi_has_a_lock_beside(
    bench: Workbench, spec: Callable[..., EnvSpec], lock: Lock, tmp_path: Path
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    conda_channel.write_wheels(wheels)
    bench.environ = {name: text for name, text in bench.environ.items() if not name.startswith(("PIP_", "UV_"))}
    bench.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull}
    mixed = spec("py311", conda_deps=["pluggy"], deps=["iniconfig", "pluggy"])
    conda = lock(mixed)
    assert {"python", "pluggy"} <= set(conda)
    beside = Path(bench.project_dir, "pylock.py311.toml")
    assert [entry["name"] for entry in tomllib.loads(beside.read_text())["packages"]] == ["iniconfig"]
    installed = run(bench, mixed)
    assert {"iniconfig", "pluggy"} <= set(installed)
    good = beside.read_text()
    (digest,) = (wheel["hashes"]["sha256"] for e in tomllib.loads(good)["packages"] for wheel in e["wheels"])
    beside.write_text(good.replace(digest, "0" * 64))
    with pytest.raises(StepFailed) as caught:
        run(bench, mixed)
    assert "ash mismatch" in caught.value.tail
    conda_side = str(Path(bench.project_dir, "py311.conda-lock.yml"))
    assert "deps" in (locker.read(conda_side) or {})
    beside.write_text(f"<<<<<<< HEAD\n{good}")
    assert "deps" not in (locker.read(conda_side) or {"deps": ""})
    with pytest.raises(StepFailed, match="can't be read"):
        run(bench, mixed)
    lock(mixed)
    assert beside.read_text() == good
    beside.unlink()
    assert "deps" not in (locker.read(conda_side) or {"deps": ""})
    with pytest.raises(StepFailed, match="there is no lock file"):
        run(bench, mixed)
    beside.write_text(good)
    lock(spec("py311", conda_deps=["pluggy"]))
    assert not beside.exists()


def test_what_a_package_requires(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\ndependencies = ["b", "a>1"]\n')
    wheel = PackageSpec("wheel", "wheel", str(tmp_path), None)
    conda = PackageSpec("conda", "conda", str(tmp_path), None)
    built = Artifact("conda", "", "x", "1", "", ("python >=3.9", "b", "a >1"))
    assert locker.requires(wheel, None, None) == ["a>1", "b"]  # type: ignore[arg-type]
    assert locker.requires(conda, None, None) is None  # type: ignore[arg-type]
    assert locker.requires(conda, built, None) == ["a >1", "b", "python >=3.9"]  # type: ignore[arg-type]


def test_what_has_nothing_to_lock(spec: Callable[..., EnvSpec]) -> None:
    assert locker.path(spec("tools"), packaged=False) == ""
    assert locker.path(spec("tools"), packaged=True) == "tools.conda-lock.yml"
    assert locker.path(spec("py311"), packaged=False) == "py311.conda-lock.yml"


def test_virtual_packages_come_from_conda_lock_and_in_their_place_from_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.28")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "11.4")
    monkeypatch.setenv("CONDA_OVERRIDE_OSX", "")
    monkeypatch.setenv("CONDA_OVERRIDE_ARCHSPEC", "x86_64")
    found = lock_shim.virtual_packages("linux-64", ["__cuda=12"])
    assert sorted(found) == ["__archspec=1=x86_64", "__cuda=12", "__glibc=2.28", "__unix=0"]


def test_inputs_are_read_as_they_were_written(tmp_path: Path) -> None:
    inputs = {"channels": ["a", 'b "c" = d'], "what the package requires": ["ä\n"], "x = y": "1"}
    path = tmp_path / "x.conda-lock.yml"
    path.write_text(comment_of_inputs(inputs) + "version: 1\n#   not = ours\n")
    assert read_inputs(str(path)) == inputs
    assert yaml.safe_load(path.read_text()) == {"version": 1}
    path.write_text("version: 1\n")
    assert read_inputs(str(path)) is None
