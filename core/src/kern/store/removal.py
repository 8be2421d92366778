"""Deleting directory trees without ever following a symbolic link or leaving the file system they are on.

What this module is given has been proven to be kern's own; see `kern.store.directories` for the proof.
"""

from __future__ import annotations

import errno
import os
import stat

from kern.errors import StepFailed
from kern.store.layout import DIRECTORY, find_folder, is_own_name, make_folder, own_name

_DEEPEST = 100
_ROUNDS = 100
_TRIES = 10
_NO_WAY_TO_TRASH = frozenset({errno.EXDEV, errno.ENOSPC, errno.EDQUOT, errno.EBUSY})


def delete_tree(parent: int, name: str, *, last: str = "") -> None:
    """Delete a directory and all in it; links are deleted, never followed; what vanishes meanwhile is fine.

    Args:
        parent: descriptor of the folder it is in.
        name: its name there; a missing one is fine.
        last: name of the file directly in it that goes last, so that a killed deletion can be told and repeated.

    Raises:
        OSError: something in it can't be deleted, or another file system is mounted in it.
    """
    try:
        top = _open_for_deleting(parent, name)
    except FileNotFoundError:
        return
    try:
        for _ in range(_ROUNDS):
            _empty(top, top, 0, os.fstat(top).st_dev, keep=last)
            if not set(os.listdir(top)) - {last}:
                break
        if last:
            _unlink(top, last)
    finally:
        os.close(top)
    _rmdir(parent, name)


def _empty(folder: int, top: int, depth: int, device: int, keep: str = "") -> None:
    if os.fstat(folder).st_dev != device:
        raise OSError(errno.EBUSY, "another file system is mounted there")
    with os.scandir(folder) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    for name, is_folder in entries:
        if is_folder:
            _delete_folder(folder, name, top, depth, device)
        elif name != keep:
            _unlink(folder, name)


def _delete_folder(parent: int, name: str, top: int, depth: int, device: int) -> None:
    try:
        folder = _open_for_deleting(parent, name)
    except FileNotFoundError:
        return
    try:
        if depth < _DEEPEST:
            _empty(folder, top, depth + 1, device)
        else:  # neither descriptors nor the stack should decide how deep a tree may be: its turn comes in the next round
            os.rename(name, own_name(), src_dir_fd=parent, dst_dir_fd=top)
    finally:
        os.close(folder)
    try:
        _rmdir(parent, name)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:  # somebody still writes into it: the next round deletes that as well
            raise


def _open_for_deleting(parent: int, name: str) -> int:
    """Open a directory and make sure that its owner may list and change it."""
    try:
        folder = os.open(name, DIRECTORY, dir_fd=parent)
    except PermissionError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise
        os.chmod(name, stat.S_IRWXU, dir_fd=parent)
        folder = os.open(name, DIRECTORY, dir_fd=parent)
    mode = os.fstat(folder).st_mode
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        try:
            os.fchmod(folder, stat.S_IMODE(mode) | stat.S_IRWXU)
        except PermissionError:
            pass  # somebody else's; deleting what is in it says so, unless it is empty
    return folder


def _unlink(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass


def _rmdir(parent: int, name: str) -> None:
    try:
        os.rmdir(name, dir_fd=parent)
    except FileNotFoundError:
        pass


def discard(work: str, parent: int, name: str, *, last: str) -> None:
    """Take a directory away at once by moving it into the trash, then delete it from there.

    Where it can't be moved (another file system, a full disk) it is deleted where it stands.

    Args:
        work: absolute path of the work directory.
        parent: descriptor of the folder it is in.
        name: its name there.
        last: see `delete_tree`.

    Raises:
        OSError: it could not be taken away.
        KernError: the trash is a link.
    """
    os.close(_open_for_deleting(parent, name))
    try:
        _into_trash(work, parent, name)
    except OSError as error:
        if error.errno not in _NO_WAY_TO_TRASH:
            raise
        delete_tree(parent, name, last=last)
    else:
        empty_trash(work)


def _into_trash(work: str, parent: int, name: str) -> None:
    for _ in range(_TRIES):
        trash = _open_trash(work)
        try:
            os.rename(name, own_name(), src_dir_fd=parent, dst_dir_fd=trash)
        except FileNotFoundError:  # another kern found the trash empty and removed it
            continue
        else:
            return
        finally:
            os.close(trash)
    raise OSError(errno.EBUSY, "the trash folder vanishes again and again")


def _open_trash(work: str) -> int:
    try:
        return make_folder(work, "trash")
    except StepFailed:
        raise OSError(errno.ENOSPC, "no room for the trash folder") from None


def empty_trash(work: str) -> None:
    """Delete what was moved into the trash, as far as that is possible; costs one system call when there is none.

    Only what kern itself put there is touched. What can't be deleted now is tried again the next time.
    """
    trash = find_folder(work, "trash") if os.path.lexists(f"{work}/trash") else None
    if trash is None:
        return
    try:
        _delete_own_names(trash)
    finally:
        os.close(trash)
    try:
        os.rmdir(f"{work}/trash")
    except OSError:
        pass  # not empty, or somebody else was quicker


def _delete_own_names(trash: int) -> None:
    for name in os.listdir(trash):
        if is_own_name(name):
            try:
                delete_tree(trash, name)
            except OSError:
                continue
