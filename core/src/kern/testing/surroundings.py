"""What all plugins of one process share: its environment variables, directory, signals. No driver may change it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGPIPE)


def surroundings() -> dict[str, Any]:
    """What the process has now, by the words for it."""
    import locale

    umask = os.umask(0o077)
    os.umask(umask)
    return {
        "environment variables": {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")},
        "the working directory": os.getcwd(),
        "the umask": umask,
        "sys.path": list(sys.path),
        "signal handlers": [signal.getsignal(number) for number in _SIGNALS],
        "the locale": locale.setlocale(locale.LC_ALL),
    }


@contextmanager
def watched() -> Iterator[list[str]]:
    """Gives a list that has what was changed, in words, when the block has been left; all of it is put back."""
    before, changed = surroundings(), list[str]()
    try:
        yield changed
    finally:
        after = surroundings()
        changed += [what for what in before if before[what] != after[what]]
        if changed:
            _restore(before)


def _restore(before: dict[str, Any]) -> None:
    import locale

    kept = {name: text for name, text in os.environ.items() if name.startswith("PYTEST_")}
    os.environ.clear()
    os.environ.update({**before["environment variables"], **kept})
    os.chdir(before["the working directory"])
    os.umask(before["the umask"])
    sys.path[:] = before["sys.path"]
    for number, handler in zip(_SIGNALS, before["signal handlers"], strict=True):
        if handler is not None:
            signal.signal(number, handler)
    locale.setlocale(locale.LC_ALL, before["the locale"])
