"""Rows whose environments bring their own Python: any of this machine's builds, the row's version decides what fits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from kern.api import Artifact, EnvSpec, StepFailed
from kern_wheel.editable import EditableBuilder
from kern_wheel.fitting import PURE
from kern_wheel.rows import row_interpreter, row_target
from kern_wheel.sdist import SdistBuilder
from kern_wheel.wheel import WheelBuilder

if TYPE_CHECKING:
    from plugins.wheel.tests.conftest import Contexts, Packages, Rows, Trees

builder = WheelBuilder()


def own(name: str) -> EnvSpec:
    """A row without an option to choose an interpreter of this machine."""
    return EnvSpec(name, tuple(name.split("-")), SimpleNamespace(), "/e", "/p")


def wheel(tags: str, requires_python: str = "") -> Artifact:
    facts = {"tags": tags, "requires_python": requires_python}
    return Artifact(kind="wheel", path="/x.whl", name="x", version="1", digest="", facts=facts)


def test_any_interpreter_builds(new_context: Contexts, row: Rows) -> None:
    context = new_context()
    assert row_interpreter(row("py399"), context) is None
    assert row_interpreter(own("py399"), context) == row_interpreter(row("py"), context)
    assert row_interpreter(own("py27"), context) == row_interpreter(row("py"), context)
    there = row_interpreter(row("py312"), context)
    if there is not None:
        assert row_interpreter(own("py312"), context) == there


def test_the_version_is_the_rows(new_context: Contexts) -> None:
    target = row_target(own("py399-conda"), new_context())
    assert target is not None
    assert (target.path, target.implementation, target.version) == ("", "cpython", (3, 99))
    assert row_target(own("conda"), new_context()) is None


def test_it_shares_a_build_with_rows_of_the_same_version(
    write: Trees, new_context: Contexts, package: Packages, row: Rows
) -> None:
    root = write({"setup.py": ""})
    for each in (builder, EditableBuilder()):
        names = ["py399-conda", "py312-conda", "conda"]
        assert [each.variant(package(root), own(n), new_context()) for n in names] == ["cp399", "cp312", ""]
        assert each.variant(package(root), row("py399"), new_context()) == ""


@pytest.mark.parametrize(
    ("tags", "requires", "name", "rank"),
    [
        ("py3-none-any", "", "py399", PURE),
        ("py3-none-any", "", "conda", PURE),
        ("py3-none-any", ">=3.12", "py399", PURE),
        ("py3-none-any", "<3.12", "py399", None),
        ("cp399-cp399-linux_x86_64", "", "py398", None),
        ("cp312-cp312-linux_x86_64", "", "conda", None),
    ],
)
def test_fit(tags: str, requires: str, name: str, rank: int | None, new_context: Contexts) -> None:
    assert builder.fit(wheel(tags, requires), own(name), new_context()) == rank


def test_requires_python_is_held_against_the_rows_version(
    write: Trees, new_context: Contexts, package: Packages
) -> None:
    root = write({"pyproject.toml": '[project]\nname = "x"\nrequires-python = "<3.20"\n'})
    for each in (builder, EditableBuilder(), SdistBuilder()):
        assert each.probe(package(root), own("py312-conda"), new_context()) is None
        assert each.probe(package(root), own("conda"), new_context()) is None
        veto = each.probe(package(root), own("py399-conda"), new_context())
        assert veto is not None
        assert "requires Python <3.20, py399-conda has 3.99" in veto.reason


def test_a_pure_wheel_is_built_for_it(in_tree: Trees, new_context: Contexts, package: Packages) -> None:
    artifact = builder.build(package(in_tree()), own("py399-conda"), None, new_context())
    assert artifact.facts["tags"] == "py3-none-any"


def test_a_wheel_for_the_python_that_built_it_is_refused(
    in_tree: Trees, new_context: Contexts, package: Packages
) -> None:
    with pytest.raises(StepFailed, match="does not fit the Python of py399-conda") as raised:
        builder.build(package(in_tree(), tag="cp311-cp311-linux_x86_64"), own("py399-conda"), None, new_context())
    assert "install one of the version" in raised.value.hint
