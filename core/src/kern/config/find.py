"""Which directory is the project and which file configures it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.config.place import Source
from kern.config.reading import content_of
from kern.errors import ConfigError, UsageError
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from kern.config.reading import Reader

KERN_TOML = "kern.toml"
PYPROJECT = "pyproject.toml"


class Found(NamedTuple):
    """The project directory, its configuration (``source`` is ``None`` when it has none) and the parsed table."""

    directory: str
    source: Source | None
    table: dict[str, Any]


def find(start: str, config: str, reader: Reader) -> Found:
    """Look for the project from a directory upwards.

    The nearest folder with a ``kern.toml``, or a ``pyproject.toml`` that has a ``[tool.kern]`` table, wins; without
    any, the nearest folder with a ``pyproject.toml`` is a project without configuration.

    Args:
        start: directory to start from.
        config: a configuration file that the user named, empty to look for one.
        reader: reads the files.

    Raises:
        UsageError: the named file or directory is not there, or there is no project at all.
        ConfigError: the file is no TOML, or has two configurations beside each other.
    """
    if not os.path.isdir(start):
        raise UsageError(f"there is no directory {start}")
    if config:
        return _named(os.path.abspath(os.path.join(start, config)), reader)
    bare = ""
    for directory in _upwards(os.path.abspath(start)):
        found = _configured(directory, reader)
        if found is not None:
            return found
        if not bare and os.path.isfile(os.path.join(directory, PYPROJECT)):
            bare = directory
    if not bare:
        raise UsageError(
            f"there is no kern.toml and no pyproject.toml in {os.path.abspath(start)} or above it",
            hint="`kern init` writes a first kern.toml",
        )
    return Found(bare, None, {})


def is_project(start: str) -> bool:
    """Whether there is a file in a directory or above it that could make it a project."""
    return any(
        os.path.isfile(os.path.join(directory, name))
        for directory in _upwards(os.path.abspath(start))
        for name in (KERN_TOML, PYPROJECT)
    )


def _upwards(directory: str) -> list[str]:
    chain = [directory]
    while os.path.dirname(directory) != directory:
        directory = os.path.dirname(directory)
        chain.append(directory)
    return chain


def _named(path: str, reader: Reader) -> Found:
    if not os.path.isfile(path):
        raise UsageError(f"there is no configuration file {path}")
    if os.path.basename(path) == PYPROJECT:
        found = _from_pyproject(path, reader)
        return found if found is not None else Found(os.path.dirname(path), Source(path, ("tool", "kern")), {})
    return Found(os.path.dirname(path), Source(path, ()), reader.read(path))


def _configured(directory: str, reader: Reader) -> Found | None:
    own = os.path.join(directory, KERN_TOML)
    shared = os.path.join(directory, PYPROJECT)
    if os.path.isfile(own):
        if os.path.isfile(shared) and _from_pyproject(shared, reader) is not None:
            raise ConfigError(
                "kern is configured twice, in kern.toml and in [tool.kern] of pyproject.toml",
                where=directory,
                hint="keep one of the two",
            )
        return Found(directory, Source(own, ()), reader.read(own))
    return _from_pyproject(shared, reader) if os.path.isfile(shared) else None


def _from_pyproject(path: str, reader: Reader) -> Found | None:
    if b"tool" not in (content := content_of(path)) or b"kern" not in content:
        return None
    tool = reader.parse(path, content).get("tool")
    table = tool.get("kern") if isinstance(tool, dict) else None
    if table is None:
        return None
    source = Source(path, ("tool", "kern"))
    if not isinstance(table, dict):
        raise ConfigError("tool.kern must be a table", where=source.where())
    return Found(os.path.dirname(path), source, table)
