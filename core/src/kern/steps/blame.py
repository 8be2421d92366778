"""What lies behind a failure, where the tool that failed says it badly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.errors import KernError, StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

FULL = 64 * 1024
"""With less than so many bytes left hardly anything can be written."""
PLENTY = 1 << 30
"""With more than so many bytes left it is another disk that is full."""
WORDS = ("No space left on device", "[Errno 28]", "(os error 28)", "Disk quota exceeded")


def blamed(error: KernError, places: Iterable[str]) -> KernError:
    """A failure as it is, or the full disk that is behind it: a tool shows its own traceback then.

    Args:
        error: of a step.
        places: directories that steps write to.
    """
    if not isinstance(error, StepFailed) or error.message.startswith("the disk"):
        return error
    from kern.store import free_bytes

    left = {path: free_bytes(path) for path in places}
    path = min(left, key=lambda path: FULL if left[path] is None else left[path] or 0)
    free = left[path]
    said = any(word in f"{error.message} {error.tail}" for word in WORDS)
    if not said and (free is None or free >= FULL):
        return error
    if free is not None and free >= PLENTY:
        hint = "free some space where it writes to: a cache of its own, or the directory for temporary files"
        return StepFailed(
            f"a disk is full: {error.message}", where=error.where, hint=hint, log=error.log, tail=error.tail
        )
    known = "" if free is None else f", {free // 1024} KiB left"
    hint = "free some space there, or set KERN_WORK_DIR or KERN_CACHE_DIR to a directory on another disk"
    return StepFailed(f"the disk is full{known}", where=path, hint=hint, log=error.log)
