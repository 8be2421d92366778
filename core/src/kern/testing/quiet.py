"""Where a driver may only look, or only write to where it was told to: heard from Python itself (PEP 578)."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from kern.errors import StepFailed
from kern.testing.trees import changes_between, tree_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kern.testing.workbench import Workbench

_PROCESSES = frozenset(
    ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.system", "os.spawn")
)
_NETWORK = frozenset(
    (
        *("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"),
        *("socket.sendto", "socket.sendmsg", "socket.bind"),
    )
)
_WRITES = frozenset(
    (
        *("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.chown"),
        *("os.truncate", "os.utime", "os.setxattr", "os.removexattr", "os.mkfifo", "os.mknod"),
    )
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PYTHONS_OWN = f"{os.sep}__pycache__{os.sep}"
_DEVICES = ("/dev/", "/proc/")

_listening: list[Callable[[str, tuple[Any, ...]], None]] = []


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    for listener in tuple(_listening):
        listener(event, arguments)


sys.addaudithook(_heard)


class LookOnly:
    """A context as the plan lends it: no processes, no locks, no log and no directories of a step."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.cache_dir = context.cache_dir  # making it is the kernel's doing
        self.output_dir = ""

    @property
    def work_dir(self) -> str:
        """There is none."""
        raise StepFailed("there is no directory for temporary files while the plan is made")

    def say(self, message: str) -> None:
        """Nowhere: the plan has no log."""

    def __getattr__(self, name: str) -> Any:
        if name in ("run", "start", "lock"):
            return _refuse
        return getattr(self._context, name)


@contextmanager
def only_looking(bench: Workbench) -> Iterator[Any]:
    """A context for what must only look.

    Raises:
        AssertionError: a process was started, the network was asked, or something was written; also where the driver
            took no notice of the exception that it got for that.
    """
    context = LookOnly(bench.context())
    before = tree_of(bench.project_dir)
    with _watching(_forbidden_to_lookers) as seen:
        yield context
    assert seen == [], f"a driver may only look here, and {', '.join(seen)}"
    assert changes_between(before, tree_of(bench.project_dir)) == [], "the project was written to"


@contextmanager
def only_importing() -> Iterator[None]:
    """Where a module is imported, which must do nothing else."""
    with _watching(_forbidden_to_lookers) as seen:
        yield
    assert seen == [], f"importing it must have no effect, and {', '.join(seen)}"


@contextmanager
def only_inside(root: str) -> Iterator[None]:
    """Where this process may write below a directory and nowhere else; what child processes do is not heard.

    Raises:
        AssertionError: something was written outside.
    """

    def outside(event: str, arguments: tuple[Any, ...]) -> str:
        written = [path for path in _written(event, arguments) if os.path.isabs(path)]
        found = [path for path in written if not f"{path}{os.sep}".startswith(root + os.sep)]
        return f"{found[0]} was written" if found else ""

    with _watching(outside) as seen:
        yield
    assert seen == [], f"a driver may write below {root} alone, and {', '.join(seen)}"


@contextmanager
def _watching(judge: Callable[[str, tuple[Any, ...]], str]) -> Iterator[list[str]]:
    """Refuse, and collect, what ``judge`` has words for, but for threads that were there before: kern's own."""
    own = threading.get_ident()
    others = {thread.ident for thread in threading.enumerate()} - {own}
    seen: list[str] = []

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if threading.get_ident() in others:
            return
        said = judge(event, arguments)
        if said:
            seen.append(said)
            raise AssertionError(said)

    _listening.append(listen)
    try:
        yield seen
    finally:
        _listening.remove(listen)


def _forbidden_to_lookers(event: str, arguments: tuple[Any, ...]) -> str:
    if event in _PROCESSES:
        return f"a process was started ({event})"
    if event in _NETWORK:
        return f"the network was asked ({event})"
    found = _written(event, arguments)
    return f"{found[0]} was written" if found else ""


def _written(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """The paths that an event writes to; Python's own compiled modules are nobody's doing."""
    if event == "open":
        names = arguments[:1] if isinstance(arguments[2], int) and arguments[2] & _WRITING else ()
    else:
        names = arguments[:2] if event in ("os.rename", "os.link") else arguments[:1] if event in _WRITES else ()
        names = arguments[1:2] if event == "os.symlink" else names
    paths = [os.fsdecode(name) for name in names if isinstance(name, str | bytes | os.PathLike)]
    if event == "open" and isinstance(arguments[1], str):  # all others may be relative to an open directory
        paths = [os.path.abspath(path) for path in paths]
    return [path for path in paths if _PYTHONS_OWN not in f"{path}{os.sep}" and not path.startswith(_DEVICES)]


def _refuse(*_: object, **__: object) -> NoReturn:
    raise AssertionError("a process was started, or a lock was taken, where a driver may only look")
