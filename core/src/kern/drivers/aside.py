"""What plugins print goes to standard error: standard output is for data alone, such as that of ``--json``."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

_lock = threading.Lock()
_inside = 0
_kept: TextIO | None = None


class Aside:
    """While any thread is in such a block, ``sys.stdout`` is standard error; kern's own reports hold other streams."""

    def __enter__(self) -> None:
        """Put it aside, unless that is done already."""
        global _inside, _kept  # noqa: PLW0603 - the stream is the process's too
        with _lock:
            if _inside == 0:
                _kept, sys.stdout = sys.stdout, sys.stderr
            _inside += 1

    def __exit__(self, *_: object) -> None:
        """Put it back when the last one leaves."""
        global _inside  # noqa: PLW0603
        with _lock:
            _inside -= 1
            if _inside == 0:
                sys.stdout = _kept


ASIDE = Aside()
