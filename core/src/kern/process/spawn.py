"""Start one command, with nothing of kern in it but the three standard files. Runs in a keeper."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kern.process.wire import Order

_RESTORED = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGCHLD,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
"""What kern, or Python, or the user's shell may have set to be ignored: a command starts with the system's defaults."""


def start_command(order: Order, files: tuple[int, int, int]) -> int:
    """Start a command in the present directory, leading a session of its own unless it is in the foreground.

    Args:
        order: what to start.
        files: what becomes standard input, output and error; a foreground command has those of this process instead.

    Returns:
        Its process id.

    Raises:
        OSError: the system refuses.
    """
    copies = [] if order.foreground else [(file, number) for number, file in enumerate(files)]
    try:
        return os.posix_spawn(
            order.program,
            order.argv,
            order.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, file, number) for file, number in copies],
            setsid=not order.foreground,
            setsigmask=(),
            setsigdef=_RESTORED,
        )
    except NotImplementedError:  # a Python built on an old system has no ``setsid`` here, nor has macOS
        return _fork_and_execute(order, copies)


def _fork_and_execute(order: Order, copies: list[tuple[int, int]]) -> int:
    refusal, refuse = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _become(order, copies)
        except OSError as error:
            os.write(refuse, (error.errno or 0).to_bytes(4, "big"))
        finally:
            os._exit(127)
    os.close(refuse)
    code = os.read(refusal, 4)
    os.close(refusal)
    if code:
        os.waitpid(pid, 0)
        number = int.from_bytes(code, "big")
        raise OSError(number, os.strerror(number))
    return pid


def _become(order: Order, copies: list[tuple[int, int]]) -> None:
    if not order.foreground:
        os.setsid()
    for number in _RESTORED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for file, copy in copies:
        os.dup2(file, copy)
    os.execve(order.program, order.argv, order.environ)  # noqa: S606  (no shell is ever wanted)
