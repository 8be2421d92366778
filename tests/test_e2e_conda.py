"""conda environments as a user has them: one matrix with venvs, a real channel, no conda installed.

Nothing here comes from a network: the venv rows install wheels made of what the tests themselves run with, the conda
rows what lies in the channel of plugins/conda/tests/conda_channel.py.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults import snapshot

if TYPE_CHECKING:
    from types import ModuleType

    from tests.conftest import MakeProject, Project, Result

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the channel is made of a Linux machine's Python")

MATRIX = """
requires = ['kern-conda']
env_list = ['py3{{{minors}}}-{{venv,conda}}']
[env]
commands = [['pytest', '-q', '-p', 'no:cacheprovider', 'tests'], ['demo-answer']]
[env.venv]
deps = ['pytest']
[env.conda]
channels = ['{channel}']
conda_deps = ['pytest']
[package.{package}]
match = 'venv'
[package.conda]
match = 'conda'
renames.pear = 'pear-fruit'
"""
PROJECT = {
    "metadata.txt": "Requires-Python: >=3.11\nRequires-Dist: apple>=1\nRequires-Dist: pear\n",
    "src/demo/__init__.py": "answer = 42\n\n\ndef main():\n    print('the answer is', answer)\n",
    "src/demo-1.0.dist-info/entry_points.txt": (
        "[console_scripts]\ndemo-answer = demo:main\n[demo.plugins]\nfirst = demo:answer\n"
    ),
    "tests/test_demo.py": """
import os, sys
from importlib.metadata import entry_points, version

import apple, demo, pear


def test_the_package_is_the_installed_one():
    assert demo.__file__.startswith(os.environ["KERN_ENV_DIR"] + "/lib/")
    assert version("demo") == "1.0"


def test_its_dependencies_are_there():
    assert (apple.VERSION, pear.VERSION) == ("2.0", "1.0")


def test_its_entry_point_is_found():
    assert [point.load() for point in entry_points(group="demo.plugins")] == [demo.answer]


def test_the_row_is_of_its_kind():
    kind = os.environ["KERN_ENV_NAME"].partition("-")[2]
    assert os.path.isdir(os.path.join(sys.prefix, "conda-meta")) == (kind == "conda")
    assert "py%d%d" % sys.version_info[:2] == os.environ["KERN_ENV_NAME"].partition("-")[0]
""",
}


@pytest.fixture(scope="session")
def minors(channel: str) -> list[str]:
    """The minors of the channel's Pythons, such as ``11`` and ``12``: two, if the machine has two."""
    index = json.loads(Path(channel.removeprefix("file://"), "linux-64", "repodata.json").read_text())
    found = {entry["version"].split(".")[1] for entry in index["packages.conda"].values() if entry["name"] == "python"}
    return sorted(found)


@pytest.fixture(scope="session")
def find_links(wheels: Path, conda_channel: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the venv rows find the tiny wheels, and pytest with what it needs."""
    folder = tmp_path_factory.mktemp("pytest-wheels")
    conda_channel.write_wheels(folder)
    return f"{wheels.as_uri()} {folder.as_uri()}"


@pytest.fixture
def conda(make_project: MakeProject, find_links: str, tmp_path: Path) -> Project:
    """A project of a user with a cache of their own that is empty."""
    project = make_project()
    own = {"PIP_FIND_LINKS": find_links, "KERN_CACHE_DIR": str(tmp_path / "kern-cache")}
    project.environ = {**project.environ, **own}
    return project


def matrix(project: Project, channel: str, minors: list[str], package: str = "wheel") -> list[str]:
    """The matrix of the issue, and the names of its rows."""
    text = MATRIX.format(channel=channel, minors=",".join(minors), package=package)
    project.package(PROJECT).config(text)
    backend = project / "backend/own_backend.py"  # since 2.2 a source distribution's requirements can be relied on
    backend.write_text(backend.read_text().replace("Metadata-Version: 2.1", "Metadata-Version: 2.2"))
    return [f"py3{minor}-{kind}" for minor in minors for kind in ("venv", "conda")]


def made(done: Result) -> dict[str, list[str]]:
    """What was done for each row."""
    return {name: row["made"] for name, row in done.rows().items()}


@pytest.mark.parametrize("package", ["wheel", "sdist"])
def test_venv_and_conda_in_one_matrix(conda: Project, channel: str, minors: list[str], package: str) -> None:
    names = matrix(conda, channel, minors if package == "wheel" else minors[:1], package)
    done = conda.run("-j", "2")
    assert done.outcomes() == dict.fromkeys(names, "passed"), str(done)
    assert {name: row["artifact"]["kind"] for name, row in done.rows().items()} == {
        name: "conda" if name.endswith("conda") else package for name in names
    }
    conda_rows = [row for name, row in done.rows().items() if name.endswith("conda")]
    assert len({row["artifact"]["path"] for row in conda_rows}) == 1, "a noarch package is built once"
    for name in names[1::2]:
        records = {path.name.rsplit("-", 2)[0] for path in (conda.environment(name) / "conda-meta").glob("*.json")}
        assert {"demo", "apple", "pear-fruit", "pytest", "python"} <= records, "all of it comes from conda"
    if package == "wheel":
        assert [line.split()[0] for line in conda.builds()] == ["wheel"], "one wheel serves venvs and conda"
    conda.builds()
    before = {name: conda.stamp(name) for name in names}

    assert {row["action"] for row in conda.kern("plan", "--json", code=0).json["rows"]} == {"reuse"}
    again = conda.run("-j", "2")
    assert made(again) == {name: [] for name in names}
    assert conda.builds() == []
    assert {name: conda.stamp(name) for name in names} == before

    conda.write({"src/demo/__init__.py": PROJECT["src/demo/__init__.py"].replace("42", "43")})
    plan = conda.kern("plan", "--json", code=0).rows()
    assert {row["action"] for row in plan.values()} <= {"update", "settle"}, plan
    changed = conda.run("-j", "2")
    assert changed.outcomes() == dict.fromkeys(names, "passed"), str(changed)
    for name in names:
        assert "made environment" not in made(changed)[name]
        assert made(changed)[name], f"{name}: the package was not installed again"
        assert "the answer is 43" in (conda.work / "logs/latest" / f"{name}.log").read_text()
        kept = [path for path, stamp in before[name].items() if path.endswith("/apple.py") and "site-packages" in path]
        assert all(conda.stamp(name)[path] == before[name][path] for path in kept), "only the package is replaced"


def test_looking_says_why_and_never_imports_rattler(conda: Project, channel: str, minors: list[str]) -> None:
    names = matrix(conda, channel, minors[:1])
    trace = {"PYTHONPROFILEIMPORTTIME": "1"}
    looked = [("list", "--why"), ("show", names[1]), ("plan",), ("list", "--json"), ("show", names[1], "--json")]
    for arguments in looked:
        done = conda.kern(*arguments, env=trace, code=0)
        assert "kern_conda" in done.err or arguments[0] == "list", "the trace shows what is imported"
        assert "rattler" not in done.err, arguments
    assert "conda, conda: the factor 'conda' is a package definition" in conda.kern("list", "--why", code=0).out
    assert "pytest" in conda.kern("show", names[1], code=0).out
    assert "make" in conda.kern("plan", code=0).out
    conda.run("-j", "2")
    for arguments in (("plan",), ("run",)):
        done = conda.kern(*arguments, env=trace, code=0)
        assert "kern_conda" in done.err
        assert "rattler" not in done.err, arguments


def test_eight_environments_at_once_from_an_empty_cache(conda: Project, channel: str) -> None:
    wanted = "\n".join(f"[env.e{n}]\nconda_deps = ['small-{n}', 'small-{(n + 1) % 8}', 'tool-a']" for n in range(8))
    conda.config(
        f"env_list = ['e{{0-7}}-conda']\n[env]\npackage = 'none'\nchannels = ['{channel}']\n"
        f"commands = [['sh', '-c', 'ls \"$CONDA_PREFIX/share\" && tool-a']]\n{wanted}"
    )
    done = conda.run("-j", "8")
    assert done.outcomes() == {f"e{n}-conda": "passed" for n in range(8)}, str(done)
    for n, row in enumerate(done.json["rows"]):
        assert row["installed"] == {
            f"small-{n}": "1.0",
            f"small-{(n + 1) % 8}": "1.0",
            "tool-a": "2.0",
            "libbase": "2.0",
        }
        for package in (n, (n + 1) % 8):
            folder = conda.environment(f"e{n}-conda") / "share" / f"small-{package}"
            texts = {path.read_text() for path in folder.iterdir()}
            assert texts == {f"{part} of {conda.environment(f'e{n}-conda')}\n" for part in range(20)}


def test_a_native_program_knows_its_prefix(conda: Project, channel: str) -> None:
    conda.config(declared(channel, ["hello-native"], [["hello-native"]]))
    done = conda.kern("run", "a-conda")
    if "hello-native" in done.err and done.code:
        pytest.skip("the channel has no compiled program: no compiler was there")
    assert done.code == 0, str(done)
    assert str(conda.environment("a-conda")) in (conda.work / "logs/latest/a-conda.log").read_text()


def declared(channel: str, deps: list[str], commands: list[list[str]], more: str = "") -> str:
    """A configuration of one environment without a package."""
    return (
        f"env_list = ['a-conda']\n[env]\npackage = 'none'\nchannels = ['{channel}']\n"
        f"conda_deps = {deps}\ncommands = {commands}\n{more}"
    )


def test_a_conflict_is_told_in_the_words_of_the_solver(conda: Project, channel: str) -> None:
    conda.config(declared(channel, ["tool-a>=2", "tool-b"], []))
    done = conda.kern("run", code=3)
    for words in ("tool-a", "tool-b", "libbase 1.*", "would require"):
        assert words in done.screen, str(done)
    assert "Traceback" not in done.screen


def test_a_package_that_does_not_exist_is_named(conda: Project, channel: str) -> None:
    conda.config(declared(channel, ["tool-c"], []))
    assert "tool-c" in conda.kern("run", code=3).screen


def test_offline_serves_what_is_cached_and_says_what_is_not(conda: Project, channel: str, tmp_path: Path) -> None:
    conda.config(declared(channel, ["tool-a"], [["tool-a"]], "offline = true\n"))
    conda.run()
    conda.config(declared("https://channel.invalid/none", ["tool-a"], [["tool-a"]], "offline = true\n"))
    refused = conda.kern("run", code=3)
    assert "channel.invalid" in refused.screen
    assert "Traceback" not in refused.screen


def test_conda_and_pypi_packages_in_one_environment(conda: Project, channel: str, minors: list[str]) -> None:
    show = "import apple, plum, pear; print('apple', apple.VERSION, apple.__file__)"
    conda.config(
        f"env_list = ['py3{minors[0]}-conda']\n[env]\npackage = 'none'\nchannels = ['{channel}']\n"
        f"conda_deps = ['apple 1.*']\ndeps = ['plum', 'apple']\ncommands = [['python', '-c', \"{show}\"]]\n"
    )
    row = conda.run().json["rows"][0]
    assert row["installed"]["apple"] == "1.0", "PyPI packages come after and undo nothing"
    assert {name: row["installed"][name] for name in ("plum", "pear")} == {"plum": "1.0", "pear": "1.0"}
    assert conda.run().json["rows"][0]["made"] == []
    refused = (conda / "kern.toml").read_text().replace("'apple']", "'apple==2.0']")
    conda.config(refused)
    done = conda.kern("run", code=3)
    assert "apple" in done.screen, str(done)


def test_an_environment_file_is_a_source(conda: Project, channel: str) -> None:
    conda.write(
        {
            "environment.yml": f"name: anything\nchannels:\n  - {channel}\ndependencies:\n  - tool-a=1\n  - small-0\n",
            "kern.toml": (
                "env_list = ['a-conda']\n[env]\npackage = 'none'\nenvironment_file = 'environment.yml'\n"
                "commands = [['tool-a']]\n"
            ),
        }
    )
    assert conda.run().json["rows"][0]["installed"] == {"tool-a": "1.0", "libbase": "1.0", "small-0": "1.0"}
    assert conda.run().json["rows"][0]["made"] == []
    text = (conda / "environment.yml").read_text()
    conda.write({"environment.yml": text.replace("tool-a=1", "tool-a=2")})
    assert "environment.yml" in conda.kern("plan", code=0).out
    assert conda.run().json["rows"][0]["installed"]["tool-a"] == "2.0"


@pytest.fixture
def existing(conda: Project, channel: str, make_project: MakeProject, tmp_path: Path) -> Path:
    """A conda environment in the folder of environments that conda would look in, not kern's."""
    maker = make_project("maker")
    maker.environ = conda.environ
    maker.config(declared(channel, ["tool-a=1", "actdemo"], []))
    maker.run()
    home = tmp_path / "home"
    place = home / ".conda" / "envs" / "mine"
    place.parent.mkdir(parents=True)
    os.rename(maker.environment("a-conda"), place)
    (place / ".kern-owned").unlink(missing_ok=True)
    conda.environ = {**conda.environ, "HOME": str(home)}
    return place


@pytest.mark.parametrize("how", ["name", "path"])
def test_an_existing_environment_is_used_and_never_changed(conda: Project, existing: Path, how: str) -> None:
    location = "conda:mine" if how == "name" else str(existing)
    before = unchanging(existing)
    show = 'tool-a; echo "$ACTDEMO_VARIABLE $ACTDEMO_GREETING $CONDA_PREFIX"'
    done = conda.kern("exec", location, "--", "sh", "-c", show, code=0)
    assert "tool-a 1.0" in done.out
    assert "yes hello (with 'quotes'" in done.out
    assert str(existing) in done.out
    assert unchanging(existing) == before


@pytest.mark.parametrize("how", ["name", "path"])
def test_a_row_can_use_an_existing_environment(conda: Project, existing: Path, how: str) -> None:
    location = "conda:mine" if how == "name" else str(existing)
    before = unchanging(existing)
    conda.config(f"env_list = ['a-conda']\n[env]\npackage = 'none'\nexisting = '{location}'\ncommands = [['tool-a']]\n")
    for _ in range(2):
        conda.run()
        assert "tool-a 1.0" in (conda.work / "logs/latest/a-conda.log").read_text()
        assert unchanging(existing) == before
    conda.kern("clean", "--all")
    assert unchanging(existing) == before


def unchanging(place: Path) -> dict[str, tuple[int, int, int, str]]:
    """All that is in an environment; of its root only what is there, for activation may write a file and remove it."""
    return {name: entry for name, entry in snapshot(place).items() if name != "."}


def test_a_damaged_environment_is_noticed_and_repaired(conda: Project, channel: str) -> None:
    conda.config(declared(channel, ["small-0", "small-1"], [["small-0"]], "link = 'hard'\n"))
    conda.run()
    env = conda.environment("a-conda")
    content = {name: (env / name).read_bytes() for name in ("bin/small-0", "share/small-1/part-3")}

    (env / "share/small-1/part-3").unlink()
    assert "damaged" in conda.kern("plan", code=0).out
    assert conda.run().json["rows"][0]["made"] != []
    assert (env / "share/small-1/part-3").read_bytes() == content["share/small-1/part-3"]

    with (env / "bin/small-0").open("ab") as file:  # through the hard link, into the cache
        file.write(b"exit 1\n")
    assert "damaged" in conda.kern("plan", code=0).out
    assert conda.run().json["rows"][0]["made"] != []
    assert (env / "bin/small-0").read_bytes() == content["bin/small-0"], "the cache was poisoned and was believed"
    assert conda.run().json["rows"][0]["made"] == []
