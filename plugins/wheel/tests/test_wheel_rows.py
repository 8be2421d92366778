"""What the builders answer without building: vetoes, variants, fingerprints, fits; and what it costs to ask."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kern_wheel
from kern.api import Artifact, Builder
from kern_wheel.editable import EditableBuilder
from kern_wheel.fitting import PURE
from kern_wheel.sdist import SdistBuilder
from kern_wheel.wheel import WheelBuilder

if TYPE_CHECKING:
    from plugins.wheel.tests.conftest import Contexts, Packages, Rows, Trees


BUILDERS: tuple[Builder, ...] = (SdistBuilder(), WheelBuilder(), EditableBuilder())
each_builder = pytest.mark.parametrize("builder", BUILDERS, ids=lambda builder: builder.produces)


def wheel(tags: str, requires_python: str = "") -> Artifact:
    facts = {"tags": tags, "requires_python": requires_python}
    return Artifact(kind="wheel", path="/x.whl", name="x", version="1", digest="", facts=facts)


@each_builder
def test_requires_python_is_a_veto(
    builder: Builder, write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = write({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.10"\n'})
    assert builder.probe(package(root), row("py312"), new_context()) is None
    veto = builder.probe(package(root), row("py37"), new_context())
    assert veto is not None
    assert not veto.missing
    assert "requires Python >=3.10, py37 has 3.7" in veto.reason


@each_builder
def test_nothing_to_build_is_a_veto(
    builder: Builder, tmp_path: Path, new_context: Contexts, package: Packages, row: Rows
) -> None:
    veto = builder.probe(package(tmp_path), row("py312"), new_context())
    assert veto is not None
    assert not veto.missing
    assert 'package = "none"' in veto.hint


@each_builder
def test_a_missing_interpreter_is_the_providers_matter(
    builder: Builder, write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = write({"pyproject.toml": '[project]\nrequires-python = ">=3.10"\n'})
    assert builder.probe(package(root), row("py399"), new_context()) is None


def test_variants(write: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    root = write({"setup.py": ""})
    sdist, wheels, editable = (
        [b.variant(package(root), row(n), new_context()) for n in ("py311", "py312", "py399")] for b in BUILDERS
    )
    assert sdist == ["", "", ""]
    assert wheels == editable == ["cp311", "cp312", ""]


def test_fingerprints(write: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    root = write({"setup.py": ""})
    for builder in BUILDERS:
        first = builder.fingerprint(package(root), row("py312"), new_context())
        assert builder.fingerprint(package(root), row("py312"), new_context()) == first
        assert builder.fingerprint(package(root, some="setting"), row("py312"), new_context()) != first
        other = builder.fingerprint(package(root), row("py311"), new_context())
        assert (other == first) is (builder.produces == "sdist")
        flags = new_context()
        flags.environ = {**flags.environ, "CFLAGS": "-O3"}
        assert (builder.fingerprint(package(root), row("py312"), flags) == first) is (builder.produces == "sdist")


def test_an_editable_belongs_to_its_place(write: Trees, new_context: Contexts, package: Packages, row: Rows) -> None:
    roots = write({"setup.py": ""}, "here"), write({"setup.py": ""}, "there")
    answers = [EditableBuilder().fingerprint(package(root), row("py312"), new_context()) for root in roots]
    assert answers[0] != answers[1]


@pytest.mark.parametrize(
    ("tags", "requires", "name", "fits"),
    [
        ("py3-none-any", "", "py37", True),
        ("py2-none-any py3-none-any", "", "py312", True),
        ("py2-none-any", "", "py312", False),
        ("py3-none-any", "", "py27", False),
        ("py2-none-any py3-none-any", "", "py27", True),
        ("py3-none-any", ">=3.12", "py311", False),
        ("py3-none-any", ">=3.12", "py312", True),
        ("py312-none-any", "", "py311", False),
        ("py311-none-any", "", "py312", True),
        ("cp311-abi3-linux_x86_64", "", "py313", True),
        ("cp311-abi3-linux_x86_64", "", "py310", False),
        ("cp312-cp312-linux_x86_64", "", "py312", True),
        ("cp312-cp312-linux_x86_64", "", "py313", False),
        ("cp312-cp312-manylinux_2_17_x86_64", "", "py312", True),
        ("cp312-cp312-win_amd64", "", "py312", False),
        ("cp312-cp312t-linux_x86_64", "", "py312", False),
        ("pp310-pypy310_pp73-linux_x86_64", "", "py310", False),
        ("", "", "py312", False),
        ("py3-none-any", "", "py399", True),
        ("cp312-cp312-linux_x86_64", "", "py399", False),
    ],
)
def test_fit(tags: str, requires: str, name: str, fits: bool, new_context: Contexts, row: Rows) -> None:
    assert (WheelBuilder().fit(wheel(tags, requires), row(name), new_context()) is not None) is fits


def test_the_closest_wheel_has_the_lowest_rank(new_context: Contexts, row: Rows) -> None:
    tags = ["cp312-cp312-linux_x86_64", "cp311-abi3-linux_x86_64", "py312-none-any", "py3-none-any"]
    ranks = [WheelBuilder().fit(wheel(each), row("py312"), new_context()) for each in tags]
    assert None not in ranks
    assert ranks == sorted(ranks, key=lambda rank: rank or 0)
    assert len(set(ranks)) == len(ranks)
    assert ranks[-1] == PURE


def test_an_sdist_fits_unless_its_metadata_speaks_against_it(new_context: Contexts, row: Rows) -> None:
    sdist = Artifact(kind="sdist", path="/x", name="x", version="1", digest="", facts={"requires_python": ">=3.12"})
    assert [SdistBuilder().fit(sdist, row(name), new_context()) for name in ("py311", "py312", "py399")] == [None, 0, 0]


@each_builder
def test_asking_starts_no_process_and_writes_nothing(
    builder: Builder, write: Trees, new_context: Contexts, package: Packages, row: Rows, tmp_path: Path
) -> None:
    context, root = new_context(), write({"pyproject.toml": '[project]\nrequires-python = ">=3.10"\n'})
    before = sorted(tmp_path.rglob("*"))
    builder.probe(package(root), row("py312"), context)
    builder.variant(package(root), row("py312"), context)
    builder.fingerprint(package(root), row("py312"), context)
    assert context.commands == []
    assert sorted(tmp_path.rglob("*")) == before


HEAVY = {
    "pathlib", "re", "subprocess", "hashlib", "tomllib", "inspect", "importlib.metadata", "packaging", "build",
    "pyproject_hooks", "zipfile", "tarfile", "email", "tempfile", "shutil", "logging",
}  # fmt: skip
HOT = """
import sys
from types import SimpleNamespace
sys.path[:0] = {paths!r}
import dataclasses  # the contract asks for one: Options
import kern.api
known = set(sys.modules)
from kern.api import EnvSpec, PackageSpec
from kern_wheel.{module} import {name}
from kern_wheel.options import BuildOptions
builder = {name}()
package = PackageSpec(name="x", builder="x", root={root!r}, options=BuildOptions())
spec = EnvSpec(name="py", factors=("py",), options=SimpleNamespace(base_python=()), location="/x", project_dir={root!r})
context = SimpleNamespace(environ={{"PATH": "/usr/bin", "HOME": {root!r}}})
assert builder.probe(package, spec, context) is None
builder.variant(package, spec, context)
builder.fingerprint(package, spec, context)
print(*sorted(set(sys.modules) - known))
"""


@pytest.mark.parametrize(
    ("module", "name"), [("sdist", "SdistBuilder"), ("wheel", "WheelBuilder"), ("editable", "EditableBuilder")]
)
def test_a_run_with_nothing_to_build_imports_nothing_heavy(module: str, name: str, write: Trees) -> None:
    root = str(write({"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.10,<4"\n'}))
    code = HOT.format(paths=[path for path in sys.path if path], module=module, name=name, root=root)
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not {each for each in done.stdout.split() if each in HEAVY}
    assert "kern_wheel.rows" in done.stdout.split()


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert kern_wheel.__version__ == project["version"]
    modules = {f"kern_wheel.{kind}:{kind.capitalize()}Builder" for kind in ("sdist", "wheel", "editable")}
    assert set(project["entry-points"]["kern.builder"].values()) == modules
