"""The verb ``kern plugins``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.cli.opening import print_json, starting_directory, write
from kern.drivers import registry
from kern.errors import UsageError
from kern.visible import visible_lines

if TYPE_CHECKING:
    from kern.cli.declarations import PluginsArguments
    from kern.drivers.facts import Plugin

GOOD = ("ok", "denied")
"""States of plugins that nothing needs to be done about."""


def main(arguments: PluginsArguments) -> int:
    """List the plugins, say what is wrong with them, or write a new one."""
    match arguments.action:
        case ():
            return _list(arguments)
        case ("doctor",):
            return _doctor(arguments)
        case ("new", name):
            return _new(arguments, name)
    words = " ".join(arguments.action)
    raise UsageError(
        f"kern plugins can't do {words!r}", hint="kern plugins, kern plugins doctor, or kern plugins new NAME"
    )


def _found(arguments: PluginsArguments) -> tuple[Plugin, ...]:
    """All plugins; each is imported to find out about it, unless it is denied."""
    from kern.config.project import load
    from kern.config.reading import Reader
    from kern.hooks import complaint
    from kern.restrictions import restrictions

    reader = Reader()
    try:
        project = load(starting_directory(arguments.directory), arguments.config, reader)
    except UsageError:
        project = None
    registry().restrict(restrictions(project, reader, os.environ))
    return registry().plugins(check=True, check_hooks=complaint)


def _list(arguments: PluginsArguments) -> int:
    plugins = _found(arguments)
    if arguments.json:
        print_json({"schema": 1, "plugins": [plugin._asdict() for plugin in plugins]})
    else:
        write(_table(plugins))
    return 0


def _doctor(arguments: PluginsArguments) -> int:
    plugins = _found(arguments)
    bad = [plugin for plugin in plugins if plugin.state not in GOOD]
    if arguments.json:
        print_json({"schema": 1, "plugins": [plugin._asdict() for plugin in bad]})
        return 1 if bad else 0
    lines = [f"{plugin.reason}\n  hint: {plugin.hint or 'report it to its authors'}" for plugin in bad]
    well = len(plugins) - len(bad)
    lines.append(f"{well} of {len(plugins)} entry points are well")
    write(visible_lines("\n".join(lines)) + "\n")
    return 1 if bad else 0


def _new(arguments: PluginsArguments, name: str) -> int:
    from importlib.metadata import version

    from kern.scaffold import new_plugin

    directory = starting_directory(arguments.directory)
    place = new_plugin(name, directory, version("kern-core"), registry().names("kern.provider"))
    shown = os.path.relpath(place)
    write(f"wrote {shown}; next: cd {shown}, pip install -e . 'kern-core[testing]' pytest, pytest\n")
    return 0


def _table(plugins: tuple[Plugin, ...]) -> str:
    if not plugins:
        return "no plugins are installed\n"
    rows = [
        (
            plugin.state,
            plugin.group.removeprefix("kern."),
            plugin.name,
            f"{plugin.distribution} {plugin.version}",
            plugin.reason,
        )
        for plugin in plugins
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join((*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[4])) for row in rows
    ]
    return visible_lines("\n".join(line.rstrip() for line in lines)) + "\n"
