"""pyenv through the command line: a package tested on its interpreters, beside venv's, and installed on demand."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from kern_venv.interpreters import all_interpreters

HERE = f"{sys.version_info[0]}{sys.version_info[1]}"
TWO = f"{sys.version_info[0]}.{sys.version_info[1]}"
RUNNING = ".".join(map(str, sys.version_info[:3]))

CONFIG = """
env_list = ["py{%s}-{venv,pyenv}"]
[env]
commands = [["python", "-c", "import demo, sys; print(demo.answer, sys.version_info[:2])"]]
[package.wheel]
"""


@pytest.fixture(scope="module")
def pyenv_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pyenv root of links to every interpreter of this machine that can build a wheel."""
    versions = tmp_path_factory.mktemp("pyenv") / "versions"
    versions.mkdir()
    (versions / RUNNING).symlink_to(sys.base_prefix)
    for found in all_interpreters(os.environ):
        real = Path(os.path.realpath(found.path))
        name = ".".join(map(str, found.version))
        suits = found.implementation == "cpython" and found.version >= (3, 9) and not found.free_threaded
        if suits and real.parent.name == "bin" and not (versions / name).exists():
            (versions / name).symlink_to(real.parent.parent)
    return versions.parent


def only(root: Path) -> dict[str, str]:
    """Variables by which a root is the only one: a machine's own may have its shims on ``PATH``."""
    places = os.environ["PATH"].split(os.pathsep)
    return {"PYENV_ROOT": str(root), "PATH": os.pathsep.join(place for place in places if not place.endswith("shims"))}


def test_venv_and_pyenv_in_one_run(make_project, pyenv_root: Path) -> None:
    project = make_project()
    minors = sorted({"".join(path.name.split(".")[:2]) for path in (pyenv_root / "versions").iterdir()})[-3:]
    minors = sorted({*minors, HERE})
    environ = only(pyenv_root)
    project.package().config(CONFIG % ",".join(minors))
    rows = [f"py{minor}-{kind}" for minor in minors for kind in ("venv", "pyenv")]
    assert project.run(env=environ).outcomes() == dict.fromkeys(rows, "passed")
    assert len(project.builds()) == 1, "a pure wheel is built once for all"
    before = {row: project.stamp(row) for row in rows}
    again = project.run(env=environ)
    assert again.outcomes() == dict.fromkeys(rows, "passed")
    assert not project.builds()
    assert {row: project.stamp(row) for row in rows} == before
    # What was made stays whole when its version goes, but no row goes by it any more.
    link = pyenv_root / "versions" / RUNNING
    target = os.readlink(link)
    link.unlink()
    try:
        gone = project.kern("run", "--missing", "fail", f"py{HERE}-{{venv,pyenv}}", env=environ, code=3)
    finally:
        link.symlink_to(target)
    assert f"pyenv has no version {TWO}" in gone.screen
    assert f"py{HERE}-venv" in gone.screen


def test_python_version_chooses_and_requires_python_vetoes(make_project, pyenv_root: Path) -> None:
    project = make_project()
    environ = only(pyenv_root)
    project.config(
        """
        env_list = ["tests-pyenv"]
        [env]
        package = "none"
        commands = [["python", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"]]
        """
    ).write({".python-version": "99.1\n"})
    refused = project.kern("run", "--missing", "fail", env=environ, code=3)
    assert "pyenv has no version 99.1" in refused.screen
    assert ".python-version" in refused.screen
    project.write({".python-version": f"{TWO}\n"})
    assert f"\n{TWO}." in project.kern("run", "-v", env=environ, code=0).screen.replace(" | ", "\n")
    project.package(pyproject="").config(f'env_list = ["py{HERE}-pyenv"]\n[package.wheel]\n')
    pyproject = (
        (project / "pyproject.toml").read_text().replace('name = "demo"', 'name = "demo"\nrequires-python = ">=3.99"')
    )
    project.write({"pyproject.toml": pyproject})
    assert "requires Python >=3.99" in project.kern("plan", env=environ).screen


def test_a_version_is_installed_on_demand(make_project, tmp_path: Path) -> None:
    pyenv = shutil.which("pyenv") or shutil.which(os.path.expanduser("~/.pyenv/bin/pyenv"))
    if pyenv is None:
        pytest.skip("there is no program pyenv on this machine")
    name, root = f"{TWO}.901", tmp_path / "root"
    archive = tmp_path / f"{name}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        link = tarfile.TarInfo(f"{name}/bin/python")
        link.type, link.linkname = tarfile.SYMTYPE, os.path.realpath(sys.executable)
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo(f"{name}/README"), io.BytesIO())
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (tmp_path / name).write_text(f'install_package "{name}" "file://{archive}#{digest}" copy\n')
    environ = {**only(root), "PYTHON_BUILD_DEFINITIONS": str(tmp_path)}
    environ["PATH"] = f"{os.path.dirname(pyenv)}:{environ['PATH']}"
    project = make_project()
    row = f"py{HERE}-pyenv"
    project.package().config((CONFIG % HERE).replace("{venv,pyenv}", "pyenv"))
    refused = project.kern("run", "--missing", "fail", env=environ, code=3)
    assert f"pyenv install {TWO}" in refused.screen
    assert not (root / "versions").exists()
    project.config((CONFIG % HERE).replace("{venv,pyenv}", "pyenv") + '[env.pyenv]\ninstall = "missing"\n')
    assert project.run(env=environ).outcomes() == {row: "passed"}
    assert os.listdir(root / "versions") == [name]
    assert len(project.builds()) == 1
    before = project.stamp(row)
    plan = project.kern("plan", env=environ, code=0)
    assert "0 to build, 0 to make" in plan.screen, str(plan)
    assert project.run(env=environ).outcomes() == {row: "passed"}
    assert not project.builds()
    assert project.stamp(row) == before


def test_an_environment_of_pyenv_by_name(make_project, pyenv_root: Path) -> None:
    project = make_project()
    project.config("")
    environ = only(pyenv_root)
    said = project.kern(
        "exec", f"pyenv:{TWO}", "--", "python", "-c", "import sys; print(sys.executable)", env=environ, code=0
    )
    assert str(pyenv_root) in said.out or os.path.realpath(sys.base_prefix) in said.out, str(said)
