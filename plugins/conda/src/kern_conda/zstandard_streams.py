"""zstd as ``.conda`` packages need it: the standard library's from Python 3.14 on, before that its backport."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 9
"""Beyond it the time doubles for a per cent of the size."""

ZstdError = zstd.ZstdError


def compress(data: bytes) -> bytes:
    """One frame that holds the data."""
    return zstd.compress(data, level=LEVEL)


def decompress(data: bytes) -> bytes:
    """The data in one or more frames.

    Raises:
        ZstdError: they are damaged.
    """
    return zstd.decompress(data)
