"""The verb ``kern init``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.cli.opening import starting_directory, write
from kern.errors import UsageError

if TYPE_CHECKING:
    from kern.cli.declarations import InitArguments


def main(arguments: InitArguments) -> int:
    """Write a first kern.toml."""
    from kern.starting import first_configuration

    directory = starting_directory(arguments.directory)
    text = first_configuration(directory)
    if arguments.stdout:
        write(text)
        return 0
    path = os.path.join(directory, arguments.config or "kern.toml")
    if os.path.exists(path) and not arguments.force:
        raise UsageError("there is a configuration already", where=path, hint="--force replaces it")
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=path) from error
    write(f"wrote {os.path.relpath(path)}; `kern list` shows the environments, `kern run` runs them\n")
    return 0
