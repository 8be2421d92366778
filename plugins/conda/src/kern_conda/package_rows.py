"""What a row of the matrix says about a conda package: its Python, its platform, and whether a package serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern_conda.platforms import machine_platform
from kern_venv import api as venv

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kern.api import Artifact, EnvSpec

_MINOR = 2
_LAST_MICRO = 99


def row_python(spec: EnvSpec) -> tuple[int, int] | None:
    """Major and minor version of the Python that a row's name asks for; ``None`` if it asks for none."""
    wish = venv.parse_wanted(venv.wanted_interpreters(spec.options, spec.factors)[0])
    if wish is None or len(wish.version) < _MINOR:
        return None
    return wish.version[0], wish.version[1]


def row_variant(spec: EnvSpec) -> str:
    """``py312``, or nothing for a row that asks for no Python."""
    version = row_python(spec)
    return f"py{version[0]}{version[1]}" if version else ""


def row_subdir(spec: EnvSpec) -> str:
    """The platform of a row: its option ``conda_platform`` where its provider has one, else this machine's."""
    return getattr(spec.options, "conda_platform", "") or machine_platform()


def rank(artifact: Artifact, spec: EnvSpec) -> int | None:
    """How well a conda package serves a row.

    Args:
        artifact: the package; its fact ``python`` says for which Pythons it was built, if not for all that it depends on.
        spec: the row.

    Returns:
        0 for one that is made for the row's platform, 1 for one that any platform takes, ``None`` for one of another
        platform or for another Python.
    """
    subdir = artifact.facts.get("subdir", "")
    if subdir not in {"noarch", row_subdir(spec)}:
        return None
    version, built_for = row_python(spec), artifact.facts.get("python", "")
    if version is None:
        return None if built_for else int(subdir == "noarch")
    constraints = [built_for, *python_constraints(artifact.requirements)]
    if not all(takes(constraint, version) for constraint in filter(None, constraints)):
        return None
    return int(subdir == "noarch")


def python_constraints(depends: Iterable[str]) -> list[str]:
    """What a package's dependencies say of Python's version: ``>=3.9``, ``3.12.*``."""
    parts = [each.split() for each in depends]
    return [each[1] for each in parts if len(each) > 1 and each[0] in {"python", "python_abi"}]


def takes(constraint: str, version: tuple[int, int]) -> bool:
    """Whether a version constraint of conda's takes some Python of a minor version.

    What is not understood is not held against it: the solver has the last word.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    candidates = [f"{version[0]}.{version[1]}.{micro}" for micro in (0, _LAST_MICRO)]
    for alternative in constraint.split("|"):
        try:
            specifiers = SpecifierSet(",".join(_as_specifier(clause) for clause in alternative.split(",")))
        except InvalidSpecifier:
            return True
        if any(specifiers.contains(each, prereleases=True) for each in candidates):
            return True
    return False


def _as_specifier(clause: str) -> str:
    """Spell ``3.12.*``, ``3.12`` and ``=3.12`` as PEP 440 does; a Python is only ever named to its minor version."""
    text = clause.strip()
    if text[:1] in {"<", ">", "!", "~"} or text.startswith("=="):
        return text
    bare = text.lstrip("=").removesuffix(".*")
    return f"=={bare}.*" if bare not in {"", "*"} else ""
