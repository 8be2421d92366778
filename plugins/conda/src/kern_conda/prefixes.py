"""What is in a conda prefix, by its own records; no process."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from kern.api import MARKER, StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kern.api import Environment

_STATE = os.path.join("conda-meta", "state")
_HISTORY = os.path.join("conda-meta", "history")
PIXI_PREFIX = os.path.join(".pixi", "envs", "default")
"""Where pixi makes the environment of a workspace: https://pixi.sh/latest/workspace/environment/"""
_METADATA_FILES = {"METADATA": ".dist-info", "PKG-INFO": ".egg-info"}


class Present(NamedTuple):
    """A package in a prefix: what its record in ``conda-meta`` says.

    Attributes:
        name: of the package.
        version: of the package.
        record: all of it, repodata's keys and more.
    """

    name: str
    version: str
    record: Mapping[str, Any]


def prefix_of(environment: Environment) -> str:
    """The prefix of an environment: its own directory, or the one inside it that pixi makes."""
    inside = environment.facts.get("prefix", "")
    return os.path.join(environment.location, inside) if inside else environment.location


def make_prefix(location: str, inside: str = "") -> str:
    """Make an empty prefix: what every conda tool knows one by is its history.

    Args:
        location: absolute path of a directory with nothing but the kernel's marker file.
        inside: where the prefix lies in it; empty for the directory itself.

    Returns:
        The prefix.

    Raises:
        StepFailed: there is something already.
    """
    if set(os.listdir(location)) - {MARKER}:
        raise StepFailed(f"{location} is not empty, so no environment is made there", where=location)
    prefix = os.path.join(location, inside) if inside else location
    os.makedirs(os.path.join(prefix, "conda-meta"))
    with open(os.path.join(prefix, _HISTORY), "x", encoding="utf-8"):
        pass
    return prefix


def check_prefix(location: str) -> None:
    """Refuse to write into what is no prefix.

    Raises:
        StepFailed: it has no ``conda-meta/history``.
    """
    if not os.path.isfile(os.path.join(location, _HISTORY)):
        raise StepFailed(
            f"{location} is no conda environment: it has no conda-meta/history",
            where=location,
            hint="make it anew with --recreate",
        )


def present_packages(prefix: str) -> list[Present]:
    """Read the packages of a prefix, by name.

    Raises:
        StepFailed: a record is damaged.
    """
    folder = os.path.join(prefix, "conda-meta")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    return [_read(os.path.join(folder, name)) for name in names]


def python_distributions(packages: Sequence[Present]) -> dict[str, str]:
    """Find the Python distributions that came with conda packages: their metadata folders' names to versions."""
    return dict(sorted(pair for package in packages for pair in _distributions(package.record.get("files", ()))))


def write_variables(prefix: str, variables: Mapping[str, str]) -> None:
    """Keep variables where every activation finds them: in ``conda-meta/state``, as ``conda env config vars`` does.

    Args:
        prefix: absolute path of the environment.
        variables: names to values; nothing is written if there are none.
    """
    if not variables:
        return
    with open(os.path.join(prefix, _STATE), "w", encoding="utf-8") as file:
        json.dump({"env_vars": dict(variables)}, file)


def _read(path: str) -> Present:
    try:
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        return Present(record["name"], record["version"], record)
    except (OSError, ValueError, KeyError, TypeError):
        raise StepFailed(f"{path} is damaged", where=path, hint="make it anew with --recreate") from None


def _distributions(files: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Read names and versions from ``site-packages/NAME-VERSION.dist-info/METADATA`` and its elders."""
    for path in files:
        folder, _, name = path.rpartition("/")
        suffix = _METADATA_FILES.get(name, ".egg-info" if name.endswith(".egg-info") else "")
        folder = path if name.endswith(".egg-info") else folder
        if suffix and folder.endswith(suffix):
            stem = folder.rpartition("/")[2].removesuffix(suffix)
            distribution, dash, version = stem.partition("-")
            if dash:
                yield distribution, version.partition("-py")[0]
