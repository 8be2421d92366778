"""The digest of a source tree, for the price of one ``stat`` a file when nothing has changed.

`snapshot` gives a state, a JSON object that the caller keeps, and takes it back the next time. It holds every
directory with its times and every file with its size, times, inode and content hash:

* A directory whose times are the same is not listed. One whose times differ is, and only a name never seen there
  before leads to asking git anew which files count; caches that come and go do not.
* A file whose size, times and inode are the same is not read. One that differs is, and only its content, its path and
  whether it is executable go into the digest: a digest does not depend on times, or on the order of a listing.
* A file system's clock has steps, and two changes within one of them look like one. So what changed less than two
  seconds before a snapshot is kept without its times, and is looked at again the next time.

What git knows beyond ``.gitignore`` files and ``info/exclude`` is not watched: rules in the user's home, and ignored
files that are added to the index or taken out of it, are noticed the next time that a directory gets a new name.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kern.source_files import Listing

VERSION = 1
_NEVER = frozenset({
    ".git", ".hg", ".svn", ".kern", "kern.toml", ".tox", ".nox", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache",
    ".ruff_cache", ".hypothesis", ".coverage", "node_modules",
})  # fmt: skip
_NEVER_ENDS = (".pyc", ".pyo")
_NEVER_STARTS = ".coverage."
_RACY = 2_000_000_000
_MOST_CHANGED = 10
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Snapshot(NamedTuple):
    """A source tree as it is now.

    Attributes:
        digest: hexadecimal; equal digests mean equal paths, contents and executable files.
        state: what `snapshot` wants to have the next time. The very object that was given as ``previous`` if there is
            nothing new in it to be kept, even if ``unchanged`` says that the digest is the same anyway.
        changed: some of the paths that differ from ``previous``, relative to the root; empty without ``previous``.
        unchanged: whether the digest is that of ``previous``.
    """

    digest: str
    state: dict[str, Any]
    changed: tuple[str, ...]
    unchanged: bool


class _Drift(NamedTuple):
    """What looks different from the last time, in a tree of the same names."""

    directories: dict[str, list[int]]
    files: list[tuple[str, int]]


def snapshot(
    root: str,
    patterns: tuple[str, ...],
    previous: dict[str, Any] | None,
    run: Callable[[list[str], str], bytes | None] | None,
    left_out: Iterable[str] = (),
) -> Snapshot:
    """Digest a source tree.

    Args:
        root: absolute path of the tree.
        patterns: what counts of it, as in a ``.gitignore`` file; empty for everything that git would not ignore.
        previous: the state of the last snapshot, ``None`` or another object if there is none.
        run: runs a command line in a directory and returns what it prints, ``None`` if it fails or the program is
            missing; ``None`` for no programs at all. Called only if a directory has changed.
        left_out: paths, relative to the root, of files that kern writes: no source, now or in the next snapshots.

    Raises:
        ConfigError: the root, or a file or directory that counts, can't be read.
    """
    known = _usable(previous, patterns)
    now = frozenset(left_out)
    try:
        return _snapshot(root, patterns, known, run, now)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        if known is None:
            raise
        return _snapshot(root, patterns, None, run, now)  # that state was not made by this module


def _snapshot(
    root: str,
    patterns: tuple[str, ...],
    known: dict[str, Any] | None,
    run: Callable[[list[str], str], bytes | None] | None,
    left_out: frozenset[str],
) -> Snapshot:
    taken = time.time_ns()
    before = frozenset(known.get("left_out", ())) if known else frozenset[str]()
    state = None if known is None or not left_out <= before else _rechecked(root, known, taken)
    if state is None:
        from kern.source_files import listing

        left_out |= {path for path in before if os.path.lexists(os.path.join(root, path))}
        state = _collected(root, listing(root, patterns, run, left_out), known, taken)
        state |= {"patterns": list(patterns), "left_out": sorted(left_out)}
    return _compared(state, known)


def _rechecked(root: str, known: dict[str, Any], taken: int) -> dict[str, Any] | None:
    """The state of a tree of the same names, ``known`` itself if nothing differs; ``None`` if it must be listed anew."""
    drift = _drift(root, known, taken)
    if drift is None or not (drift.files or drift.directories):
        return None if drift is None else known
    return _refreshed(root, known, drift, taken)


def is_never_source(name: str) -> bool:
    """Whether what has this name is never source, wherever it is and whatever git says."""
    return name in _NEVER or name.endswith(_NEVER_ENDS) or name.startswith(_NEVER_STARTS)


def _usable(previous: dict[str, Any] | None, patterns: tuple[str, ...]) -> dict[str, Any] | None:
    if previous is None or previous.get("version") != VERSION or previous.get("patterns") != list(patterns):
        return None
    return previous


def _drift(root: str, known: dict[str, Any], taken: int) -> _Drift | None:
    """Compare a tree with what is known of it; ``None`` if it must be listed anew."""
    for path, recorded in known["outside"].items():
        if _status_at(os.path.join(root, path)) != recorded:
            return None
    drift = _Drift({}, [])
    tree = known["tree"]
    for path, entry in tree.items():
        try:
            descriptor = os.open(f"{root}/{path}", _DIRECTORY)
        except OSError:
            return None
        try:
            if not _compare(descriptor, path, entry, tree, drift, taken):
                return None
        finally:
            os.close(descriptor)
    return drift


def _compare(descriptor: int, path: str, entry: list[Any], tree: dict[str, Any], drift: _Drift, taken: int) -> bool:
    """Compare one open directory; false if it has a name that is not known, or has lost one."""
    times, files, others = entry
    now = os.fstat(descriptor)
    if times != [now.st_mtime_ns, now.st_ctime_ns, now.st_ino]:
        if not _only_known_names(descriptor, path, files, others, tree):
            return False
        fresh = _times((now.st_mtime_ns, now.st_ctime_ns, now.st_ino), taken)
        if fresh != times:
            drift.directories[path] = fresh
    look = os.stat
    try:
        for index, file in enumerate(files):
            now = look(file[0], dir_fd=descriptor, follow_symlinks=False)
            if file[1] != [now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino]:
                drift.files.append((path, index))
    except OSError:
        return False
    return True


def _only_known_names(descriptor: int, path: str, files: list[Any], others: list[str], tree: dict[str, Any]) -> bool:
    known = {file[0] for file in files}.union(others)
    with os.scandir(descriptor) as entries:
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                if name + "/" in known or (f"{path}/{name}" if path else name) in tree:
                    continue
            elif name in known:
                continue
            if name == ".git" or not is_never_source(name):
                return False
    return True


def _times(times: tuple[int, int, int], taken: int) -> list[int]:
    """What is kept of a directory's times; none of them if it has just changed and may change again unseen."""
    return [0, 0, times[2]] if max(times[:2]) > taken - _RACY else list(times)


def signature(status: os.stat_result, taken: int) -> list[int]:
    """What is kept of a file's status; a size that no file has if it has just changed and may change again unseen."""
    racy = max(status.st_mtime_ns, status.st_ctime_ns) > taken - _RACY
    return [-1 if racy else status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _status_at(path: str, taken: int | None = None) -> list[int] | None:
    """Status of a file that may be missing: as it is, or as it is kept if ``taken`` is given."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return signature(status, sys.maxsize if taken is None else taken)


def _refreshed(root: str, known: dict[str, Any], drift: _Drift, taken: int) -> dict[str, Any] | None:
    """The state with what has drifted read anew; ``None`` if the tree must be listed anew after all."""
    from kern.source_content import RULES, digest, read

    tree = dict(known["tree"])
    for path, times in drift.directories.items():
        tree[path] = [times, *tree[path][1:]]
    for path, index in drift.files:
        times, files, others = tree[path]
        old = files[index]
        new = read(root, path, old[0], taken, rules=old[2] == RULES)
        if new is None or (new[3] != old[3] and new[0] == ".gitignore"):
            return None
        tree[path] = [times, [*files[:index], new, *files[index + 1 :]], others]
    return {**known, "tree": tree, "digest": digest(tree)}


def _collected(root: str, found: Listing, known: dict[str, Any] | None, taken: int) -> dict[str, Any]:
    """The state of a tree that has just been listed; what is known of its files and still true is not read again."""
    from kern.source_content import digest, read

    old = {} if known is None else known["tree"]
    tree: dict[str, Any] = {}
    for path, directory in found.tree.items():
        seen = {file[0]: file for file in old[path][1]} if path in old else {}
        files = [read(root, path, name, taken, seen.get(name)) for name in directory.files]
        files += [read(root, path, name, taken, rules=True) for name in directory.rules]
        there = [file for file in files if file is not None]
        gone = {*directory.files, *directory.rules}.difference(file[0] for file in there)
        tree[path] = [_times(directory.times, taken), there, sorted({*directory.others, *gone})]
    outside = {path: _status_at(os.path.join(root, path), taken) for path in found.outside}
    return {"version": VERSION, "digest": digest(tree), "outside": outside, "tree": tree}


def _compared(state: dict[str, Any], known: dict[str, Any] | None) -> Snapshot:
    if known is None or state is known:
        return Snapshot(state["digest"], state, (), unchanged=known is not None)
    if state["digest"] == known["digest"]:
        return Snapshot(state["digest"], known if state == known else state, (), unchanged=True)
    from kern.source_content import contents

    old, new = contents(known["tree"]), contents(state["tree"])
    changed = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    return Snapshot(state["digest"], state, tuple(changed[:_MOST_CHANGED]), unchanged=False)
