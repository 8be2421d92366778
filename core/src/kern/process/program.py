"""Which file a command's first word means, and, in words, why a command can't be started."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from kern.errors import StepFailed
from kern.process.wire import NO_DIRECTORY, Order, Status

if TYPE_CHECKING:
    from kern.process.values import Request


def find_program(name: str, path: str | None, cwd: str) -> str | None:
    """Look a program up as a POSIX shell does.

    Args:
        name: with a slash, a path relative to ``cwd``; else the name of a file in one of the directories of ``path``.
        path: directories separated by colons, an empty one meaning ``cwd``; ``None`` for the system's default.
        cwd: absolute path of the directory that relative paths start from.

    Returns:
        The absolute path of an executable file, or ``None``.
    """
    if not name or "\0" in name:
        return None
    return next(filter(_is_executable, _candidates(name, path, cwd)), None)


def make_order(request: Request) -> Order:
    """Everything of a request that its keeper must know, as the bytes that the system takes.

    Raises:
        StepFailed: there is no such program, or the system can't take the words.
    """
    if not request.argv:
        raise StepFailed("an empty command cannot be run", hint="name a program to run")
    if not request.argv[0]:
        hint = "{python} is empty where an environment has no interpreter"
        raise StepFailed("the command begins with an empty word, which names no program", hint=hint)
    _refuse_nul(request)
    environ = {os.fsencode(name): os.fsencode(value) for name, value in request.environ.items()}
    return Order(
        os.fsencode(_find_or_fail(request)),
        [os.fsencode(word) for word in request.argv],
        os.fsencode(request.cwd),
        environ,
        request.merge,
        request.foreground,
    )


def explain(request: Request, status: Status) -> StepFailed:
    """The error for a command that could not be started, from what the keeper says about it."""
    if status.kind == NO_DIRECTORY:
        return _no_directory(request, status.code)
    program = find_program(request.argv[0], request.environ.get("PATH"), request.cwd) or request.argv[0]
    reason, hint = _why_not_started(program, status.code)
    return StepFailed(reason, where=request.argv[0], hint=hint)


def _candidates(name: str, path: str | None, cwd: str) -> list[str]:
    if "/" in name:
        return [os.path.join(cwd, name)]
    directories = (os.defpath if path is None else path).split(":")
    return [os.path.join(cwd, directory, name) for directory in directories]


def _is_executable(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.X_OK)
    except OSError:
        return False


def _refuse_nul(request: Request) -> None:
    words = (*request.argv, request.cwd, *request.environ, *request.environ.values())
    if any("\0" in word for word in words):
        raise StepFailed(
            "a word, the directory or the environment of the command holds a NUL character, which no system can pass on",
            where=request.argv[0].replace("\0", "\\0"),
            hint="remove the NUL character from the setting that it comes from",
        )
    if any(not name or "=" in name for name in request.environ):
        raise StepFailed(
            "the environment of the command holds a variable whose name is empty or has a `=` in it",
            where=request.argv[0],
            hint="name it otherwise",
        )


def _find_or_fail(request: Request) -> str:
    name, path = request.argv[0], request.environ.get("PATH")
    program = find_program(name, path, request.cwd)
    if program is not None:
        return program
    if not os.path.isdir(request.cwd):
        raise _no_directory(request, errno.ENOENT)
    found = next(filter(os.path.lexists, _candidates(name, path, request.cwd)), None) if name else None
    if found is not None:
        reason, hint = _not_executable(found)
        raise StepFailed(reason, where=name, hint=hint)
    if "/" in name:
        raise StepFailed(f"there is no program `{name}` in {request.cwd}", where=name, hint="check the path")
    raise StepFailed(
        f"there is no program `{name}` on PATH",
        where=name,
        hint="install what brings it, or give its path; where kern makes the environment, add it to the dependencies",
    )


def _not_executable(path: str) -> tuple[str, str]:
    if os.path.isdir(path):
        return f"`{path}` is a directory, not a program", "name the program inside it"
    if not os.path.exists(path):
        return f"`{path}` is a link to a file that does not exist", "make its environment anew with --recreate"
    return f"`{path}` is not executable", f"chmod +x {path}, or run it through its interpreter"


def _no_directory(request: Request, code: int) -> StepFailed:
    cwd = request.cwd
    if not os.path.lexists(cwd):
        reason = f"the directory {cwd} to run the command in does not exist"
    elif not os.path.isdir(cwd):
        reason = f"{cwd}, where the command should run, is not a directory"
    else:
        reason = f"the directory {cwd} to run the command in cannot be entered: {os.strerror(code).lower()}"
    return StepFailed(reason, where=request.argv[0], hint="check `change_dir`")


def _why_not_started(program: str, code: int) -> tuple[str, str]:
    if code == errno.E2BIG:
        return (
            "the arguments and the environment of the command are together too long for this system",
            "pass fewer or shorter arguments, or pass them in a file",
        )
    if code == errno.ENOEXEC:
        return (
            f"`{program}` is neither a program for this machine nor a script with a #! line",
            "run it through its interpreter",
        )
    if code in (errno.EAGAIN, errno.ENOMEM):
        return "this machine has no room for another process", "run fewer jobs at once with -j"
    interpreter = _interpreter(program)
    if interpreter and code in (errno.ENOENT, errno.EACCES):
        return (
            f"the #! line of `{program}` names `{interpreter}`, which does not exist or is not executable",
            "make its environment anew with --recreate, or mend the #! line",
        )
    if code == errno.EACCES:
        return _not_executable(program)
    return f"`{program}` cannot be started: {os.strerror(code).lower()}", "run it by hand to see why"


def _interpreter(program: str) -> str:
    try:
        with open(program, "rb") as file:
            start = file.read(256)
    except OSError:
        return ""
    words = os.fsdecode(start.split(b"\n", 1)[0][2:]).split(maxsplit=1) if start.startswith(b"#!") else []
    return words[0] if words else ""
