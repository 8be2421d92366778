"""The distributions as a stranger gets them: built, checked, installed without the source tree, and used."""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from tests.conftest import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from email.message import EmailMessage

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml"))
FOLDERS = {"kern-core": "core", **{f"kern-{name}": f"plugins/{name}" for name in PLUGINS}}
HIDDEN = re.compile(r"(^|/)(__pycache__|\.[^/]+)/")
BASIC = ("kern-core", "kern-venv", "kern-wheel")
"""What the documentation has a newcomer install."""
IMPORTED = {"kern-core": "kern", **{f"kern-{name}": f"kern_{name}" for name in PLUGINS}}


@dataclass(frozen=True)
class Built:
    """One distribution: its sdist, the wheel that was built from the sdist, and the wheel that was built from the tree."""

    sdist: Path
    wheel: Path
    from_tree: Path

    def metadata(self) -> EmailMessage:
        """What the wheel says of itself."""
        with zipfile.ZipFile(self.wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return email.message_from_bytes(
                archive.read(name), policy=email.policy.EmailPolicy(utf8=True, refold_source="none")
            )

    def requirements(self) -> dict[str, Requirement]:
        """Its requirements by their names."""
        found = [Requirement(text) for text in self.metadata().get_all("Requires-Dist", [])]
        return {requirement.name: requirement for requirement in found}


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def build(folder: Path, to: Path, *options: str) -> list[Path]:
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    argv = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(to), *options, str(folder)]
    done = subprocess.run(argv, cwd=to.parent, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(to.iterdir())


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """Each of them, built like for a release; ``build`` makes the wheel from the sdist by default."""
    found = {}
    for name, folder in FOLDERS.items():
        to = tmp_path_factory.mktemp(name)
        wheel, sdist = sorted(build(ROOT / folder, to / "release"), key=lambda path: path.suffix, reverse=True)
        (from_tree,) = build(ROOT / folder, to / "tree", "--wheel")
        found[name] = Built(sdist, wheel, from_tree)
    return found


@pytest.mark.parametrize("name", FOLDERS)
def test_the_wheel_from_the_sdist_is_the_wheel_from_the_tree(distributions: dict[str, Built], name: str) -> None:
    built = distributions[name]
    assert contents(built.wheel) == contents(built.from_tree)


@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_in_a_distribution(distributions: dict[str, Built], name: str) -> None:
    built = distributions[name]
    package = IMPORTED[name]
    source = ROOT / FOLDERS[name] / "src"
    files = (path for path in source.rglob("*") if path.is_file() and not HIDDEN.search(str(path.relative_to(source))))
    there = {str(path.relative_to(source)) for path in files}
    names = set(contents(built.wheel))
    assert f"{package}/py.typed" in there
    assert {each for each in names if ".dist-info/" not in each} == there
    assert any(each.endswith("/licenses/LICENSE") for each in names)
    with tarfile.open(built.sdist) as archive:
        files = {each.partition("/")[2] for each in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", *(f"src/{each}" for each in there)} <= files


@pytest.mark.parametrize("name", FOLDERS)
def test_what_a_distribution_says_of_itself(distributions: dict[str, Built], name: str) -> None:
    said = distributions[name].metadata()
    assert said["Name"] == name
    assert said["License-Expression"] == "MIT"
    assert said.get_all("License-File") == ["LICENSE"]
    assert said["Description-Content-Type"] == "text/markdown"
    assert len(said.get_content()) > 100
    assert said["Summary"]
    assert said["Requires-Python"] == ">=3.11"
    licence = next(data for each, data in contents(distributions[name].wheel).items() if each.endswith("/LICENSE"))
    assert licence.startswith(b"MIT License")
    assert licence == (ROOT / "LICENSE").read_bytes()


def test_all_are_of_one_version_and_need_each_other_of_that_series(distributions: dict[str, Built]) -> None:
    versions = {built.metadata()["Version"] for built in distributions.values()}
    assert len(versions) == 1
    major, minor = map(int, versions.pop().split(".")[:2])
    series = {f">={major}.{minor}", f"<{major}.{minor + 1}"}
    needed = {name: built.requirements() for name, built in distributions.items()}
    for name in set(FOLDERS) - {"kern-core"}:
        for other in set(FOLDERS) & set(needed[name]):
            assert {str(each) for each in needed[name][other].specifier} == series
        assert "kern-core" in needed[name]
    assert not set(FOLDERS) & set(needed["kern-core"])


@dataclass(frozen=True)
class Home:
    """A virtual environment with kern in it, and nothing of this repository."""

    folder: Path
    environ: Mapping[str, str]

    def python(self, code: str) -> str:
        """What the environment's interpreter prints."""
        argv = [str(self.folder / "bin/python"), "-c", code]
        done = subprocess.run(
            argv, cwd=self.folder, env=dict(self.environ), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def project(self, root: Path) -> Project:
        """A project that this kern is run in; its environments are offline."""
        root.mkdir()
        return Project(root, self.environ, (str(self.folder / "bin/kern"),), root.parent / f"{root.name}.builds")

    def installed(self) -> set[str]:
        """The names of all that is installed."""
        code = "import importlib.metadata as m; print(*{d.metadata['Name'].lower().replace('_', '-') for d in m.distributions()})"
        return set(self.python(code).split())


def install(folder: Path, uv: str, online: Mapping[str, str], offline: Mapping[str, str], wheels: list[Path]) -> Home:
    """Make an environment and install these wheels; only what they depend on may come from the index."""
    environ = {name: value for name, value in online.items() if name != "UV_CACHE_DIR"}
    environ |= {name: os.environ[name] for name in ("UV_CACHE_DIR", "HOME") if name in os.environ}
    environ["UV_LINK_MODE"] = "copy"
    base = os.path.realpath(sys.executable)
    for argv in (
        ["venv", "-q", "-p", base, str(folder)],
        ["pip", "install", "-q", "-p", str(folder), *map(str, wheels)],
    ):
        done = subprocess.run(
            [uv, *argv], cwd=folder.parent, env=environ, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
    own = {name: value for name, value in offline.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return Home(folder, own)


@pytest.fixture(scope="session")
def homes(
    tmp_path_factory: pytest.TempPathFactory,
    distributions: dict[str, Built],
    uv: str,
    online_environ: dict[str, str],
    clean_environ: dict[str, str],
) -> Callable[..., Home]:
    """Make a home with some of the distributions in it."""

    def make(*names: str) -> Home:
        wheels = [distributions[name].wheel for name in names]
        return install(tmp_path_factory.mktemp("home") / "venv", uv, online_environ, clean_environ, wheels)

    return make


@pytest.fixture(scope="session")
def home(homes: Callable[..., Home]) -> Home:
    """The three that a newcomer installs."""
    return homes(*BASIC)


@pytest.fixture(scope="session")
def kernel_alone(homes: Callable[..., Home]) -> Home:
    return homes("kern-core")


@pytest.fixture(scope="session")
def without_builders(homes: Callable[..., Home]) -> Home:
    return homes("kern-core", "kern-venv")


def test_nothing_of_the_source_tree_is_used(home: Home) -> None:
    said = home.python(
        "import kern, kern_venv, kern_wheel, sys; print(kern.__file__, kern_venv.__file__, kern_wheel.__file__, *sys.path)"
    )
    assert str(ROOT) not in said
    assert said.count(str(home.folder)) >= 3


def test_there_is_no_trace_of_other_plugins(home: Home, tmp_path: Path) -> None:
    installed = home.installed()
    assert {name for name in installed if name.startswith("kern")} == set(BASIC)
    assert not {name for name in installed if re.search(r"conda|mamba|nix|docker|pyenv", name)}
    plugins = home.project(tmp_path / "empty").kern("plugins", "--json", code=0).json["plugins"]
    assert {each["distribution"] for each in plugins} <= set(BASIC)
    assert {each["state"] for each in plugins} == {"ok"}
    assert {"venv", "wheel", "sdist", "editable"} <= {each["name"] for each in plugins}


def test_all_of_them_live_together(homes: Callable[..., Home], tmp_path: Path) -> None:
    everything = homes(*FOLDERS).project(tmp_path / "empty")
    plugins = everything.kern("plugins", "--json", code=0).json["plugins"]
    assert {each["distribution"] for each in plugins} == set(FOLDERS) - {"kern-core"}
    assert {each["state"] for each in plugins} == {"ok"}
    assert everything.kern("plugins", "doctor", code=0).out


def test_a_small_matrix_runs_from_end_to_end(home: Home, tmp_path: Path, several: list[str]) -> None:
    project = home.project(tmp_path / "matrix").package()
    names = [f"{factor}-{fruit}" for factor in several[:2] for fruit in ("apple", "plum")]
    project.config(
        f"env_list = {json.dumps(names)}\n[env]\npackages = ['sdist', 'wheel']\n"
        "commands = [['python', '-c', 'import demo, sys; print(demo.answer, *sys.version_info[:2])']]\n"
        "[env.apple]\ndeps = ['apple']\nextend_commands = ['eat-apple']\n[env.plum]\ndeps = ['plum']\n"
        "[package.sdist]\n[package.wheel]\n"
    )
    done = project.run("-j", "2")
    assert done.outcomes() == {f"({package}) {name}": "passed" for name in names for package in ("sdist", "wheel")}
    assert len([line for line in project.builds() if line.startswith("sdist")]) == 1
    assert {row["made"] != [] for row in done.rows().values()} == {True}
    assert {tuple(row["made"]) for row in project.run().rows().values()} == {()}


def test_the_kernel_alone_looks_and_says_what_to_install(kernel_alone: Home, tmp_path: Path) -> None:
    assert {name for name in kernel_alone.installed() if name.startswith("kern")} == {"kern-core"}
    home_python = kernel_alone.folder / "bin/python"
    project = kernel_alone.project(tmp_path / "alone")
    project.config("env_list = ['a', 'py312']\n[env]\npackage = 'none'\ncommands = ['true']\n")
    assert re.fullmatch(r"kern \d+\.\d+\.\d+\S*\n", project.kern("--version", code=0).out)
    assert project.kern("list", "--names", code=0).out.split() == ["a", "py312"]
    done = project.kern("run")
    assert done.code in {2, 3}, str(done)
    errors = [line for line in done.screen.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, str(done)
    assert re.search(rf"hint: uv pip install --python {home_python} kern-venv$", done.screen, re.MULTILINE), str(done)
    assert not project.environment("a").exists()


WANTING = {
    "requires": "requires = ['kern-venv', 'kern-wheel']\nenv_list = ['a']\n",
    "a provider": "env_list = ['a']\n[env.a]\nprovider = 'venv'\n",
    "nothing but an interpreter": "env_list = ['py312']\n",
}


@pytest.mark.parametrize("name", WANTING)
def test_the_kernel_alone_names_the_plugin_that_a_configuration_needs(
    kernel_alone: Home, tmp_path: Path, name: str
) -> None:
    project = kernel_alone.project(tmp_path / "alone").package().config(WANTING[name])
    said = project.error("run")
    assert re.search(r"^hint: uv pip install .* kern-venv\b", said, re.MULTILINE), said


@pytest.mark.parametrize("text", ["", "[package.wheel]\n", "[package.special]\nbuilder = 'editable'\n"])
def test_without_builders_the_plugin_with_builders_is_named(without_builders: Home, tmp_path: Path, text: str) -> None:
    project = without_builders.project(tmp_path / "folder").package()
    project.config(f"env_list = ['a']\n[env]\ncommands = ['true']\n{text}")
    said = project.error("run")
    assert re.search(r"^hint: uv pip install .* kern-wheel$", said, re.MULTILINE), said
    project.config("env_list = ['a']\n[env]\npackage = 'none'\ncommands = ['true']\n").run()
