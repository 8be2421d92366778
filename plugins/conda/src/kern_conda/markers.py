"""Which of a project's requirements hold where: environment markers (PEP 508) asked for one machine and many Pythons.

A noarch package has one list of dependencies for all. What depends on the Python or on the platform is decided when it
is built, and the package is then bound to the Pythons and platforms for which the same requirements hold.
"""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from packaging.markers import Marker
    from packaging.requirements import Requirement

Minor = tuple[int, int]

MINORS: tuple[Minor, ...] = ((2, 7), *((3, minor) for minor in range(41)))
"""The Pythons that are thought of; behind the last, everything is as for the last."""

PLATFORMS = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "osx": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    "win": {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
}
_VIRTUAL = {
    frozenset(("linux", "osx", "win")): (),
    frozenset(("linux", "osx")): ("__unix",),
}
_CPYTHON = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
_PYTHON = re.compile(r"python_version|python_full_version|implementation_version")
_PLATFORM = re.compile(r"sys_platform|platform_system|os_name")
_EXACT = re.compile(r"python_full_version|implementation_version")
_UNKNOWN = re.compile(r"platform_release|platform_version")
_VERSION = re.compile(r"\b\d+\.\d+\.\d+\b")


class Undecidable(ValueError):  # noqa: N818 - what is true of a marker, not what went wrong
    """A marker that can't be decided when a package is built; its text says why."""

    def __init__(self, requirement: Requirement, why: str) -> None:
        """Keep the requirement, and what is wrong."""
        super().__init__(why)
        self.requirement = requirement


class Holding(NamedTuple):
    """The requirements that hold for a row, and for which Pythons and platforms just these do.

    Attributes:
        requirements: in the order of the metadata.
        lowest: the first Python minor, ``None`` where no older one has other requirements.
        beyond: the first Python minor that has other requirements again, ``None`` if none has.
        virtual_packages: that bind a package to the platforms, ``__unix`` for one.
    """

    requirements: tuple[Requirement, ...]
    lowest: Minor | None
    beyond: Minor | None
    virtual_packages: tuple[str, ...]


def platform_family() -> str:
    """``linux``, ``osx`` or ``win``: which of `PLATFORMS` this machine is."""
    return {"darwin": "osx", "win32": "win"}.get(sys.platform, "linux")


def holding(
    requirements: Sequence[Requirement], extras: Iterable[str], pythons: Sequence[Minor], row: Minor | None
) -> Holding:
    """Find the requirements that hold for a row.

    Args:
        requirements: all of a distribution's.
        extras: that are asked for.
        pythons: the minors that the distribution is for, ascending.
        row: the row's; ``None`` if it names none.

    Raises:
        Undecidable: a marker asks for what is not known.
    """
    wanted = ("", *extras)
    family = platform_family()

    def chosen(python: Minor, platform: str = family) -> _Chosen:
        found = ((index, _holds(each, python, platform, wanted)) for index, each in enumerate(requirements))
        return tuple((index, verdict) for index, verdict in found if verdict is not False)

    here = row if row is not None else pythons[-1]
    if row is None:
        _demand_equal(requirements, [chosen(python) for python in pythons])
    _demand_decided(requirements, chosen(here), here)
    run = _run_around(here, pythons, chosen)
    alike = frozenset(name for name in PLATFORMS if all(chosen(python, name) == chosen(here) for python in run))
    after = pythons.index(run[-1]) + 1
    return Holding(
        tuple(requirements[index] for index, _ in chosen(here)),
        run[0] if run[0] != pythons[0] else None,
        pythons[after] if after < len(pythons) else None,
        _VIRTUAL.get(alike, (f"__{family}",)),
    )


_Chosen = tuple[tuple[int, bool | None], ...]
"""Indexes of requirements that hold; with ``None``, of those that hold for some releases of a Python only."""


def _run_around(here: Minor, pythons: Sequence[Minor], chosen: Callable[[Minor], _Chosen]) -> list[Minor]:
    """The unbroken run of Pythons around one for which the same is chosen."""
    start = end = pythons.index(here)
    while start > 0 and chosen(pythons[start - 1]) == chosen(here):
        start -= 1
    while end + 1 < len(pythons) and chosen(pythons[end + 1]) == chosen(here):
        end += 1
    return list(pythons[start : end + 1])


def _demand_equal(requirements: Sequence[Requirement], everywhere: Sequence[_Chosen]) -> None:
    common, some = set.intersection(*map(set, everywhere)), set.union(*map(set, everywhere))
    for index, _ in sorted(some - common, key=lambda pair: pair[0]):
        raise Undecidable(
            requirements[index], "holds for some Pythons only, and the environment does not say which it has"
        )


def _demand_decided(requirements: Sequence[Requirement], chosen: _Chosen, python: Minor) -> None:
    for index, verdict in chosen:
        if verdict is None:
            raise Undecidable(requirements[index], f"holds for some releases of Python {python[0]}.{python[1]} only")


def _holds(requirement: Requirement, python: Minor, platform: str, extras: tuple[str, ...]) -> bool | None:
    """Whether a requirement holds; ``None`` if for some releases of the Python only."""
    if requirement.marker is None:
        return True
    text = str(requirement.marker)
    if _UNKNOWN.search(text):
        raise Undecidable(requirement, "depends on the version of an operating system")
    # Most markers ask for few things: an extra, one variable. What they don't ask for need not be tried.
    return _answer(
        requirement.marker,
        python if _PYTHON.search(text) else MINORS[-1],
        platform if _PLATFORM.search(text) else platform_family(),
        extras,
    )


@lru_cache(maxsize=4096)
def _answer(marker: Marker, python: Minor, platform: str, extras: tuple[str, ...]) -> bool | None:
    answers = {_evaluate(marker, full, platform, extras) for full in _full_versions(str(marker), python)}
    return answers.pop() if len(answers) == 1 else None


def _full_versions(text: str, python: Minor) -> list[str]:
    """The releases of a Python at which a marker may change its mind."""
    prefix = f"{python[0]}.{python[1]}."
    if not _EXACT.search(text):
        return [f"{prefix}0"]
    named = [int(found.rpartition(".")[2]) for found in _VERSION.findall(text) if found.startswith(prefix)]
    micros = {0, 99, *named, *(micro + 1 for micro in named)}
    return [f"{prefix}{micro}" for micro in sorted(micros)]


def _evaluate(marker: Marker, full: str, platform: str, extras: tuple[str, ...]) -> bool:
    environment = {
        **_CPYTHON,
        **PLATFORMS[platform],
        "platform_machine": os.uname().machine,
        "python_version": full.rpartition(".")[0],
        "python_full_version": full,
        "implementation_version": full,
    }
    return any(marker.evaluate({**environment, "extra": extra}) for extra in extras)
