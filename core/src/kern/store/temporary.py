"""Temporary directories of single steps, and the cleaning up after runs that were killed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from kern.errors import KernError
from kern.store.files import PREFIX, failure
from kern.store.layout import DIRECTORY, find_folder, is_own_name, make_folder, own_name
from kern.store.locks import hold, in_use
from kern.store.removal import delete_tree, empty_trash

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

_EVIDENCE_DAYS = 3.0
_UNFINISHED_SECONDS = 3600.0


def temporary_directory(work: str, label: str = "step") -> AbstractContextManager[str]:
    """A directory below ``tmp/`` for the length of a ``with`` block; a failure leaves it behind as evidence.

    Entering makes it and gives its absolute path. What stays behind is deleted by `tidy` after some days.

    Args:
        work: absolute path of the work directory.
        label: what it is for, any text; seen in its name.

    Raises:
        StepFailed: the disk is full or read-only.
    """
    return _Temporary(work, label)


class _Temporary:
    """What `temporary_directory` gives out."""

    def __init__(self, work: str, label: str) -> None:
        self._work = work
        self._name = own_name(label)
        self._descriptor = -1

    def __enter__(self) -> str:
        path = os.path.join(self._work, "tmp", self._name)
        parent = make_folder(self._work, "tmp")
        try:
            os.mkdir(self._name, 0o700, dir_fd=parent)
            self._descriptor = os.open(self._name, DIRECTORY, dir_fd=parent)
        except OSError as error:
            raise failure(error, path) from None
        finally:
            os.close(parent)
        hold(self._descriptor)
        return path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
        parent = find_folder(self._work, "tmp") if error is None else None
        if parent is None:
            return
        _try_to_delete(parent, self._name)
        os.close(parent)


def tidy(work: str, days: float = _EVIDENCE_DAYS) -> None:
    """Delete what earlier runs left: the trash, old temporary directories, unfinished records. Never fails, not for hot paths.

    Args:
        work: absolute path of the work directory.
        days: how long the temporary directory of a failed step is kept.
    """
    try:
        empty_trash(work)
        _delete_old(work, "tmp", time.time() - days * 86400)
        for kind in _names(work, "records"):
            _delete_unfinished(work, kind, time.time() - _UNFINISHED_SECONDS)
    except (KernError, OSError):
        return


def _names(work: str, *parts: str) -> list[str]:
    folder = find_folder(work, *parts)
    if folder is None:
        return []
    try:
        return os.listdir(folder)
    finally:
        os.close(folder)


def _delete_old(work: str, folder: str, before: float) -> None:
    parent = find_folder(work, folder)
    if parent is None:
        return
    try:
        for name in os.listdir(parent):
            if is_own_name(name) and _older(parent, name, before) and not in_use(parent, name):
                _try_to_delete(parent, name)
    finally:
        os.close(parent)


def _try_to_delete(parent: int, name: str) -> None:
    try:
        delete_tree(parent, name)
    except OSError:
        pass


def _delete_unfinished(work: str, kind: str, before: float) -> None:
    folder = find_folder(work, "records", kind)
    if folder is None:
        return
    try:
        for name in os.listdir(folder):
            if name.startswith("." + PREFIX) and _older(folder, name, before):
                os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)


def _older(folder: int, name: str, before: float) -> bool:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime < before
    except FileNotFoundError:
        return False
