"""Requirements become conda's dependencies: names, markers, extras; and what can't is an error that says how to mend it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from kern.api import ConfigError, StepFailed
from kern_conda.dependencies import Dependencies, Metadata, Wish, make_dependencies
from kern_conda.package_rows import takes
from kern_conda.renames import DEFAULT, Renames
from plugins.conda.tests.conda_wheels import wish

OWN = {"linux": "__linux", "darwin": "__osx"}[sys.platform]


def of(*requirements: str, asked: Wish | None = None, requires_python: str = ">=3.9", extras: str = "") -> Dependencies:
    metadata = Metadata("Demo_Project", "1.0", requires_python, requirements, tuple(extras.split()))
    return make_dependencies(metadata, asked or wish())


def test_names_versions_and_python() -> None:
    found = of("B.Lib>=1,<2", "a_lib ~= 3.1", "a_lib!=3.4", requires_python=">=3.9,<4")
    assert found == Dependencies(
        "demo-project", ("python >=3.9,<4a0", "a-lib !=3.4", "a-lib >=3.1,3.*", "b-lib >=1,<2a0"), limited=False
    )
    assert of(requires_python="").depends == ("python",)


def test_names_are_conda_s() -> None:
    assert of("torch>=2", "build", "coverage[toml]").depends[1:] == ("coverage", "python-build", "pytorch >=2")
    own = Wish("conda", {"Torch": "pytorch-cpu", "demo.project": "demo-conda", "build": ""}, (), "py312-conda", (3, 12))
    found = of("torch>=2", "build", asked=own)
    assert (found.name, found.depends[1:]) == ("demo-conda", ("pytorch-cpu >=2",))


def test_every_default_name_is_a_name() -> None:
    assert Renames(DEFAULT).find("Torch") == "pytorch"
    assert all(Renames({}).find(key.partition("[")[0]) != key for key in DEFAULT)
    assert list(DEFAULT) == sorted(DEFAULT)


def test_a_rename_may_be_a_whole_spec() -> None:
    assert of("thing>=9", asked=wish(thing="other >=1,<2")).depends[1:] == ("other >=1,<2",)


@pytest.mark.parametrize(
    ("requirement", "row", "depends", "limited"),
    [
        ('tomli; python_version < "3.11"', (3, 12), ("python >=3.11",), True),
        ('tomli; python_version < "3.11"', (3, 10), ("python >=3.9,<3.11a0", "tomli"), True),
        ('tomli; python_version < "3.9"', (3, 12), ("python >=3.9",), False),
        ('tomli; python_version == "3.11"', (3, 11), ("python >=3.11,<3.12a0", "tomli"), True),
        ('tomli; python_full_version < "3.10.2"', (3, 12), ("python >=3.11",), True),
        ('tomli; python_full_version <= "3.11.0a6"', (3, 12), ("python >=3.11",), True),
        ('x; implementation_name == "cpython"', (3, 12), ("python >=3.9", "x"), False),
        ('x; platform_python_implementation != "CPython"', (3, 12), ("python >=3.9",), False),
        ('x; extra == "more"', (3, 12), ("python >=3.9",), False),
        ('x; sys_platform == "win32"', (3, 12), ("python >=3.9", "__unix"), False),
        ('x; os_name == "posix"', (3, 12), ("python >=3.9", "x", "__unix"), False),
        (f'x; sys_platform == "{sys.platform}"', (3, 12), ("python >=3.9", "x", OWN), False),
        ('x; sys_platform == "emscripten"', (3, 12), ("python >=3.9",), False),
        ('x; sys_platform == "win32" and python_version < "3.11"', (3, 12), ("python >=3.9", "__unix"), False),
    ],
)
def test_markers(requirement: str, row: tuple[int, int], depends: tuple[str, ...], limited: bool) -> None:
    found = of(requirement, asked=wish(python=row))
    assert (found.depends, found.limited) == (depends, limited)


def test_a_row_without_a_python_needs_markers_without_one() -> None:
    anywhere = wish(python=None)
    assert of('x; python_version >= "3"', asked=anywhere).depends == ("python >=3.9", "x")
    with pytest.raises(ConfigError, match="the environment does not say which it has") as raised:
        of('tomli; python_version < "3.11"', asked=anywhere)
    assert raised.value.where == "any-conda"
    assert "py312" in raised.value.hint


def test_extras_are_followed() -> None:
    requirements = (
        'fast-lib>=2; extra == "fast"',
        'demo-project[fast,plain]; extra == "all"',
        'plain-lib; extra == "plain"',
    )
    assert of(*requirements, extras="fast plain all").depends == ("python >=3.9",)
    assert of(*requirements, extras="fast plain all", asked=wish("Fast")).depends[1:] == ("fast-lib >=2",)
    both = of(*requirements, extras="fast plain all", asked=wish("all"))
    assert both.depends[1:] == ("fast-lib >=2", "plain-lib")


@pytest.mark.parametrize(
    ("requirement", "message", "key"),
    [
        ("x @ https://example.org/x.whl", "is a URL", '"x" = "NAME"'),
        ("x[b,a]>=1", "has extras", '"x[a,b]" = "NAME"'),
        ("x===1.0", "===1.0 compares text", '"x" = "NAME"'),
        ('x; platform_release > "5"', "depends on the version of an operating system", '"x" = ""'),
        ('x; python_full_version < "3.12.3"', "holds for some releases of Python 3.12 only", '"x" = ""'),
    ],
)
def test_what_conda_has_no_words_for(requirement: str, message: str, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        of(requirement)
    assert message in raised.value.message
    assert raised.value.message.startswith("the requirement x")
    assert raised.value.where == "package.conda.renames"
    assert key in raised.value.hint
    name = requirement.partition("]")[0] + "]" if "[" in requirement else "x"
    mended = Wish("conda", {name: ""}, (), "py312-conda", (3, 12))
    assert of(requirement, asked=mended).depends == ("python >=3.9",)


def test_a_url_is_mended_by_a_name() -> None:
    assert of("x @ https://example.org/x.whl", asked=wish(x="x-conda >=1")).depends[1:] == ("x-conda >=1",)


def _raises(error: type[Exception], call: Any) -> Any:
    with pytest.raises(error) as raised:
        call()
    return raised.value


def test_mistakes_of_the_user() -> None:
    unknown = _raises(ConfigError, lambda: of(extras="fast", asked=wish("slow")))
    assert (unknown.where, unknown.hint) == ("package.conda.extras", "it has fast")
    name = _raises(ConfigError, lambda: of("x", asked=wish(x="Not A Name")))
    assert "neither a conda package's name nor a MatchSpec" in name.message
    excluded = _raises(StepFailed, lambda: of(requires_python=">=3.13"))
    assert excluded.message == "Demo_Project requires Python >=3.13, py312-conda has 3.12"
    malformed = _raises(StepFailed, lambda: of("x >>> 1"))
    assert "malformed requirement 'x >>> 1'" in malformed.message


@pytest.mark.parametrize(
    ("constraint", "fits"),
    [
        (">=3.9", True),
        (">=3.12,<3.13.0a0", True),
        ("3.12.*", True),
        ("3.12", True),
        ("=3.12", True),
        ("3.11.*|3.12.*", True),
        ("*", True),
        (">=3.12.4", True),
        ("3.11.*", False),
        (">=3.13", False),
        ("<3.12a0", False),
        ("!=3.12.*", False),
        ("3.1*", True),
        ("what?", True),
    ],
)
def test_constraints_on_python(constraint: str, fits: bool) -> None:
    assert takes(constraint, (3, 12)) is fits
