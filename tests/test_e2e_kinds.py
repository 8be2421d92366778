"""One project, one run, four kinds of environment: venv, pyenv, conda and nix, each the real thing."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import MakeProject, Project

HERE = f"{sys.version_info[0]}{sys.version_info[1]}"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the channel is made of a Linux machine's Python")

CONFIG = """
requires = ["kern-conda", "kern-nix", "kern-pyenv"]
env_list = ["py{minor}-{{venv,pyenv,conda,nix}}"]
[env]
commands = [["{{python}}", "-c", "import demo, sys; assert sys.version_info[:2] == {version}; print(demo.answer)"]]
[env.conda]
channels = ["{channel}"]
[package.wheel]
match = "!conda"
[package.conda]
"""


def _nix_store() -> Any:
    place = Path(__file__).parents[1] / "plugins/nix/tests/nix_store.py"
    spec = importlib.util.spec_from_file_location("nix_store_of_kinds", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_run_of_all_four(make_project: MakeProject, channel: str, tmp_path: Path) -> None:
    nix = _nix_store()
    if nix.missing():
        pytest.skip(nix.missing())
    versions = tmp_path / "pyenv" / "versions"
    versions.mkdir(parents=True)
    (versions / ".".join(map(str, sys.version_info[:3]))).symlink_to(sys.base_prefix)
    project = make_project()
    places = [place for place in project.environ["PATH"].split(os.pathsep) if not place.endswith("shims")]
    project.environ = {
        **project.environ,
        **nix.variables(tmp_path / "nix"),
        "PYENV_ROOT": str(versions.parent),
        "PATH": os.pathsep.join(places),
    }
    project.write(nix.files()).package().config(
        CONFIG.format(minor=HERE, version=tuple(sys.version_info[:2]), channel=channel)
    )
    names = [f"py{HERE}-{kind}" for kind in ("venv", "pyenv", "conda", "nix")]
    first = project.run("-j", "2")
    assert first.outcomes() == dict.fromkeys(names, "passed")
    kinds = {name: row["artifact"]["kind"] for name, row in first.rows().items()}
    assert kinds == {**dict.fromkeys(names, "wheel"), f"py{HERE}-conda": "conda"}
    assert len(project.builds()) == 1, "one wheel for all of them, the conda package too"
    again = project.run("-j", "2")
    assert again.outcomes() == first.outcomes()
    assert {tuple(row["made"]) for row in again.rows().values()} == {()}
    assert project.builds() == []
    used_again_and_left_alone(project, versions.parent, tmp_path)


def looked_at(*places: Path) -> str:
    """A hash of the names, modes, sizes and times of everything in some folders."""
    found = hashlib.sha256()
    for place in places:
        for folder, folders, files in os.walk(place):
            folders.sort()
            for name in ("", *folders, *sorted(files)):
                status = os.lstat(os.path.join(folder, name))
                facts = (folder, name, status.st_mode, status.st_size, status.st_mtime_ns)
                found.update(repr(facts).encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def used_again_and_left_alone(made: Project, pyenv_root: Path, tmp_path: Path) -> None:
    """The same four as existing environments of another project: every one is used, none is changed."""
    other = tmp_path / "other"
    other.mkdir()
    envs = made.work / "envs"
    targets = {
        "venv": f"venv:{envs}/py{HERE}-venv",
        "pyenv": f"pyenv:{sys.version_info[0]}.{sys.version_info[1]}",
        "conda": f"conda:{envs}/py{HERE}-conda",
        "nix": f"nix:{made.root}",
    }
    rows = "".join(f"[env.{kind}]\nexisting = '{target}'\n" for kind, target in targets.items())
    show = "import colorsys, sys; print('with', sys.executable)"
    other.joinpath("kern.toml").write_text(
        f"env_list = {list(targets)}\n[env]\npackage = 'none'\ndeps = ['absent>=1']\n"
        f"commands = [['{{python}}', '-c', \"{show}\"]]\n{rows}"
    )
    places = (made.root, pyenv_root, Path(sys.base_prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}"))
    before = looked_at(*places)
    done = made.run("-j", "2", cwd=other)
    assert looked_at(*places) == before
    assert done.outcomes() == dict.fromkeys(targets, "passed")
    assert [row["drift"] for row in done.rows().values()] == [["absent>=1 is not installed"]] * len(targets)
    used = {kind: row["existing"] for kind, row in done.rows().items()}
    assert (used["venv"], used["conda"]) == (f"{envs}/py{HERE}-venv", f"{envs}/py{HERE}-conda")
    assert used["nix"] == targets["nix"], "a place in kern's cache is told by what the user wrote"
    assert used["pyenv"].startswith(f"{pyenv_root}/versions/")
    said = {Path(row["log"]).read_text().rpartition("with ")[2] for row in done.rows().values()}
    assert len(said) == len(targets), "each runs an interpreter of its own"
