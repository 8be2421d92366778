"""The verb ``kern completion``: print a completion script."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kern.cli.completion import script

if TYPE_CHECKING:
    from kern.cli.declarations import CompletionArguments


def main(arguments: CompletionArguments) -> int:
    """Print the script for the shell that was named."""
    sys.stdout.write(script(arguments.shell))
    return 0
