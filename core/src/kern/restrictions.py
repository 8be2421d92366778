"""What the user and the project say about plugins: ``[plugins]`` in the user's configuration and in the project's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.config.kinds import plugins
from kern.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.config.project import Project
    from kern.config.reading import Reader
    from kern.drivers.restrictions import Restriction


def user_configuration(environ: Mapping[str, str]) -> str:
    """The path of the user's own configuration; see the XDG base directory specification."""
    base = environ.get("XDG_CONFIG_HOME", "")
    home = base if os.path.isabs(base) else os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(home, "kern", "config.toml")


def restrictions(project: Project | None, reader: Reader, environ: Mapping[str, str]) -> tuple[Restriction, ...]:
    """What both say; a plugin has to be fine with each.

    Raises:
        ConfigError: a mistake in the user's configuration.
    """
    found = []
    path = user_configuration(environ)
    if os.path.exists(path):
        found.append(_restriction(_checked(_read(path, reader), path), path))
    if project is not None and project.plugins:
        found.append(_restriction(project.plugins, project.where("plugins")))
    return tuple(found)


def _read(path: str, reader: Reader) -> dict[str, Any]:
    try:
        return reader.read(path)
    except ConfigError as error:
        place = error.where.rpartition(os.path.basename(path))[2]  # ":3:7", and no word of whose file it is
        raise error.at(f"{path}{place}") from None


def _restriction(table: Mapping[str, tuple[str, ...]], where: str) -> Restriction:
    from kern.drivers.restrictions import Restriction

    return Restriction(table.get("allow", ()), table.get("deny", ()), where)


def _checked(table: dict[str, Any], path: str) -> dict[str, tuple[str, ...]]:
    unknown = [key for key in table if key != "plugins"]
    if unknown:
        raise ConfigError(
            f"unknown key {unknown[0]!r}", where=path, hint="the user's configuration has [plugins] alone"
        )
    try:
        checked: dict[str, tuple[str, ...]] = plugins(table.get("plugins", {}))
    except ValueError as error:
        raise ConfigError(f"plugins {error}", where=path) from None
    return checked
