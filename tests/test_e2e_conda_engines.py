"""conda environments made by a program that the user has: conda, mamba, micromamba or pixi, where it can be found.

``KERN_TEST_CONDA``, ``KERN_TEST_MAMBA``, ``KERN_TEST_MICROMAMBA`` and ``KERN_TEST_PIXI`` name the programs, else ``PATH``
does. A program that is not there is skipped: none of them can be had from PyPI.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import MakeProject, Project, Result

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the channel is made of a Linux machine's Python")

PACKAGE = """
requires = ['kern-conda']
env_list = ['py3{minor}-conda']
[env]
channels = ['{channel}']
conda_deps = ['actdemo', 'tool-a']
environment_file = 'environment.yml'
deps = ['plum']
commands = [['demo-answer'], ['tool-a'], ['python', 'look.py']]
{engine}
[package.conda]
"""
FILES = {
    "metadata.txt": "Requires-Python: >=3.11\nRequires-Dist: apple<2\n",
    "src/demo/__init__.py": "def main():\n    print('the answer is 42')\n",
    "src/demo-1.0.dist-info/entry_points.txt": "[console_scripts]\ndemo-answer = demo:main\n",
    "environment.yml": "dependencies: [small-0]\nvariables: {DEMO: from the file}\n",
    "look.py": """
import os, sys
import apple, demo, pear, plum

assert apple.VERSION == "1.0"
assert os.environ["DEMO"] == "from the file"
assert os.environ["ACTDEMO_VARIABLE"] == "yes"
assert os.environ["CONDA_PREFIX"] == sys.prefix
assert os.path.isdir(os.path.join(sys.prefix, "share", "small-0"))
assert "MINE" not in os.environ
""",
}
CONDARC = "channels: [https://channel.invalid/never]\nchannel_priority: disabled\npip_interop_enabled: true\n"


@pytest.fixture(params=["conda", "mamba", "micromamba", "pixi"])
def engine(request: pytest.FixtureRequest) -> str:
    """The keys that have a program make environments."""
    name = str(request.param)
    variable = f"KERN_TEST_{name.upper()}"
    program = os.environ.get(variable) or shutil.which(name)
    if not program:
        pytest.skip(f"there is no {name} on PATH, and {variable} names none")
    return f"engine = '{name}'\nengine_path = '{program}'\n"


@pytest.fixture
def conda(make_project: MakeProject, wheels: Path, tmp_path: Path) -> Project:
    """A project of a user with a configuration, which no row's content may depend on, and with empty caches."""
    project = make_project()
    home = tmp_path / "home"
    (home / "pkgs").mkdir(parents=True)  # micromamba needs it offline
    (home / ".condarc").write_text(CONDARC)
    project.environ = {
        **project.environ,
        "HOME": str(home),
        "KERN_CACHE_DIR": str(tmp_path / "kern-cache"),
        "CONDA_PKGS_DIRS": str(home / "pkgs"),
        "MAMBA_ROOT_PREFIX": str(home / "mamba"),
        "PIP_FIND_LINKS": wheels.as_uri(),
        "CONDA_PREFIX": "/another/active/environment",
        "CONDA_CHANNEL_PRIORITY": "disabled",
        "MINE": "and nobody else's",
    }
    return project


@pytest.fixture(scope="session")
def minor(channel: str) -> str:
    """The minor of a Python that the channel has, such as ``12``."""
    index = json.loads(Path(channel.removeprefix("file://"), "linux-64", "repodata.json").read_text())
    found = (entry["version"] for entry in index["packages.conda"].values() if entry["name"] == "python")
    return max(version.split(".")[1] for version in found)


def plain(channel: str, engine: str, deps: list[str], names: str = "'a-conda'", more: str = "") -> str:
    """A configuration of rows without a package and without Python."""
    return (
        f"env_list = [{names}]\n[env]\npackage = 'none'\nchannels = ['{channel}']\nconda_deps = {deps}\n"
        f"commands = [['sh', '-c', 'ls $CONDA_PREFIX']]\n{engine}{more}"
    )


def only_row(done: Result) -> dict[str, list[str]]:
    """What was done for the only row, and what is installed."""
    row = done.json["rows"][0]
    return {"made": row["made"], "installed": row["installed"]}


def test_a_row_with_everything(conda: Project, engine: str, channel: str, minor: str) -> None:
    conda.package(FILES).config(PACKAGE.format(minor=minor, channel=channel, engine=engine))
    first = only_row(conda.run())
    assert {"demo", "apple", "python", "tool-a", "libbase", "small-0", "plum", "pear"} <= set(first["installed"])
    assert only_row(conda.run()) == {"made": [], "installed": first["installed"]}

    conda.write({"src/demo/__init__.py": FILES["src/demo/__init__.py"].replace("42", "43")})
    again = only_row(conda.run())
    assert again["made"] != []
    assert "made environment" not in again["made"]
    assert again["installed"] == first["installed"]
    assert "the answer is 43" in (conda.work / f"logs/latest/py3{minor}-conda.log").read_text()

    conda.write({"environment.yml": FILES["environment.yml"].replace("small-0", "small-0, tool-a 1.*")})
    assert only_row(conda.run())["installed"]["tool-a"] == "1.0"


def test_what_can_not_be_is_told_in_the_words_of_the_solver(conda: Project, engine: str, channel: str) -> None:
    conda.config(plain(channel, engine, ["tool-a>=2", "tool-b"]))
    done = conda.kern("run", code=3)
    for words in ("do not go together", "tool-a", "tool-b", "libbase", f"channels: {channel}"):
        assert words in done.screen, str(done)
    conda.config(plain(channel, engine, ["tool-c"]))
    done = conda.kern("run", code=3)
    assert "tool-c" in done.screen
    assert "is the name right" in done.screen, str(done)


def test_offline_takes_what_is_there(conda: Project, engine: str, channel: str) -> None:
    conda.config(plain(channel, engine, ["tool-a"]))
    conda.run()
    conda.config(plain(channel, engine, ["tool-a"], more="offline = true\n"))
    assert only_row(conda.run("--recreate"))["made"] != []
    conda.config(plain("https://channel.invalid/none", engine, ["tool-b"], more="offline = true\n"))
    assert "tool-b" in conda.kern("run", code=3).screen


def test_many_at_once_from_an_empty_cache(conda: Project, engine: str, channel: str, tmp_path: Path) -> None:
    names = [f"e{n}-conda" for n in range(4)]
    conda.config(plain(channel, engine, ["small-0", "small-1", "tool-a"], ", ".join(map(repr, names))))
    done = conda.run("-j", "4")
    assert done.outcomes() == dict.fromkeys(names, "passed"), str(done)
    listed = tmp_path / "home/.conda/environments.txt"
    if "'conda'" in engine and listed.exists():
        assert listed.read_text().strip() == "", "environments of kern are not the user's"


@pytest.mark.parametrize("what", ["missing", "changed in place"])
def test_damage_is_repaired(conda: Project, engine: str, channel: str, what: str) -> None:
    conda.config(plain(channel, engine, ["small-0", "small-1"]))
    conda.run()
    (file,) = conda.environment("a-conda").rglob("share/small-1/part-3")
    content = file.read_bytes()
    if what == "missing":
        file.unlink()
    else:
        with file.open("ab") as stream:  # where it is a hard link, the package cache has it too
            stream.write(b"and more\n")
    assert "damaged" in conda.kern("plan", code=0).out
    assert only_row(conda.run())["made"] != []
    assert file.read_bytes() == content
    assert only_row(conda.run())["made"] == []


def test_a_copy_is_no_link(conda: Project, engine: str, channel: str) -> None:
    conda.config(plain(channel, engine, ["small-0"], more="link = 'copy'\n"))
    conda.run()
    files = [path for path in conda.environment("a-conda").rglob("share/small-0/*") if path.is_file()]
    assert {path.stat().st_nlink for path in files} == {1}


def test_channel_priority_is_what_the_row_says(conda: Project, engine: str, channel: str, minor: str) -> None:
    own = conda.write({"lower/noarch/repodata.json": '{"packages": {}, "packages.conda": {}}'}) / "lower"
    source = Path(channel.removeprefix("file://"))
    shutil.copytree(source / "noarch", own / "noarch", dirs_exist_ok=True)
    for index in (own / "noarch/repodata.json",):
        content = json.loads(index.read_text())
        for part in ("packages", "packages.conda"):
            kept = {n: e for n, e in content.get(part, {}).items() if e["name"] == "apple" and e["version"] == "1.0"}
            content[part] = kept
        index.write_text(json.dumps(content))
    for name in list(own.glob("noarch/*.zst")) + list(own.glob("noarch/*shard*")):
        shutil.rmtree(name) if name.is_dir() else name.unlink()
    both = f"{own.as_uri()}', '{channel}"
    for priority, version in (("strict", "1.0"), ("disabled", "2.0")):
        conda.config(plain(both, engine, [f"python 3.{minor}.*", "apple"], more=f"channel_priority = '{priority}'\n"))
        assert only_row(conda.run())["installed"]["apple"] == version
