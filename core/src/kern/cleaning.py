"""Remove what kern has made, and nothing else: every directory proves by its mark that it is kern's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.drivers import GROUPS
from kern.drivers.index import cache_dir
from kern.drivers.known import family
from kern.errors import KernError
from kern.named_tuples import NamedTuple
from kern.state import ARTIFACTS, ENVIRONMENTS
from kern.store.layout import FOLDERS, TAG, is_marked, is_own_name

if TYPE_CHECKING:
    from kern.session import Session


class Item(NamedTuple):
    """Something to remove.

    Attributes:
        kind: of its record; empty for what has none.
        name: of its record.
        path: where it is.
        root: the directory that must carry kern's mark, for what has no record: itself or the one that it is in.
    """

    kind: str
    name: str
    path: str
    root: str = ""


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
    return [Item("", "", folder, session.work_dir)] if os.path.isdir(folder) else []


def everything(session: Session) -> list[Item]:
    """All environments and artifacts, then what is left of the work directory."""
    rest = [Item("", "", session.work_dir, session.work_dir)] if os.path.isdir(session.work_dir) else []
    return [*environments(session, ()), *artifacts(session), *rest]


def cache() -> list[Item]:
    """The user's cache."""
    return [Item("", "", cache_dir(), cache_dir())] if os.path.isdir(cache_dir()) else []


def _names(folder: str) -> list[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) and not os.path.islink(folder) else []


def clean(session: Session, item: Item) -> None:
    """Remove one thing.

    Raises:
        KernError: it is not kern's, or can't be removed.
    """
    if item.root:
        _refuse_foreign(session, item.root)
        _remove(item.path)
        return
    with session.lock(f"env.{item.name}" if item.kind == ENVIRONMENTS else f"artifact.{item.name}", exclusive=True):
        record = session.state.read(item.kind, item.name) or {}
        if item.kind == ENVIRONMENTS and record.get("provider"):
            from kern.steps.disposing import dispose

            dispose(session, record["provider"], item.path, item.name)
        session.state.discard(item.kind, item.name, item.path)


def _refuse_foreign(session: Session, root: str) -> None:
    """Raise unless a directory carries kern's mark and there is nothing in it but what kern makes."""
    hint = "remove it by hand if you mean it"
    if os.path.islink(root) or not is_marked(root):
        raise KernError(
            f"this directory has no mark of kern in {TAG}, so kern does not delete it", where=root, hint=hint
        )
    drivers = _drivers(session)
    for name in os.listdir(root):
        if not _is_made(name, drivers):
            raise KernError(f"kern did not make {name} in it, so kern does not delete it", where=root, hint=hint)


def _is_made(name: str, drivers: frozenset[str]) -> bool:
    """Whether kern makes something of this name in a work directory or in the cache."""
    if name in FOLDERS or name in drivers or name in (TAG, ".gitignore"):
        return True
    index = name.startswith("plugins-") and name.endswith((".json", ".tmp"))
    return index or is_own_name(name.removeprefix("."))


def _drivers(session: Session) -> frozenset[str]:
    """The names of what drivers keep in the cache: those of their distributions, `kern.context.StepContext.cache_dir`."""
    found = {"kern", "work"}
    for group in GROUPS:
        found.update(family(group).values())
        for entry in session.registry.all(group):
            found.update((entry.distribution, entry.name))
    return frozenset(found)


def _remove(path: str) -> None:
    import shutil

    try:
        shutil.rmtree(path)
    except OSError as error:
        raise KernError(f"can't be removed: {error.strerror}", where=error.filename or path) from error
