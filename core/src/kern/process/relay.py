"""Pass signals on to a command as they came: `kern exec` stands between its user and the command, and is not meant."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Forward = Callable[[int], None]
    """Sends the signal with a number to the command."""

NUMBERS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
_DONE = signal.SIGURG
"""Ends the waiting: a signal that does nothing to whom it is not meant for."""


class Relay:
    """While it is entered, what a process sends to kern goes on to the command.

    What the terminal sends goes to its whole group, the command among them, and is not sent again. Only a thread that
    waits for signals can tell one from the other (``si_code``), a handler can't. To be entered in the main thread.
    """

    def __init__(self, forward: Forward) -> None:
        """``forward`` is called in a thread of its own."""
        self._forward = forward
        self._leaving = False
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> None:
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*NUMBERS, _DONE})
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._leaving = True
        signal.pthread_kill(self._thread.ident or 0, _DONE)
        self._thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _listen(self) -> None:
        while not self._leaving:
            found = signal.sigwaitinfo({*NUMBERS, _DONE})
            if found.si_signo != _DONE and found.si_code <= 0:
                self._forward(found.si_signo)


class PlainRelay:
    """The same where the system can't say who sent a signal (macOS): what a terminal can send is left to it."""

    def __init__(self, forward: Forward) -> None:
        """``forward`` is called in the main thread."""
        self._forward = forward

    def __enter__(self) -> None:
        def handle(number: int, _: object) -> None:
            if number in (signal.SIGTERM, signal.SIGHUP):
                self._forward(number)

        self._before = {number: signal.signal(number, handle) for number in NUMBERS}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def relay(forward: Forward) -> Relay | PlainRelay:
    """A context manager that passes signals on."""
    return Relay(forward) if hasattr(signal, "sigwaitinfo") else PlainRelay(forward)
