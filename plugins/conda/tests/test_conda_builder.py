"""The builder as kern uses it: the contract, which builds are shared, and whole runs on the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import Artifact, ConfigError, EnvSpec, PackageSpec
from kern.testing import BuilderCase, BuilderContract, KernProject, Workbench
from kern_conda.builder import CondaBuilder
from kern_conda.builder_options import CondaBuildOptions
from kern_conda.package_rows import row_variant
from kern_conda.platforms import machine_platform
from kern_conda.provider import CondaProvider
from plugins.conda.tests.conda_wheels import wheel

if TYPE_CHECKING:
    from kern.api import Context

builder = CondaBuilder()


def as_wheel(path: str) -> Artifact:
    return Artifact(kind="wheel", path=path, name="demo", version="1.0", digest="1")


class TestContract(BuilderContract):
    @pytest.fixture
    def case(self) -> BuilderCase:
        return BuilderCase(
            driver=builder,
            provider=CondaProvider(),
            factors=("py312", "conda"),
            files={"pyproject.toml": "[project]\nname = 'demo'\nversion = '1.0'\n"},
            changes=[{"renames": {"x": "y"}}, {"extras": ["more"]}],
            source=lambda bench: as_wheel(wheel(Path(bench.root, "wheels"), headers="Requires-Dist: x\n")),
        )


def row(name: str, **options: Any) -> EnvSpec:
    """A row of an environment that brings its own Python."""
    return EnvSpec(name, tuple(name.split("-")), SimpleNamespace(**options), "/e", "/p")


def definition(root: str, **options: Any) -> PackageSpec:
    chosen = CondaBuildOptions(**options)
    return PackageSpec("conda", "conda", root, chosen, builder.source(chosen) or None)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Workbench(str(tmp_path / "bench")).context()


def test_it_is_built_from_the_wheel_unless_there_is_a_recipe() -> None:
    assert builder.source(CondaBuildOptions()) == "wheel"
    assert builder.source(CondaBuildOptions(recipe="recipe.yaml")) == ""


def test_variants() -> None:
    names = ["py312-conda", "conda-py3.11", "conda", "py3-conda"]
    assert [row_variant(row(name)) for name in names] == ["py312", "py311", "", ""]


@pytest.mark.parametrize(
    ("depends", "facts", "name", "rank"),
    [
        (("python >=3.9",), {"subdir": "noarch", "noarch": "python"}, "py312", 1),
        (("python >=3.9",), {"subdir": "noarch", "noarch": "python"}, "conda", 1),
        (("python >=3.13",), {"subdir": "noarch", "noarch": "python"}, "py312", None),
        (("python >=3.9", "python_abi 3.12.* *_cp312"), {"subdir": machine_platform()}, "py312", 0),
        (("python >=3.9", "python_abi 3.12.* *_cp312"), {"subdir": machine_platform()}, "py311", None),
        (("libx",), {"subdir": machine_platform()}, "py311", 0),
        (("libx",), {"subdir": "win-64"}, "py311", None),
        (("python >=3.11",), {"subdir": "noarch", "noarch": "python", "python": ">=3.11"}, "py311", 1),
        (("python >=3.11",), {"subdir": "noarch", "noarch": "python", "python": ">=3.11"}, "conda", None),
        (("python",), {"subdir": machine_platform(), "python": "3.12.*"}, "py311", None),
    ],
)
def test_fit(depends: tuple[str, ...], facts: dict[str, str], name: str, rank: int | None, context: Context) -> None:
    artifact = Artifact("conda", "/x.conda", "x", "1", "", depends, facts)
    assert builder.fit(artifact, row(name), context) == rank


def test_the_platform_is_the_environments(context: Context) -> None:
    artifact = Artifact("conda", "/x.conda", "x", "1", "", (), {"subdir": "osx-64"})
    assert builder.fit(artifact, row("conda", conda_platform="osx-64"), context) == 0


def test_vetoes(tmp_path: Path, context: Context) -> None:
    nothing = builder.probe(definition(str(tmp_path)), row("py312"), context)
    assert nothing is not None
    assert "neither pyproject.toml nor setup.py" in nothing.reason
    absent = builder.probe(definition(str(tmp_path), recipe="recipe.yaml"), row("py312"), context)
    assert absent is not None
    assert (absent.missing, absent.hint) == (False, "correct package.conda.recipe")


def test_the_extra_is_named(tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipe.yaml").write_text("")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    missing = builder.probe(definition(str(tmp_path), recipe="recipe.yaml"), row("py312"), context)
    assert missing is not None
    assert missing.missing
    assert missing.hint == "pip install 'kern-conda[build]'"


def test_no_secret_is_kept(context: Context) -> None:
    package = definition("/p", recipe="recipe.yaml", channels=("https://me:hush@example.org/c",))
    found = builder.fingerprint(package, row("py312"), context)
    assert found["channels"] == ["https://me:***@example.org/c"]
    environment = row("py312", channels=("https://example.org/t/hush/c",))
    assert "hush" not in str(builder.fingerprint(definition("/p", recipe="recipe.yaml"), environment, context))


def test_only_wheels_are_converted(tmp_path: Path, context: Context) -> None:
    sdist = as_wheel("/x.tar.gz")._replace(kind="sdist")
    for source in (None, sdist):
        with pytest.raises(ConfigError, match="a conda package is made of a wheel, or by a recipe"):
            builder.build(definition(str(tmp_path)), row("py312"), source, context)
    with pytest.raises(ConfigError, match="has a recipe, so it can't be built from sdist"):
        builder.build(definition(str(tmp_path), recipe="r.yaml"), row("py312"), sdist, context)


def test_it_starts_light() -> None:
    heavy = "packaging rattler rattler_build hashlib zipfile tarfile json.decoder email backports"
    code = f"import sys; import kern_conda.builder; print([m for m in {heavy.split()!r} if m in sys.modules])"
    clean = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
                           capture_output=True, text=True, check=True)  # fmt: skip
    assert clean.stdout.strip() == "[]"


PYPROJECT = """
[build-system]
requires = []
build-backend = "own_backend"
backend-path = ["tools"]

[project]
name = "demo"
version = "1.0"
requires-python = ">=3.9"
dynamic = ["dependencies"]
"""
BACKEND = """
import os, sys
from zipfile import ZipFile

def build_wheel(directory, settings=None, metadata_directory=None):
    with open(os.environ.get("DEMO_JOURNAL", "journal.txt"), "a") as journal:
        journal.write(sys.version[:4] + "\\n")
    name = "demo-1.0-py3-none-any.whl"
    headers = open("headers.txt").read()
    with ZipFile(os.path.join(directory, name), "w") as archive:
        archive.write("demo.py", "demo.py")
        archive.writestr("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n" + headers)
        archive.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr("demo-1.0.dist-info/entry_points.txt", "[console_scripts]\\ndemo = demo:main\\n")
        archive.writestr("demo-1.0.dist-info/RECORD", "")
    return name
"""
KERN = """
requires = ["kern-conda"]
env_list = ["py3{11,12}-{venv,conda}"]
[env.conda]
channels = ["{channel}"]
[package.wheel]
match = "venv"
sources = ["demo.py", "headers.txt"]
[package.conda]
match = "conda"
"""
MODULE = "VERSION = 'one'\n\n\ndef main():\n    print(VERSION)\n"


@pytest.fixture
def project(kern_project: KernProject, channel: str) -> KernProject:
    return kern_project.write(
        {
            "pyproject.toml": PYPROJECT,
            "tools/own_backend.py": BACKEND,
            "headers.txt": "Requires-Python: >=3.9\n",
            "demo.py": MODULE,
            "kern.toml": KERN.replace("{channel}", channel),
        }
    )


def prints(project: KernProject, name: str) -> str:
    program = Path(project.root, ".kern", "envs", name, "bin", "demo")
    return subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.strip()


def built(project: KernProject) -> list[str]:
    """The endings of the packages that were built."""
    return sorted(path.suffix for path in Path(project.root, ".kern", "artifacts").glob("*/demo-*"))


def test_one_wheel_and_one_conda_package_serve_all_rows(project: KernProject) -> None:
    first = project.run("--no-test")
    assert set(first.outcomes.values()) == {"passed"}
    assert built(project) == [".conda", ".whl"]
    assert [prints(project, f"py3{minor}-{kind}") for minor in (11, 12) for kind in ("venv", "conda")] == ["one"] * 4
    assert len(Path(project.root, "journal.txt").read_text().split()) == 1
    again = project.run("--no-test")
    assert "built" not in again.err

    # What is changed is built once more and only reinstalled, and no compiled module of the same size is left behind.
    python = Path(project.root, ".kern", "envs", "py312-conda", "bin", "python")
    subprocess.run([str(python), "-c", "import demo"], check=True)
    project.write({"demo.py": MODULE.replace("one", "two")})
    project.run("--no-test", "*-conda")
    assert [prints(project, "py311-conda"), prints(project, "py312-conda")] == ["two", "two"]
    assert len(Path(project.root, "journal.txt").read_text().split()) == 2

    project.kern("build", "conda", "--for", "py312-conda", "-o", "out", code=0)
    (package,) = Path(project.root, "out").iterdir()
    ready = project.run("--no-test", "--package", str(package), "*-conda")
    assert set(ready.outcomes.values()) == {"passed"}


def test_requirements_that_differ_are_built_for_each(project: KernProject) -> None:
    header = "Requires-Python: >=3.9\nRequires-Dist: apple; python_version < '3.12'\n"
    project.write({"headers.txt": header})
    project.run("--no-test", "*-conda")
    assert built(project) == [".conda", ".conda", ".whl"]
    found = {
        name: [path.name for path in Path(project.root, ".kern", "envs", name, "conda-meta").glob("apple-*.json")]
        for name in ("py311-conda", "py312-conda")
    }
    assert [len(each) for each in found.values()] == [1, 0]


def test_a_requirement_that_conda_does_not_know_is_an_error_of_the_row(project: KernProject) -> None:
    project.write({"headers.txt": "Requires-Dist: apple[red]\n"})
    failed = project.kern("run", "--no-test", "py312-conda", code=3)
    assert "the requirement apple[red] has extras, which conda packages have not" in failed.err + failed.out
    assert '"apple[red]" = "NAME"' in failed.err + failed.out
    mended = Path(project.root, "kern.toml").read_text() + '[package.conda.renames]\n"apple[red]" = "apple <2"\n'
    project.write({"kern.toml": mended})
    project.run("--no-test", "py312-conda")
    assert "ModuleNotFoundError" not in failed.err
    assert prints(project, "py312-conda") == "one"


def test_a_python_that_only_conda_has_needs_none_here(project: KernProject, tmp_path: Path) -> None:
    """The host shows one Python alone; the row's comes from the channel, the wheel is built by what there is."""
    empty = tmp_path / "home"
    empty.mkdir()
    project.environ.update({"PATH": "/usr/bin:/bin", "HOME": str(empty), "PYENV_ROOT": str(empty)})
    other = 11 if sys.version_info[1] == 12 else 12
    project.run("--no-test", f"py3{other}-conda")
    version = Path(project.root, "journal.txt").read_text().split()
    assert len(version) == 1
    assert prints(project, f"py3{other}-conda") == "one"
    project.write({"pyproject.toml": PYPROJECT.replace(">=3.9", ">=3.13")})
    refused = project.kern("plan", f"py3{other}-conda")
    assert f"requires Python >=3.13, py3{other}-conda has 3.{other}" in refused.out + refused.err
