"""Logs: one directory for each run, of which at least the last `KEPT` are kept, and ``latest`` pointing at the newest."""

from __future__ import annotations

import os
import time

from kern.named_tuples import NamedTuple
from kern.store.directories import MARKER, make_directory
from kern.store.files import failure, read_object
from kern.store.layout import DIRECTORY, find_folder, own_name, safe_name
from kern.store.locks import hold, in_use

KEPT = 10
_SLACK = 5
_OPEN = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class RunDirectory(NamedTuple):
    """Where the logs of one run go.

    Attributes:
        path: absolute path of the directory.
        descriptor: the open directory. While it is open, no other kern deletes it; close it, or leave that to the end
            of the process.
    """

    path: str
    descriptor: int


def new_run_directory(work: str) -> RunDirectory:
    """Make the directory for the logs of a run, named after the time (UTC) and the process, and forget old runs.

    Args:
        work: absolute path of the work directory.

    Raises:
        StepFailed: the disk is full or read-only.
        KernError: it can't be made for another reason.
    """
    path = _make(work)
    try:
        descriptor = os.open(path, DIRECTORY)
    except OSError as error:
        raise failure(error, path) from None
    hold(descriptor)
    folder = find_folder(work, "logs")
    if folder is not None:
        try:
            _point_at(folder, os.path.basename(path))
            _prune(folder)
        except OSError:
            pass  # a missing link or an old log too many is no reason to fail
        finally:
            os.close(folder)
    return RunDirectory(path, descriptor)


def _make(work: str) -> str:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = first = f"{work}/logs/{stamp}-{os.getpid()}"
    number = 1
    while os.path.lexists(path):  # a process id comes back soon in a container
        number += 1
        path = f"{first}-{number}"
    make_directory(work, path)
    return path


def _point_at(folder: int, name: str) -> None:
    """Let ``latest`` point at a run, unless somebody has a file or folder of that name."""
    try:
        os.readlink("latest", dir_fd=folder)
    except FileNotFoundError:
        pass
    unfinished = f".{own_name()}"
    os.symlink(name, unfinished, dir_fd=folder)
    os.replace(unfinished, "latest", src_dir_fd=folder, dst_dir_fd=folder)


def _prune(folder: int) -> None:
    runs = sorted((name for name in os.listdir(folder) if _is_run(name)), key=_order)
    if len(runs) <= KEPT + _SLACK:
        return
    from kern.store.removal import delete_tree

    for name in runs[:-KEPT]:
        if in_use(folder, name):
            continue
        if _is_ours(folder, name):
            delete_tree(folder, name, last=MARKER)
        else:
            _remove_empty(folder, name)


def _remove_empty(folder: int, name: str) -> None:
    """Remove what is left of a kern that was killed before it had marked its directory."""
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError:
        pass


def _is_run(name: str) -> bool:
    stamp, _, numbers = name.partition("-")
    return (
        len(stamp) == len("20260101T000000Z") and stamp[8] + stamp[15] == "TZ" and numbers.replace("-", "").isdecimal()
    )


def _order(name: str) -> tuple[str, list[int]]:
    stamp, *numbers = name.split("-")
    return stamp, [int(number or 0) for number in numbers]


def _is_ours(folder: int, name: str) -> bool:
    marker = read_object(f"{name}/{MARKER}", folder)
    return marker is not None and os.path.basename(str(marker.get("path"))) == name


def open_log(directory: str, name: str) -> int:
    """Open a log file for appending, readable by its user alone; made if missing.

    Args:
        directory: path of a `RunDirectory`.
        name: what it is the log of, any text.

    Returns:
        A descriptor for the caller to close.

    Raises:
        StepFailed: the disk is full or read-only.
        KernError: it can't be opened for another reason.
    """
    path = log_path(directory, name)
    try:
        return os.open(path, _OPEN, 0o600)
    except OSError as error:
        raise failure(error, path) from None


def log_path(directory: str, name: str) -> str:
    """Absolute path of the log file that `open_log` opens."""
    return f"{directory}/{safe_name(name)}.log"
