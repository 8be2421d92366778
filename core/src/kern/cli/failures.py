"""Tell the user what went wrong: a mistake or a failed step in words, a bug in kern as the path of a report.

Standard error has it for people, always; with ``--json`` standard output has it once more, for programs.
"""

from __future__ import annotations

import os
import sys
from errno import EACCES, EDQUOT, EFBIG, EIO, EMFILE, ENAMETOOLONG, ENFILE, ENOSPC, EPERM, EROFS

from kern.cli.quick import split
from kern.cli.streams import BROKEN_PIPE_CODE, OUTPUT_LOST_CODE, writable, write
from kern.errors import KernError, StepFailed, Stopped
from kern.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

BUG_EXIT_CODE = 70
"""``EX_SOFTWARE`` of sysexits.h."""
MACHINE_ERRORS = frozenset((EACCES, EDQUOT, EFBIG, EIO, EMFILE, ENAMETOOLONG, ENFILE, ENOSPC, EPERM, EROFS))
"""What the machine refuses, however well kern is written."""
HINTS = {
    ENOSPC: "free some space, kern clean --all helps, and run kern again",
    EDQUOT: "free some space, kern clean --all helps, and run kern again",
    EROFS: "set KERN_WORK_DIR to a directory that can be written to",
    EACCES: "check who owns it; KERN_WORK_DIR names another place for what kern makes",
    EPERM: "check who owns it; KERN_WORK_DIR names another place for what kern makes",
    EMFILE: "raise the limit of open files, see ulimit -n, or lower --jobs",
}
ISSUES = "https://github.com/kern-dev/kern/issues"


def report(error: BaseException, words: Sequence[str]) -> int:
    """Report a failure.

    Args:
        error: what was raised.
        words: the command line after the program's name.

    Returns:
        The exit code.
    """
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else BUG_EXIT_CODE * bool(error.code)
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE_CODE
    if isinstance(error, OSError) and error.filename is None and not writable():
        return OUTPUT_LOST_CODE
    known = explained(error) or bug(error, words)
    if known is None:
        return BUG_EXIT_CODE
    code = exit_code(error, known)
    write(sys.stderr, in_words(known))
    if "--json" in split(words)[0]:
        write(sys.stdout, in_json(known, code))
    return code


def exit_code(error: BaseException, known: KernError) -> int:
    """The exit code of a failure: a bug has its own."""
    return known.exit_code if explained(error) else BUG_EXIT_CODE


def explained(error: BaseException) -> KernError | None:
    """The failure as the user meets it, or ``None`` if only a bug explains it."""
    if isinstance(error, KernError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Stopped("interrupted")
    if isinstance(error, OSError) and error.errno in MACHINE_ERRORS:
        path = error.filename
        where = os.fsdecode(path) if isinstance(path, (str, bytes)) else ""
        return KernError((error.strerror or str(error)).lower(), where=where, hint=HINTS.get(error.errno or 0, ""))
    return None


def bug(error: BaseException, words: Sequence[str]) -> KernError | None:
    """Save the traceback of a failure that nobody foresaw, or print it where ``KERN_DEBUG`` is 1.

    Returns:
        The failure in words, ``None`` if it has been printed.
    """
    import traceback

    text = "".join(traceback.format_exception(error))
    if os.environ.get("KERN_DEBUG") == "1":
        write(sys.stderr, text)
        return None
    message = f"kern has a bug: {type(error).__name__}: {str(error) or 'no message'}"
    path = saved(text, next((word for word in words if word[:1] != "-"), ""))
    if not path:
        return StepFailed(message, hint=f"please report it at {ISSUES}", tail=text)
    return StepFailed(message, hint=f"please report it at {ISSUES} with that file", log=path)


def saved(text: str, verb: str) -> str:
    """Write a traceback to a new file that only its owner can read.

    Returns:
        Its path; empty if it could not be written.
    """
    import platform
    import tempfile

    from kern import __version__

    head = f"kern {__version__}, verb {verb or 'none'}, Python {platform.python_version()}, {platform.platform()}\n\n"
    try:
        number, path = tempfile.mkstemp(prefix="kern-bug-", suffix=".txt", text=True)
        with open(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(head + text)
    except OSError:
        return ""
    return path


def in_words(error: KernError) -> str:
    """A failure for a person to read."""
    parts = [f"error: {visible(error.message)}"]
    parts += [f"  at: {visible(error.where)}"] if error.where else []
    parts += [f"  log: {visible(error.log)}"] if error.log else []
    parts += [f"  | {visible(line)}" for line in tail_lines(error.tail)]
    parts += [f"hint: {visible(error.hint)}"] if error.hint else []
    return "\n".join(parts) + "\n"


def tail_lines(tail: str) -> list[str]:
    """The lines of a command's output, without its colours."""
    if not tail:
        return []
    import re

    return re.sub(r"\x1b\[[0-9;:]*m", "", tail).replace("\r\n", "\n").strip("\n").split("\n")


def in_json(error: KernError, code: int) -> str:
    """A failure for a program to read: one JSON object."""
    import json

    facts = {
        "kind": "Bug" if code == BUG_EXIT_CODE else type(error).__name__,
        "message": error.message,
        "where": error.where,
        "hint": error.hint,
        "log": error.log,
        "tail": error.tail,
        "exit_code": code,
    }
    return json.dumps({"schema": 1, "error": facts}) + "\n"
