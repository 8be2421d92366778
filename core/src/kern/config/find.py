"""Which directory is the project and which file configures it."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from kern.config.place import Source
from kern.errors import ConfigError, UsageError

KERN_TOML = "kern.toml"
PYPROJECT = "pyproject.toml"


class Found(NamedTuple):
    """The project directory, its configuration (``source`` is ``None`` when it has none) and the parsed table."""

    directory: str
    source: Source | None
    table: dict[str, Any]


def find(start: str, config: str = "") -> Found:
    """Look for the project from a directory upwards.

    The nearest folder with a ``kern.toml``, or a ``pyproject.toml`` that has a ``[tool.kern]`` table, wins; without
    any, the nearest folder with a ``pyproject.toml`` is a project without configuration.

    Args:
        start: directory to start from.
        config: a configuration file that the user named, empty to look for one.

    Raises:
        UsageError: the named file or directory is not there, or there is no project at all.
        ConfigError: the file is no TOML, or has two configurations beside each other.
    """
    if not os.path.isdir(start):
        raise UsageError(f"there is no directory {start}")
    if config:
        return _named(os.path.abspath(os.path.join(start, config)))
    bare = ""
    for directory in _upwards(os.path.abspath(start)):
        found = _configured(directory)
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


def _upwards(directory: str) -> list[str]:
    chain = [directory]
    while os.path.dirname(directory) != directory:
        directory = os.path.dirname(directory)
        chain.append(directory)
    return chain


def _named(path: str) -> Found:
    if not os.path.isfile(path):
        raise UsageError(f"there is no configuration file {path}")
    if os.path.basename(path) == PYPROJECT:
        found = _from_pyproject(path)
        return found if found is not None else Found(os.path.dirname(path), Source(path, ("tool", "kern")), {})
    return Found(os.path.dirname(path), Source(path, ()), read_toml(path))


def _configured(directory: str) -> Found | None:
    own = os.path.join(directory, KERN_TOML)
    shared = os.path.join(directory, PYPROJECT)
    if os.path.isfile(own):
        if os.path.isfile(shared) and _from_pyproject(shared) is not None:
            raise ConfigError(
                "kern is configured twice, in kern.toml and in [tool.kern] of pyproject.toml",
                where=directory,
                hint="keep one of the two",
            )
        return Found(directory, Source(own, ()), read_toml(own))
    return _from_pyproject(shared) if os.path.isfile(shared) else None


def _from_pyproject(path: str) -> Found | None:
    if b"tool" not in (content := _read(path)) or b"kern" not in content:
        return None  # parsing TOML costs more than all the rest of a start
    tool = _parse(path, content).get("tool")
    table = tool.get("kern") if isinstance(tool, dict) else None
    if table is None:
        return None
    source = Source(path, ("tool", "kern"))
    if not isinstance(table, dict):
        raise ConfigError("tool.kern must be a table", where=source.where())
    return Found(os.path.dirname(path), source, table)


def read_toml(path: str) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        ConfigError: it can't be read, is not UTF-8 or is no TOML; names the line.
    """
    return _parse(path, _read(path))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", where=path) from error


def _parse(path: str, content: bytes) -> dict[str, Any]:
    import tomllib

    name = os.path.basename(path)
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise ConfigError("is not UTF-8, which TOML files must be", where=f"{name}:{number}") from error
    except tomllib.TOMLDecodeError as error:
        message, line = _explained(str(error))
        raise ConfigError(f"is not valid TOML: {message}", where=f"{name}:{line}" if line else name) from error
    except RecursionError as error:
        raise ConfigError("is nested too deeply", where=name) from error


def _explained(text: str) -> tuple[str, str]:
    """Split ``Expected '=' (at line 3, column 5)`` into its sentence and its place."""
    message, _, place = text.partition(" (at ")
    if not place.startswith("line "):
        return text[:1].lower() + text[1:], ""
    line = place.removeprefix("line ").split(",")[0]
    column = place.partition("column ")[2].rstrip(")")
    return message[:1].lower() + message[1:], f"{line}:{column}"
