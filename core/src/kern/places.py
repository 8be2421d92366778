"""Where kern keeps a project's state when the project's own folder can't hold environments."""

from __future__ import annotations

import os
import zlib

from kern.drivers.index import cache_dir


def can_hold_environments(path: str) -> bool:
    """Whether programs below a path can be found and started.

    ``PATH`` can't carry its own separator; the ``#!`` line of a script ends at a line end and is cut at a tab; and many
    tools refuse paths that are not UTF-8.
    """
    if os.pathsep in path or not path.isprintable():
        return False
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def elsewhere(path: str) -> str:
    """A directory in the user's cache that stands for a path which can't hold environments; always the same for it."""
    data = os.fsencode(path)
    return os.path.join(cache_dir(), "work", f"{zlib.crc32(data):08x}{zlib.adler32(data):08x}{len(data)}")
