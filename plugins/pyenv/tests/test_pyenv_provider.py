"""Environments on every interpreter of this machine, through pyenv's names; builds and vetoes go by them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kern.api import Artifact, PackageSpec
from kern.options import fields_of
from kern_pyenv.options import PyenvOptions
from kern_pyenv.provider import PyenvProvider
from kern_venv.options import VenvOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import RealContext
    from kern.api import EnvSpec

RUNNING = ".".join(map(str, sys.version_info[:3]))
MINOR = f"py{sys.version_info[0]}{sys.version_info[1]}"


def test_it_has_every_option_of_a_virtual_environment() -> None:
    """Written out twice, since a named tuple extends no other: type, default and meaning must stay the same."""
    ours, theirs = ({field.name: field for field in fields_of(options)} for options in (PyenvOptions, VenvOptions))
    del theirs["base_python"]
    assert {name: ours.get(name) for name in theirs} == theirs


def test_an_environment_on_every_version(
    each_version: str, context: RealContext, make_spec: Callable[..., EnvSpec], tmp_path: Path
) -> None:
    provider = PyenvProvider()
    spec = make_spec(f"{each_version}-pyenv")
    obstacle = provider.probe(spec, context)
    if obstacle is not None:
        assert "no tool makes environments" in obstacle.reason
        return
    (tmp_path / "envs" / spec.name).mkdir(parents=True)
    environment = provider.provision(spec, context)
    assert environment.activator == "venv"
    assert environment.interpreter is not None
    said = "import sys; print('%d.%d.%d' % sys.version_info[:3]); print(sys.prefix)"
    shown = subprocess.run([environment.interpreter, "-c", said], capture_output=True, text=True, check=True).stdout
    version, prefix = shown.splitlines()
    assert version.startswith(each_version.rstrip("t"))
    assert prefix == spec.location
    assert provider.install(spec, environment, (), context) == {}
    assert str(tmp_path / "pyenv/versions" / each_version) in provider.fingerprint(spec, context)["interpreter"]


def test_wheels_are_built_for_and_judged_by_pyenv_s_interpreter(
    context: RealContext, make_spec: Callable[..., EnvSpec], tmp_path: Path
) -> None:
    wheel = pytest.importorskip("kern_wheel.wheel")
    spec = make_spec()
    builder = wheel.WheelBuilder()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.99"\n')
    package = PackageSpec(name="wheel", builder="wheel", root=str(tree), options=wheel.WheelBuilder.Options())
    veto = builder.probe(package, spec, context)
    assert veto is not None
    assert f"{spec.name} has {RUNNING.rpartition('.')[0]}" in veto.reason
    assert builder.variant(package, spec, context) == f"cp{MINOR[2:]}"
    assert builder.fit(_wheel(f"cp{MINOR[2:]}-cp{MINOR[2:]}-any"), spec, context) is None
    assert builder.fit(_wheel(f"cp{MINOR[2:]}-none-any"), spec, context) is not None
    assert builder.fit(_wheel("cp399-none-any"), spec, context) is None


def test_a_pure_wheel_of_python_3_is_refused_on_2(context: RealContext, make_spec: Callable[..., EnvSpec]) -> None:
    wheel = pytest.importorskip("kern_wheel.wheel")
    spec = make_spec("py27-pyenv")
    if PyenvProvider().probe(spec, context) is not None:
        pytest.skip("there is no Python 2.7 on this machine")
    assert wheel.WheelBuilder().fit(_wheel("py3-none-any"), spec, context) is None
    assert wheel.WheelBuilder().fit(_wheel("py2-none-any"), spec, context) is not None


def test_a_package_is_installed_and_drift_is_said(
    context: RealContext, make_spec: Callable[..., EnvSpec], tmp_path: Path
) -> None:
    from kern_pyenv.adopter import PyenvAdopter

    adopted = PyenvAdopter().adopt(RUNNING, context)
    assert adopted is not None
    drift = PyenvProvider().drift(make_spec(deps=("kern-surely-absent>=1",)), adopted, context)
    assert [line for line in drift if "kern-surely-absent" in line]
    assert not PyenvProvider().drift(make_spec(), adopted, context)
    other = PyenvProvider().drift(make_spec("3.2.1-pyenv"), adopted, context)
    assert [line for line in other if "wanted 3.2.1" in line], other


def _wheel(tags: str) -> Artifact:
    return Artifact(kind="wheel", path="/x.whl", name="x", version="1", digest="0", facts={"tags": tags})
