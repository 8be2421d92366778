"""Remove what kern has made, and nothing else: every directory proves by its marker that it is kern's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from kern.drivers.index import cache_dir
from kern.errors import KernError
from kern.state import ARTIFACTS, ENVIRONMENTS

if TYPE_CHECKING:
    from kern.session import Session


class Item(NamedTuple):
    """Something to remove: its kind of record (empty for plain files), its name and its path."""

    kind: str
    name: str
    path: str


def environments(session: Session, selection: tuple[str, ...]) -> list[Item]:
    """The environments on disk that a selection means; all of them without one."""
    folder = os.path.join(session.work_dir, "envs")
    present = _names(folder)
    if selection:
        wanted = set(session.select(selection).names)
        present = [name for name in present if name.partition("@")[0] in wanted]
    return [Item(ENVIRONMENTS, name, os.path.join(folder, name)) for name in present]


def artifacts(session: Session) -> list[Item]:
    """Every artifact that was built."""
    folder = os.path.join(session.work_dir, "artifacts")
    return [Item(ARTIFACTS, name, os.path.join(folder, name)) for name in _names(folder)]


def logs(session: Session) -> list[Item]:
    """The logs of all runs."""
    folder = os.path.join(session.work_dir, "logs")
    return [Item("", "", folder)] if os.path.isdir(folder) else []


def everything(session: Session) -> list[Item]:
    """All environments and artifacts, then what is left of the work directory."""
    rest = [Item("", "", session.work_dir)] if os.path.isdir(session.work_dir) else []
    return [*environments(session, ()), *artifacts(session), *rest]


def cache() -> list[Item]:
    """The user's cache."""
    return [Item("", "", cache_dir())] if os.path.isdir(cache_dir()) else []


def _names(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) and not os.path.islink(folder) else []


def clean(session: Session, item: Item) -> None:
    """Remove one thing.

    Raises:
        KernError: it is not kern's, or can't be removed.
    """
    if not item.kind:
        _remove_own_tree(item.path)
        return
    with session.lock(f"env.{item.name}" if item.kind == ENVIRONMENTS else f"artifact.{item.name}", exclusive=True):
        record = session.state.read(item.kind, item.name) or {}
        if item.kind == ENVIRONMENTS and record.get("provider"):
            provider = session.registry.load("kern.provider", record["provider"])
            provider.dispose(item.path, session.context(record["provider"]))
        session.state.discard(item.kind, item.name, item.path)


OWN = frozenset({"envs", "records", "artifacts", "locks", "logs", "tmp", "trash", "kern", ".gitignore", "CACHEDIR.TAG"})
"""What kern makes in a work directory."""


def _remove_own_tree(path: str) -> None:
    import shutil

    if not _is_own(path):
        raise KernError(
            "it does not look like a directory that kern made", where=path, hint="remove it by hand if you mean it"
        )
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise KernError(f"can't be removed: {error.strerror}", where=error.filename or path) from error


def _is_own(path: str) -> bool:
    """Whether a directory is a work directory, kern's cache, or the logs in a work directory."""
    if os.path.islink(path):
        return False
    root = os.path.dirname(path) if os.path.basename(path) == "logs" else path
    if root == cache_dir():
        return True
    return os.path.exists(os.path.join(root, "CACHEDIR.TAG")) and OWN.issuperset(os.listdir(root))
