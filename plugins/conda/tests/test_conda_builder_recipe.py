"""Recipes, followed by the real py-rattler-build on the real channel. Skipped where kern-conda[build] is not installed."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import ConfigError, PackageSpec, StepFailed
from kern.testing import BuilderCase, BuilderContract, KernProject, Workbench
from kern_conda.builder import CondaBuilder
from kern_conda.platforms import machine_platform
from kern_conda.provider import CondaProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kern.api import Artifact

pytestmark = pytest.mark.skipif(find_spec("rattler_build") is None, reason="py-rattler-build is not installed")

builder, provider = CondaBuilder(), CondaProvider()

NOARCH = """
package: {name: plain, version: "1.0"}
source: {path: .}
build:
  noarch: generic
  script: mkdir -p "$PREFIX/share/plain" && cp data.txt "$PREFIX/share/plain/"
about: {license: MIT}
"""
SEEN = """
context: {version: "1.0"}
package: {name: seen, version: "${{ version }}"}
build:
  number: 0
  SKIP
  script: mkdir -p "$SP_DIR" && echo "built = '$PY_VER'" > "$SP_DIR/seen.py"
requirements: {host: [python], run: [python]}
"""
SEVERAL = """
schema_version: 1
recipe: {name: several, version: "2.0"}
outputs:
  - package: {name: lib-a}
    build: {noarch: generic, script: 'mkdir -p "$PREFIX/share" && echo a > "$PREFIX/share/a"'}
  - package: {name: tool-z}
    build: {noarch: generic, script: 'cat "$PREFIX/share/a" > "$PREFIX/share/z"'}
    requirements: {host: [lib-a]}
"""


class TestContract(BuilderContract):
    @pytest.fixture
    def case(self, channel: str) -> BuilderCase:
        return BuilderCase(
            driver=builder,
            provider=provider,
            factors=("conda",),
            files={"recipe.yaml": NOARCH, "data.txt": "data"},
            options={"recipe": "recipe.yaml", "channels": [channel]},
            changes=[{"variants": {"x": "1"}}, {"channels": ["https://example.org/other"]}, {"output": "plain"}],
        )


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(str(tmp_path_factory.mktemp("recipes")))
    yield made
    made.close()


@pytest.fixture
def follow(bench: Workbench, channel: str, tmp_path: Path) -> Callable[..., Artifact]:
    """Build a recipe for a row."""

    def make(recipe: str, *factors: str, **options: Any) -> Artifact:
        (tmp_path / "recipe.yaml").write_text(recipe)
        package = bench.package(builder, {"recipe": "recipe.yaml", **options})
        package = PackageSpec("conda", "conda", str(tmp_path), package.options)
        spec = bench.spec(provider, (*factors, "conda"), {"channels": [channel]})
        return builder.build(package, spec, None, bench.context())

    return make


def test_a_package_for_each_python(follow: Callable[..., Artifact], bench: Workbench) -> None:
    made = follow(SEEN.replace("SKIP", ""), "py312")
    assert (made.kind, made.name, made.version) == ("conda", "seen", "1.0")
    assert made.facts["subdir"] == machine_platform()
    assert made.facts["build"].startswith("py312h")
    rows = [bench.spec(provider, (python, "conda"), {}) for python in ("py311", "py312", "linux")]
    assert [builder.fit(made, spec, bench.context()) for spec in rows] == [None, 0, None]


def test_what_the_recipe_skips_is_not_built(follow: Callable[..., Artifact]) -> None:
    recipe = SEEN.replace("SKIP", "skip: ['match(python, \">=3.12\")']")
    assert follow(recipe, "py311").facts["build"].startswith("py311h")
    with pytest.raises(StepFailed, match="makes no package for this environment"):
        follow(recipe, "py312")


def test_variants(follow: Callable[..., Artifact], tmp_path: Path) -> None:
    flavoured = SEEN.replace("SKIP", 'string: "py${{ python | version_to_buildstring }}_${{ flavour }}_0"')
    (tmp_path / "variants.yaml").write_text("python: ['3.11.*', '3.12.*']\nflavour: [sweet, sour]\n")
    with pytest.raises(StepFailed, match=r"several builds of seen.*flavour=sweet python=3\.12") as raised:
        follow(flavoured, "py312", variants_file="variants.yaml")
    assert "3.11" not in raised.value.message
    made = follow(flavoured, "py312", variants_file="variants.yaml", variants={"flavour": "sour"})
    assert made.facts["build"] == "py312_sour_0"
    with pytest.raises(ConfigError, match="there is no file"):
        follow(flavoured, "py312", variants_file="absent.yaml")


def test_several_outputs(follow: Callable[..., Artifact]) -> None:
    with pytest.raises(ConfigError, match="makes several packages: lib-a, tool-z"):
        follow(SEVERAL)
    assert follow(SEVERAL, output="tool-z").name == "tool-z"
    with pytest.raises(ConfigError, match="makes no package 'tool-y'"):
        follow(SEVERAL, output="tool-y")


def test_the_solver_says_why(follow: Callable[..., Artifact]) -> None:
    recipe = SEEN.replace("SKIP", "").replace("host: [python]", "host: [python, tool-a >=2, tool-b]")
    with pytest.raises(StepFailed, match=r"can't be had together: python 3\.12\.\*, tool-a >=2, tool-b") as raised:
        follow(recipe, "py312")
    assert "libbase" in raised.value.tail


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("package: {name: x}\n", "the recipe failed: "),
        ("a: b: c", "the recipe failed: "),
        (NOARCH.replace("cp data.txt", "cp absent.txt"), "the recipe failed: "),
    ],
)
def test_a_recipe_that_fails(follow: Callable[..., Artifact], recipe: str, message: str) -> None:
    with pytest.raises(StepFailed) as raised:
        follow(recipe)
    assert raised.value.message.startswith(message)
    assert raised.value.where.endswith("recipe.yaml")


PYTHON = """
package: {name: greet, version: "1.0"}
source: {path: ..}
build:
  noarch: python
  script: mkdir -p $SP_DIR && cp greet.py $SP_DIR/
  python: {entry_points: ["greet = greet:main"]}
requirements: {host: [python], run: [python >=3.9, apple]}
"""
KERN = """
requires = ["kern-conda"]
env_list = ["py3{11,12}-conda"]
[env.conda]
channels = ["CHANNEL"]
[package.conda]
recipe = "recipe/recipe.yaml"
"""


def test_one_noarch_recipe_serves_all_rows(kern_project: KernProject, channel: str) -> None:
    files = {
        "recipe/recipe.yaml": PYTHON,
        "greet.py": "def main():\n    print('one')\n",
        "kern.toml": KERN.replace("CHANNEL", channel),
    }
    kern_project.write(files)
    kern_project.run("--no-test")
    assert len(list(Path(kern_project.root, ".kern", "artifacts").glob("*/*.conda"))) == 1
    bins = [Path(kern_project.root, ".kern", "envs", f"py3{minor}-conda", "bin") for minor in (11, 12)]
    said = [subprocess.run([str(each / "greet")], capture_output=True, text=True, check=True).stdout for each in bins]
    assert said == ["one\n", "one\n"]
    assert subprocess.run([str(bins[0] / "python"), "-c", "import apple"], check=False).returncode == 0
    assert "built" not in kern_project.run("--no-test").err
