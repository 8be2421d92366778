"""What is installed, kept in the user's cache so that nothing needs to be discovered twice.

The index lists every entry point of kern's groups together with what it was read from: each existing directory of
``sys.path`` with its modification time and inode. Installing, removing or upgrading a distribution changes the
modification time of its directory, so a run that finds all of them unchanged needs neither stevedore (60 ms) nor
`importlib.metadata` (35 ms). A cache that can't be read, written or understood is the same as none.

Two rules keep it true. What changed less than two seconds ago is stored as unknown, since a second change inside the
same tick of the file system's clock could not be told from the first. And where only the modification time of a
directory is another (somebody made a file in it), the distributions in it are compared by name, time and inode.
"""

import json
import os
import sys
import time
import zlib

from kern.named_tuples import NamedTuple

GROUPS = ("kern.provider", "kern.builder", "kern.activator", "kern.adopter", "kern.locker", "kern.hooks")
"""The entry point groups of kern, in the order in which they are shown."""

SCHEMA = 1
_YOUNG = 2_000_000_000
_METADATA = (".dist-info", ".egg-info", ".egg")


class Entry(NamedTuple):
    """One entry point: the names of what it offers and of who offers it.

    Attributes:
        group: one of `GROUPS`.
        name: what the configuration calls it.
        target: ``module:attribute``.
        distribution: name of the distribution, as its metadata has it.
        version: its version; empty where the metadata has none.
    """

    group: str
    name: str
    target: str
    distribution: str
    version: str


class Damage(NamedTuple):
    """A distribution whose entry points can't be read."""

    distribution: str
    version: str
    reason: str


class Stamp(NamedTuple):
    """A directory of ``sys.path`` at one moment; ``mtime`` is 0 where it was too young to be relied on."""

    path: str
    mtime: int
    inode: int
    listing: int


class Index(NamedTuple):
    """All that was found.

    Attributes:
        entries: every entry point of kern's groups, doubles included.
        damaged: distributions that may hold more, but can't be read.
        satisfied: requirements of configurations that were found to be met by what is installed.
        stamps: what it was read from.
        scanned: whether this process has read it from the distributions itself, not from the cache.
    """

    entries: tuple[Entry, ...]
    damaged: tuple[Damage, ...]
    satisfied: tuple[str, ...]
    stamps: tuple[Stamp, ...]
    scanned: bool


def cache_dir() -> str:
    """The user's cache directory of kern, absolute; it need not exist (XDG base directory specification)."""
    chosen = os.environ.get("KERN_CACHE_DIR")
    if chosen:
        return os.path.abspath(chosen)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "kern")


def index_path() -> str:
    """Where the index of this interpreter's environment is kept."""
    key = f"{sys.prefix}\0{sys.version}".encode(errors="surrogateescape")
    return os.path.join(cache_dir(), f"plugins-{zlib.crc32(key):08x}.json")


def current() -> Index:
    """What is installed now: the kept index if nothing changed since, else a new one."""
    kept = _read()
    if kept is None:
        return rescan()
    stamps = _confirmed(kept.stamps)
    if stamps is None:
        return rescan()
    if stamps != kept.stamps:
        kept = kept._replace(stamps=stamps)
        keep(kept)
    return kept


def rescan() -> Index:
    """Read all distributions through stevedore and `importlib.metadata`, and keep what was found."""
    from kern.drivers import scan

    stamps = _stamps()
    entries, damaged = scan.scan()
    index = Index(entries, damaged, (), stamps, scanned=True)
    keep(index)
    return index


def keep(index: Index) -> None:
    """Write the index, readable by its owner alone, in one step; a cache that can't be written is left alone."""
    from kern.errors import KernError
    from kern.store.layout import claim

    path = index_path()
    content = {
        "schema": SCHEMA,
        "stamps": index.stamps,
        "entries": index.entries,
        "damaged": index.damaged,
        "satisfied": index.satisfied,
    }
    draft = f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        claim(os.path.dirname(path))
        _write(draft, json.dumps(content).encode())
        os.replace(draft, path)
    except (OSError, KernError):
        _discard(draft)


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _discard(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def _read() -> Index | None:
    """The kept index, or ``None``. A file that somebody else could have written is not believed: it names code to run."""
    try:
        with open(index_path(), "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            content = json.load(file)
        return _parsed(content)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _parsed(content: object) -> Index | None:
    if not isinstance(content, dict) or content["schema"] != SCHEMA:
        return None
    index = Index(
        entries=tuple(Entry(*row) for row in content["entries"]),
        damaged=tuple(Damage(*row) for row in content["damaged"]),
        satisfied=tuple(content["satisfied"]),
        stamps=tuple(Stamp(*row) for row in content["stamps"]),
        scanned=False,
    )
    texts = [text for row in (*index.entries, *index.damaged, index.satisfied) for text in row]
    return index if all(type(text) is str for text in texts) else None


def _stamps() -> tuple[Stamp, ...]:
    now = time.time_ns()
    return tuple(_stamp(path, mtime, inode, now) for path, mtime, inode in _places())


def _stamp(path: str, mtime: int, inode: int, now: int) -> Stamp:
    return Stamp(path, _settled(mtime, now), inode, _listing(path, now))


def _settled(mtime: int, now: int) -> int:
    return 0 if abs(now - mtime) < _YOUNG else mtime


def _places() -> list[tuple[str, int, int]]:
    """Path, modification time and inode of each existing entry of ``sys.path``, in order, each once."""
    found: dict[str, tuple[str, int, int]] = {}
    for entry in sys.path:
        path = os.path.abspath(entry)
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            continue
        found.setdefault(path, (path, status.st_mtime_ns, status.st_ino))
    return list(found.values())


def _listing(path: str, now: int = 0) -> int:
    """One number for the distributions in a directory: it differs when one comes, goes or is replaced.

    With ``now`` those that are too young to be relied on count as unknown, so that the number never occurs again.
    -1 stands for what can't be listed.
    """
    try:
        with os.scandir(path) as found:
            rows = sorted(_identity(entry, now) for entry in found if entry.name.endswith(_METADATA))
    except OSError:
        return -1
    return zlib.crc32(repr(rows).encode(errors="surrogateescape"))


def _identity(entry: os.DirEntry[str], now: int) -> tuple[str, int, int]:
    status = entry.stat()
    return entry.name, _settled(status.st_mtime_ns, now), status.st_ino


def _confirmed(kept: tuple[Stamp, ...]) -> tuple[Stamp, ...] | None:
    """The stamps as they are now, or ``None`` if something may have been installed, removed or replaced."""
    now = time.time_ns()
    places = _places()
    if [stamp.path for stamp in kept] != [path for path, _, _ in places]:
        return None
    confirmed = []
    for stamp, (path, mtime, inode) in zip(kept, places, strict=True):
        if (stamp.mtime, stamp.inode) != (mtime, inode):
            if stamp.listing == -1 or stamp.listing != _listing(path):
                return None
            stamp = Stamp(path, _settled(mtime, now), inode, stamp.listing)  # noqa: PLW2901
        confirmed.append(stamp)
    return tuple(confirmed)
