"""Files that nobody but the user can read: addresses of channels may hold tokens."""

from __future__ import annotations

import os
from contextlib import suppress


def write_private(path: str, text: str, mode: int = 0o600) -> None:
    """Write a file anew; what was there under that name, a link for one, is not followed."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "w", encoding="utf-8") as file:
        file.write(text)
