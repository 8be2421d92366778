"""What goes into the running of one command, and what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Request(NamedTuple):
    """One command to run.

    Attributes:
        argv: the program and its arguments; a program without a slash is looked up on the ``PATH`` of ``environ``.
        cwd: absolute path of the directory to run in.
        environ: the whole environment of the command; text that was no UTF-8 comes as ``surrogateescape``.
        timeout: seconds after which the command is told to end, and made to end if it does not; ``None`` for no bound.
        merge: whether standard error goes into standard output, in the order in which it was written.
        foreground: give the command kern's own terminal instead of capturing what it prints.
        always: run also while kern is stopping: a clean-up. A second stop ends it all the same.
    """

    argv: tuple[str, ...]
    cwd: str
    environ: Mapping[str, str]
    timeout: float | None = None
    merge: bool = True
    foreground: bool = False
    always: bool = False


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        exit_code: 0 to 255; ``-N`` for a command ended by signal N.
        timed_out: whether it was told to end because its time was over.
        stopped: whether it was told to end because kern was told to stop.
        survivors: how many processes were alive after the command itself had ended by its own doing; they are dead now.
        unkilled: how many processes could not be killed: another user's, or stuck inside the system.
    """

    exit_code: int
    timed_out: bool = False
    stopped: bool = False
    survivors: int = 0
    unkilled: int = 0
