"""The verb ``kern plugins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.cli.opening import print_json, write
from kern.drivers import registry
from kern.visible import visible_lines

if TYPE_CHECKING:
    from kern.cli.declarations import PluginsArguments
    from kern.drivers.facts import Plugin


def main(arguments: PluginsArguments) -> int:
    """Print the installed plugins and their state; each is imported to find out."""
    from kern.hooks import complaint

    plugins = registry().plugins(check=True, check_hooks=complaint)
    if arguments.json:
        print_json({"schema": 1, "plugins": [plugin._asdict() for plugin in plugins]})
    else:
        write(_table(plugins))
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
