"""Which files below a root are its source: what git would not ignore, or what ``.gitignore`` files do not exclude.

Only needed when a directory of the tree has changed; see `kern.sources` for the usual case.

Inside a git checkout, git is asked what it ignores (``git status --ignored=matching`` names each ignored file, and an
ignored directory once, which ``git ls-files --directory`` does not tell from a directory that holds nothing but ignored
files). It is asked without its index: comparing a tracked file would run the filters that the repository's own
configuration names. Which files are tracked is a second question. Tracked, untracked and staged files all count, as they
are on the disk. Without git, or where the root itself is ignored by the repository around it, the rules of the
``.gitignore`` files in the tree are applied here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from kern.named_tuples import NamedTuple
from kern.source_patterns import PatternRules, Wanted, unreadable
from kern.sources import is_never_source

if TYPE_CHECKING:
    from collections.abc import Callable

_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")
_STATUS = ("status", "--porcelain", "-z", "--ignored=matching", "--untracked-files=all", "--ignore-submodules=all")
_TRACKED = ("ls-files", "-z", "--", ".")


class Directory(NamedTuple):
    """One directory of a source tree.

    Attributes:
        times: modification and change time in nanoseconds and inode, taken before it was listed.
        files: names of the files that count.
        rules: names of the files that only say what counts (``.gitignore``).
        others: names that are known and do not count; those of directories end in a slash.
    """

    times: tuple[int, int, int]
    files: list[str]
    rules: list[str]
    others: list[str]


class Listing(NamedTuple):
    """A whole source tree.

    Attributes:
        tree: path of each directory that was listed, relative to the root (``""`` for the root itself).
        outside: paths, relative to the root, of files elsewhere that say what counts; they may be missing.
    """

    tree: dict[str, Directory]
    outside: list[str]


class _Rules(Protocol):
    """Says what is ignored. Directories are entered from the top; what is in an ignored one is never asked for."""

    def enter(self, directory: str, names: set[str]) -> None: ...

    def ignores(self, path: str) -> bool: ...


def listing(
    root: str,
    patterns: tuple[str, ...],
    run: Callable[[list[str], str], bytes | None] | None,
    left_out: frozenset[str] = frozenset(),
) -> Listing:
    """List the source files below a root.

    Args:
        root: absolute path of an existing directory.
        patterns: what counts, as in a ``.gitignore`` file; empty for everything.
        run: runs a command line in a directory and returns what it prints, ``None`` if it fails.
        left_out: paths of files, relative to the root, that don't count.

    Raises:
        ConfigError: a directory or a ``.gitignore`` file can't be read.
    """
    checkout = _checkout(root)
    said = _said_by_git(root, checkout, run)
    rules: _Rules = PatternRules(root) if said is None else _GitRules(root, said, run)
    outside = [] if checkout is None else _rules_outside(os.path.realpath(root), checkout)
    wanted = Wanted(patterns, left_out)
    tree: dict[str, Directory] = {}
    waiting = [""]
    while waiting:
        path = waiting.pop()
        listed = _list(root, path, rules, wanted)
        if listed is not None:
            tree[path], below = listed
            waiting += below
    return Listing(dict(sorted(tree.items())), outside)


def _list(root: str, path: str, rules: _Rules, wanted: Wanted) -> tuple[Directory, list[str]] | None:
    """One directory, and the paths of those below it that are to be listed as well; ``None`` if it just vanished."""
    try:
        times, labels = _scan(os.path.join(root, path))
    except OSError as error:
        if path and isinstance(error, FileNotFoundError | NotADirectoryError):
            return None
        raise unreadable(error, os.path.join(root, path)) from None
    rules.enter(path, set(labels))
    found = Directory(times, [], [], [])
    below: list[str] = []
    for label in sorted(labels):
        relative = f"{path}/{label}" if path else label
        counts = not is_never_source(label.rstrip("/")) and not rules.ignores(relative)
        if label.endswith("/"):
            if counts and wanted.below(relative[:-1]):
                below.append(relative[:-1])
            else:
                found.others.append(label)
        elif counts and wanted.file(relative):
            found.files.append(label)
        else:
            (found.rules if label == ".gitignore" else found.others).append(label)
    return found, below


def _scan(path: str) -> tuple[tuple[int, int, int], list[str]]:
    """Times of a directory and what is in it: directories with a slash, files and links; nothing else counts at all."""
    status = os.stat(path)
    with os.scandir(path) as entries:
        labels = [entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries]
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino), labels


class _GitRules:
    """What git said, for the checkout around the root and for every repository inside of it."""

    def __init__(self, root: str, said: _Said, run: Callable[[list[str], str], bytes | None] | None) -> None:
        self._root = root
        self._ignored, self._kept = set(said.ignored), set(said.kept)
        self._run = run

    def enter(self, directory: str, names: set[str]) -> None:
        """A directory with a ``.git`` of its own: a submodule or another clone."""
        if directory and (".git" in names or ".git/" in names):
            inner = os.path.join(self._root, directory)
            said = _said_by_git(inner, inner, self._run) or _Said(frozenset(), frozenset())
            self._ignored |= {f"{directory}/{path}" for path in said.ignored}
            self._kept |= {f"{directory}/{path}" for path in said.kept}

    def ignores(self, path: str) -> bool:
        """Whether a path is ignored; that of a directory ends in a slash."""
        if path in self._kept or path in self._ignored:
            return path not in self._kept
        above = _above(path)
        return bool(above) and above[-1] in self._kept and not self._ignored.isdisjoint(above)


class _Said(NamedTuple):
    """What git said about what is below a root: paths relative to it, those of directories end in a slash.

    Attributes:
        ignored: what is ignored, a directory with all that is in it.
        kept: tracked files that are ignored by their names, and every directory that they are in.
    """

    ignored: frozenset[str]
    kept: frozenset[str]


def _said_by_git(root: str, checkout: str | None, run: Callable[[list[str], str], bytes | None] | None) -> _Said | None:
    """What git ignores below the root; ``None`` if git can't say, or ignores the root itself."""
    if checkout is None or run is None:
        return None
    nowhere = os.path.join(root, f".kern-no-index-{os.urandom(16).hex()}")
    status = run(["env", f"GIT_INDEX_FILE={nowhere}", *_GIT, *_STATUS, "--", "."], root)
    tracked = None if status is None else run([*_GIT, *_TRACKED], root)
    if status is None or tracked is None:
        return None
    prefix = os.path.relpath(os.path.realpath(root), checkout) + "/"
    prefix = "" if prefix == "./" else prefix
    ignored = _named(status, b"!! ")
    if any(prefix.startswith(path) for path in ignored):
        return None
    known = frozenset(_named(tracked, b""))
    built = (path for path in (name[len(prefix) :] for name in _named(status, b"?? ")) if _is_built(path))
    out = frozenset(path[len(prefix) :] for path in ignored).union(
        path for path in built if path.rstrip("/") not in known
    )
    return _Said(out, _kept(known, out))


def _named(output: bytes, mark: bytes) -> list[str]:
    """The paths in what git printed that have a mark before them."""
    return [os.fsdecode(entry[len(mark) :]) for entry in output.split(b"\0") if entry.startswith(mark) and entry]


def _kept(tracked: frozenset[str], ignored: frozenset[str]) -> frozenset[str]:
    """Of what is tracked, the files that are ignored, and the directories that they are in."""
    kept: set[str] = set()
    for path in tracked:
        above = _above(path)
        if path in ignored or not ignored.isdisjoint(above):
            kept.update((path, *above))
    return frozenset(kept)


def _above(path: str) -> list[str]:
    """The directories that a path is in, the topmost first, each with a slash."""
    parts = path.rstrip("/").split("/")
    return ["/".join(parts[:length]) + "/" for length in range(1, len(parts))]


def _is_built(path: str) -> bool:
    """Whether an untracked file is what a build leaves in a tree, although nobody told git so."""
    folders = path.split("/")[:-1]
    return bool(folders) and (folders[0] in ("build", "dist") or any(name.endswith(".egg-info") for name in folders))


def _checkout(root: str) -> str | None:
    """The directory with a ``.git`` that the root is in, the root itself or one above."""
    above = os.path.realpath(root)
    while not os.path.lexists(os.path.join(above, ".git")):
        below, above = above, os.path.dirname(above)
        if below == above:
            return None
    return above


def _rules_outside(root: str, checkout: str) -> list[str]:
    """Files that say what git ignores and that are not in the tree itself."""
    found = [os.path.join(_git_directory(checkout), "info", "exclude")]
    above = root
    while above != checkout:
        above = os.path.dirname(above)
        found.append(os.path.join(above, ".gitignore"))
    return [os.path.relpath(path, root) for path in found]


def _git_directory(checkout: str) -> str:
    """Where a checkout keeps what all its worktrees share (gitrepository-layout: ``gitdir:`` and ``commondir``)."""
    path = os.path.join(checkout, ".git")
    line = _first_line(path)
    if line.startswith("gitdir: "):
        path = os.path.join(checkout, line.removeprefix("gitdir: "))
        path = os.path.join(path, _first_line(os.path.join(path, "commondir")))
    return os.path.normpath(path)


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline().rstrip("\n")
    except OSError:
        return ""
