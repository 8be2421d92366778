"""Directories that kern makes and, because it can prove that it made them, may delete.

Each environment and each artifact has a directory of its own with a file ``.kern-owned`` in it: a token that is also in
the record, and the path at which the directory was made. Without this proof nothing is ever deleted. The rules:

* The token in the marker is the record's: kern made it, also if the checkout was moved or copied since.
* No record is left (somebody deleted the folder of records): the marker must name the very place where it is found.
* Nothing is in it, or nothing but a marker: there is nothing to lose. kern was killed while making or deleting it.
* Anything else, a symbolic link above all, is somebody's own: kern says so and leaves it alone.
"""

from __future__ import annotations

import json
import os
import stat

from kern.errors import KernError, StepFailed
from kern.store.files import create_file, failure, random_name, read_object, refusal
from kern.store.layout import DIRECTORY, find_folder, make_folder, one_component
from kern.store.records import read_record, remove_record, write_record

MARKER = ".kern-owned"
MAKING = "making"


def new_token() -> str:
    """A token for `make_directory`, to be put into the record before the directory is made."""
    return random_name()


def remake_directory(work: str, kind: str, name: str, path: str) -> str:
    """Make a directory anew for something that has a record; to be called under its lock.

    Before the first change the record says ``{"state": "making", "token": ...}``; the caller fills the directory and
    then replaces the record by one that says more and holds the same token. Killed at any point, this can be repeated.

    Args:
        work: absolute path of the work directory.
        kind: kind of the record.
        name: name of the record.
        path: absolute path of the directory, as `environment_path` gives it.

    Returns:
        The token.

    Raises:
        StepFailed: the disk is full or read-only.
        KernError: something is there that kern did not make, or that can't be deleted.
    """
    token = _forget(work, kind, name, path) or new_token()
    write_record(work, kind, name, {"state": MAKING, "token": token})
    return make_directory(work, path, token)


def discard_directory(work: str, kind: str, name: str, path: str) -> None:
    """Delete the directory of something and its record, whether they exist or not; to be called under its lock.

    Args:
        work: absolute path of the work directory.
        kind: kind of the record.
        name: name of the record.
        path: absolute path of the directory.

    Raises:
        KernError: the directory is not proven to be kern's own, or can't be deleted; its record does not say ready.
    """
    _forget(work, kind, name, path)
    remove_record(work, kind, name)


def _forget(work: str, kind: str, name: str, path: str) -> str | None:
    """Delete a directory, after its record has stopped saying that it is there; the token in the record."""
    record = read_record(work, kind, name) or {}
    token = record.get("token")
    token = token if isinstance(token, str) and token else None
    if record and record != {"state": MAKING, "token": token}:
        try:
            write_record(work, kind, name, {"state": MAKING, "token": token})
        except StepFailed:  # on a full disk there is still room to delete, and the marker alone proves enough
            remove_record(work, kind, name)
    remove_directory(work, path, token)
    return token


def make_directory(work: str, path: str, token: str | None = None) -> str:
    """Make a directory that kern may delete again; it must not be there yet.

    If it has a record, use `remake_directory`: the record must be there, and not say ready, before the directory is.

    Args:
        work: absolute path of the work directory.
        path: absolute path below it, as `environment_path` gives it.
        token: what `new_token` gave; ``None`` for a new one.

    Returns:
        The token that the marker holds.

    Raises:
        StepFailed: the disk is full or read-only; nothing is left behind.
        KernError: something is there already.
    """
    token = token or new_token()
    folders, name = _split(work, path)
    parent = make_folder(work, *folders)
    try:
        os.mkdir(name, dir_fd=parent)
        _mark(parent, name, path, token)
    except OSError as error:
        raise failure(error, path) from None
    finally:
        os.close(parent)
    return token


def _mark(parent: int, name: str, path: str, token: str) -> None:
    folder = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        create_file(folder, MARKER, json.dumps({"token": token, "path": path}).encode())
    except BaseException:
        from kern.store.removal import delete_tree

        delete_tree(parent, name)
        raise
    finally:
        os.close(folder)


def remove_directory(work: str, path: str, token: str | None) -> None:
    """Delete a directory that kern made; a missing one is fine.

    Args:
        work: absolute path of the work directory.
        path: absolute path below it.
        token: from the record; ``None`` if there is no record.

    Raises:
        KernError: it is not proven to be kern's own, or can't be deleted.
    """
    from kern.store.removal import discard

    folders, name = _split(work, path)
    parent = find_folder(work, *folders)
    if parent is None:
        return
    try:
        if _is_ours(parent, name, path, token):
            discard(work, parent, name, last=MARKER)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise failure(error, path) from None
    finally:
        os.close(parent)


def _is_ours(parent: int, name: str, path: str, token: str | None) -> bool:
    """True: delete it. False: there is nothing. Anything else raises."""
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(mode):
        raise refusal(path)
    folder = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        if _proven(_marker(folder), path, token) or _is_empty(folder):
            return True
    finally:
        os.close(folder)
    raise KernError(
        f"this directory does not carry the mark of kern in {MARKER}, so kern does not delete it",
        where=path,
        hint="if nothing in it is needed, move it away by hand and run again",
    )


def _proven(marker: tuple[str, str] | None, path: str, token: str | None) -> bool:
    if marker is None:
        return False
    return marker[0] == token if token else _same_place(marker[1], path)


def _is_empty(folder: int) -> bool:
    """Whether a directory holds nothing, or nothing but a (perhaps unfinished) marker."""
    with os.scandir(folder) as entries:
        return all(entry.name == MARKER and entry.is_file(follow_symlinks=False) for entry in entries)


def _marker(folder: int) -> tuple[str, str] | None:
    """Token and path of the marker, if there is a proper one."""
    content = read_object(MARKER, folder)
    if content is None:
        return None
    token, path = content.get("token"), content.get("path")
    return (token, path) if isinstance(token, str) and isinstance(path, str) and token else None


def belongs_here(path: str, token: str) -> bool:
    """Whether the directory at ``path`` is the one that was made with this token, and at this place.

    A moved or copied checkout brings directories along whose scripts still name the old place: theirs is ``False``.

    Args:
        path: absolute path of the directory.
        token: from the record.
    """
    try:
        content = read_object(f"{path}/{MARKER}")
    except OSError:
        return False
    if content is None or content.get("token") != token or os.path.islink(path):
        return False
    return _same_place(content.get("path"), path)


def _same_place(recorded: object, path: str) -> bool:
    if recorded == path:
        return True
    try:
        return isinstance(recorded, str) and os.path.samefile(recorded, path)
    except (OSError, ValueError):
        return False


def _split(work: str, path: str) -> tuple[list[str], str]:
    """The folders between the work directory and the last component, and that."""
    work = work.rstrip("/")
    if not path.startswith(work + "/"):
        raise KernError(
            f"this is outside of the work directory {work}, so kern neither makes nor deletes it", where=path
        )
    *folders, name = (one_component(part) for part in path[len(work) + 1 :].split("/"))
    return folders, name


def flush(path: str) -> None:
    """Wait until everything on the file system of ``path`` would survive a power cut; as good as the system can.

    To be called once before the record of a new environment says that it is ready.
    """
    import ctypes

    folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syncfs = getattr(ctypes.CDLL(None), "syncfs", None)
        if syncfs is None:
            os.sync()
        else:
            syncfs(folder)
    finally:
        os.close(folder)
