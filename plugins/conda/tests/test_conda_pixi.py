"""Environments made by pixi: the manifest and the command line, and kern's side of it with something in pixi's place.

pixi can't be had from PyPI. What stands in for it here reads the manifest as pixi's documentation says it, and has
rattler, which pixi is made of, solve and install into ``.pixi/envs/default``. It proves nothing about pixi itself: that
is what ``KERN_TEST_PIXI`` is for, see tests/test_e2e_conda_engines.py.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import Completed, Environment
from kern.errors import StepFailed
from kern.testing import FakeActivator, ProviderCase, ProviderContract, RecordingContext, Workbench
from kern_conda.pixi import install_with_pixi, pixi_arguments, pixi_manifest
from kern_conda.platforms import machine_platform
from kern_conda.prefixes import prefix_of
from kern_conda.provider import CondaProvider
from kern_conda.questions import Linking, Question
from kern_conda.requests import take_apart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern_conda.engine_answers import Problem

STAND_IN = """#!@PYTHON@
import json, os, sys, tomllib

from kern_conda.questions import Linking, Question
from kern_conda.worker import answer

command, option, manifest, *flags = sys.argv[1:]
assert (command, option) == ("install", "--manifest-path"), sys.argv
workspace = os.path.dirname(manifest)
with open(manifest, "rb") as file:
    said = tomllib.load(file)
with open(os.path.join(workspace, ".pixi", "config.toml"), "rb") as file:
    assert tomllib.load(file) == {"detached-environments": False}
tables = [said["dependencies"]]
tables += [said["feature"][name]["dependencies"] for name in said.get("environments", {}).get("default", ())]
keys = {"build-number": "build_number", "file-name": "fn"}
specs = [
    f"{name}[{', '.join(f'{keys.get(key, key)}={value!r}' for key, value in parts.items())}]"
    for table in tables
    for name, parts in table.items()
]
question = Question(
    specs=tuple(specs),
    channels=tuple(said["workspace"]["channels"]),
    channel_priority=said["workspace"]["channel-priority"],
    offline="--offline" in flags,
)
cache = os.environ.get("PIXI_CACHE_DIR") or os.path.expanduser("~/pixi-cache")
found = answer(
    {
        "action": "install",
        "prefix": os.path.join(workspace, ".pixi", "envs", "default"),
        "question": question._asdict(),
        "linking": Linking(link="copy" if "--no-hard-links" in flags else "auto")._asdict(),
        "machine": {
            "path": sys.path,
            "packages": os.path.join(cache, "pkgs"),
            "repodata": os.path.join(cache, "repodata"),
            "client": "",
            "renew": False,
            "distrust": False,
        },
    }
)
with open(os.path.join(workspace, "pixi.lock"), "w") as file:
    json.dump(specs, file)
if "problem" in found:
    print(found["problem"]["message"], file=sys.stderr)
os._exit(1 if "problem" in found else 0)
"""

provider = CondaProvider()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Something in pixi's place."""
    path = tmp_path_factory.mktemp("pixi") / "pixi"
    path.write_text(STAND_IN.replace("@PYTHON@", sys.executable))
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(str(tmp_path_factory.mktemp("bench")))
    made.environ.update({"UV_NO_INDEX": "1", "PIP_NO_INDEX": "1", "HOME": made.root})
    yield made
    made.close()


def newest_python(channel: str) -> str:
    """The factor of the newest Python that the channel has."""
    names = [path.name for path in Path(channel.removeprefix("file://")).glob("*/python-3.*.conda")]
    return f"py3{max(int(name.split('-')[1].split('.')[1]) for name in names)}"


class TestContract(ProviderContract):
    @pytest.fixture
    def case(self, channel: str, program: str) -> ProviderCase:
        options = {"channels": [channel], "conda_deps": ["small-0"], "engine": "pixi", "engine_path": program}
        return ProviderCase(
            driver=provider,
            factors=(newest_python(channel), "conda"),
            options=options,
            changes=[{"conda_deps": ["small-1"]}, {"engine": "rattler"}],
            activator=FakeActivator(),
        )


def manifest(*specs: Mapping[str, str], environ: Mapping[str, str] | None = None, **question: Any) -> dict[str, Any]:
    """A manifest as TOML reads it."""
    return tomllib.loads(pixi_manifest(Question(**question), specs, environ or {}))


def test_a_manifest() -> None:
    found = manifest(
        {"name": "python", "version": "3.12.*"},
        {"name": "python", "version": ">=3.12.1", "build": "*_cp312"},
        {"name": "numpy"},
        {"name": "python", "version": "<3.12.9"},
        channels=("file:///a%20b", "https://c"),
        platform="osx-64",
        channel_priority="flexible",
    )
    assert found == {
        "workspace": {
            "name": "kern",
            "channels": ["file:///a%20b", "https://c"],
            "platforms": ["osx-64"],
            "channel-priority": "flexible",
            "conda-pypi-map": False,
        },
        "dependencies": {"python": {"version": "3.12.*"}, "numpy": {"version": "*"}},
        "feature": {
            "more-1": {"dependencies": {"python": {"version": ">=3.12.1", "build": "*_cp312"}}},
            "more-2": {"dependencies": {"python": {"version": "<3.12.9"}}},
        },
        "environments": {"default": ["more-1", "more-2"]},
    }


def test_virtual_packages_are_declared() -> None:
    stated = ("__cuda=12.4", "__archspec=1=x86_64_v3", "__unix")
    environ = {"CONDA_OVERRIDE_CUDA": "11", "CONDA_OVERRIDE_GLIBC": "2.30", "CONDA_OVERRIDE_OSX": ""}
    (platform,) = manifest(environ=environ, virtual_packages=stated)["workspace"]["platforms"]
    expected = {"platform": machine_platform(), "__cuda": "12.4", "archspec": "x86_64_v3"}
    assert platform == {**expected, "__glibc": "2.30", "__unix": "0"}
    assert manifest()["workspace"]["platforms"] == [machine_platform()]


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_any_text_is_said_as_it_is(text: str) -> None:
    found = manifest({"name": text, "version": text}, channels=(text,))
    assert found["dependencies"] == {text: {"version": text}}
    assert found["workspace"]["channels"] == [text]


def test_a_command_line() -> None:
    plain = pixi_arguments("/bin/pixi", "/e/pixi.toml", Question(), Linking())
    assert plain == ("/bin/pixi", "install", "--manifest-path", "/e/pixi.toml")
    every = pixi_arguments("/p", "/m", Question(offline=True), Linking(link="copy", link_scripts=True))
    assert every[4:] == ("--offline", "--no-hard-links", "--run-post-link-scripts")


def test_specs_are_taken_apart(bench: Workbench) -> None:
    stated = (
        "numpy >=2,<3 py_0",
        "https://h/c::x[build_number='>=3', subdir=noarch]",
        "y[md5=" + "b" * 32 + "]",
        "z=1.2",
    )
    assert take_apart((*stated, "w[url=https://h/c/noarch/w-1-0.conda]"), bench.context()) == (
        {"name": "numpy", "version": ">=2,<3", "build": "py_0"},
        {"name": "x", "build-number": ">=3", "channel": "https://h/c", "subdir": "noarch"},
        {"name": "y", "md5": "b" * 32},
        {"name": "z", "version": "1.2.*"},
        {"name": "w", "url": "https://h/c/noarch/w-1-0.conda"},
    )
    with pytest.raises(StepFailed, match="condition"):
        take_apart(("a[when='python >=3']",), bench.context())


def test_what_pixi_prints_is_the_problem(tmp_path: Path, bench: Workbench) -> None:
    def problem(text: str) -> Problem | None:
        program = tmp_path / "pixi"
        program.write_text(f"#!/bin/sh\necho '{text}' >&2\nexit 1\n")
        program.chmod(0o755)
        prefix = tmp_path / ".pixi/envs/default"
        prefix.mkdir(parents=True, exist_ok=True)
        question = Question(channels=("https://c",), specs=("x",))
        return install_with_pixi(str(program), str(prefix), question, Linking(), bench.context())

    unsolvable = problem("Cannot solve the request because of: x is not there")
    assert unsolvable is not None
    assert not unsolvable.solvable
    assert "x is not there" in unsolvable.said
    other = problem("no network")
    assert other is not None
    assert other.solvable
    assert "no network" in other.said


def test_the_environment_is_inside_its_directory(bench: Workbench, channel: str, program: str) -> None:
    options = {"channels": [channel], "conda_deps": ["actdemo", "small-0"], "engine": "pixi", "engine_path": program}
    spec = bench.spec(provider, ("conda",), options, "inside")
    os.makedirs(spec.location)
    environment = provider.provision(spec, bench.context())
    assert environment.location == spec.location
    prefix = prefix_of(environment)
    assert prefix == f"{spec.location}/.pixi/envs/default"
    assert environment.interpreter == f"{prefix}/bin/python"
    assert provider.install(spec, environment, [], bench.context()) == {"actdemo": "1.0", "small-0": "1.0"}
    assert Path(prefix, "share/small-0").is_dir()
    assert Path(spec.location, "pixi.toml").stat().st_mode & 0o77 == 0, "a channel may hold a token"


def test_other_engines_make_it_where_it_always_was() -> None:
    assert prefix_of(Environment(location="/e", activator="conda")) == "/e"


def test_nothing_cached_is_believed_where_it_can_be_wrong(tmp_path: Path) -> None:
    def cache(**more: bool) -> str:
        context = RecordingContext(str(tmp_path), answer=lambda _: Completed(0), **more)
        from kern_conda.pixi import pixi_variables

        return pixi_variables(Question(virtual_packages=("__cuda=12",)), context).get("PIXI_CACHE_DIR", "")

    assert cache() == ""
    assert cache(distrust=True).startswith(str(tmp_path))
