"""Standard streams that may be closed, full or broken: make them safe to write to, and end without noise.

A closed descriptor would be taken by the next file that is opened, and everything printed would land in that file. A
full or broken one makes the interpreter complain on its way out, after all exit codes are decided.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TextIO

BROKEN_PIPE_CODE = 141
"""What a shell reports for a program that SIGPIPE ended: 128 + 13."""
OUTPUT_LOST_CODE = 74
"""``EX_IOERR`` of sysexits.h: what was to be printed is lost."""


def mend() -> None:
    """Put the null device in the place of each standard stream that was closed when kern was started."""
    if sys.stdin is not None and sys.stdout is not None and sys.stderr is not None:
        return
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            occupy(number)
            stream = open(number, "w" if number else "r", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def occupy(number: int) -> None:
    """Open the null device under a descriptor, if that is free, and let children inherit it."""
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened == number:
            os.set_inheritable(number, True)
        else:
            os.dup2(opened, number)
            os.close(opened)


def finish(code: int) -> int:
    """Write out what is still buffered, so that the interpreter has nothing left to fail at.

    Args:
        code: the exit code so far.

    Returns:
        The exit code: 141 if nobody reads the output, 74 if it was lost and all was well otherwise.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            silence(stream)
            code = BROKEN_PIPE_CODE
        except (OSError, ValueError) as error:
            silence(stream)
            complain(stream, error)
            code = code or OUTPUT_LOST_CODE
    return code


def leave(code: int) -> NoReturn:
    """End the process without taking the interpreter apart, which would cost as much as reading a configuration does.

    What was registered to run at exit is run. A Ctrl-C can't strike any more, and print a traceback, in between.
    """
    import atexit

    try:
        atexit._run_exitfuncs()  # noqa: SLF001 - there is no other way to run them and not the rest
        finish(code)
    finally:
        os._exit(code)


def writable() -> bool:
    """Whether what is buffered can be written out."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return False
    return True


def silence(stream: TextIO) -> None:
    """Send what a stream still holds, and all that follows, to the null device."""
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())
        os.close(sink)
        stream.flush()
    except (OSError, ValueError):
        pass


def complain(stream: TextIO, error: Exception) -> None:
    """Say on standard error that standard output is lost."""
    if stream is sys.stdout:
        write(sys.stderr, f"error: standard output can't be written to: {getattr(error, 'strerror', None) or error}\n")


def write(stream: TextIO, text: str) -> None:
    """Write a text at once; where that can't be done nobody is listening, and nothing is to be done about it."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        silence(stream)
