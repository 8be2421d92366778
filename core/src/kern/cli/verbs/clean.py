"""The verb ``kern clean``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.cli.opening import open_session, write

if TYPE_CHECKING:
    from kern.cli.declarations import CleanArguments


def main(arguments: CleanArguments) -> int:
    """Remove what kern has made."""
    from kern.cleaning import clean, everything

    session = open_session(arguments)
    try:
        chosen = everything(session) if arguments.everything else []
        if not arguments.everything:
            from kern.cleaning import artifacts, environments, logs

            plain = not (arguments.artifacts or arguments.logs or arguments.cache)
            if arguments.selection or plain:
                chosen += environments(session, arguments.selection)
            chosen += artifacts(session) if arguments.artifacts else []
            chosen += logs(session) if arguments.logs else []
        if arguments.cache:
            from kern.cleaning import cache

            chosen += cache()
        for item in chosen:
            if not arguments.dry_run:
                clean(session, item)
            verb = "would remove" if arguments.dry_run else "removed"
            write(f"{verb} {os.path.relpath(item.path)}\n")
        return 0
    finally:
        session.close()
