"""The verb ``kern schema``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.cli.opening import print_json

if TYPE_CHECKING:
    from kern.cli.declarations import SchemaArguments


def main(arguments: SchemaArguments) -> int:
    """Print a JSON schema."""
    from kern.schemas import schema

    print_json(schema(arguments.kind))
    return 0
