"""Which files below a root are its source: what git would not ignore, or what ``.gitignore`` files do not exclude.

Only needed when a directory of the tree has changed; see `kern.sources` for the usual case.

Inside a git checkout, git is asked what it ignores (``git status --ignored=matching`` names each ignored file, and an
ignored directory once, which ``git ls-files --directory`` does not tell from a directory that holds nothing but ignored
files). Tracked, untracked and staged files all count, as they are on the disk. Without git, or where the root itself is
ignored by the repository around it, the rules of the ``.gitignore`` files in the tree are applied here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kern.source_patterns import PatternRules, Wanted, unreadable
from kern.sources import is_never_source

if TYPE_CHECKING:
    from collections.abc import Callable

_GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "status", "--porcelain", "-z")
_GIT_OPTIONS = ("--ignored=matching", "--untracked-files=all", "--ignore-submodules=all", "--no-renames", "--", ".")


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
    ignored = _ignored_by_git(root, checkout, run)
    rules: _Rules = PatternRules(root) if ignored is None else _GitRules(root, ignored, run)
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

    def __init__(self, root: str, ignored: set[str], run: Callable[[list[str], str], bytes | None] | None) -> None:
        self._root = root
        self._ignored = ignored
        self._run = run

    def enter(self, directory: str, names: set[str]) -> None:
        """A directory with a ``.git`` of its own: a submodule or another clone."""
        if directory and (".git" in names or ".git/" in names):
            inner = os.path.join(self._root, directory)
            self._ignored |= {f"{directory}/{path}" for path in _ignored_by_git(inner, inner, self._run) or ()}

    def ignores(self, path: str) -> bool:
        """Whether a path is ignored; that of a directory ends in a slash."""
        return path in self._ignored


def _ignored_by_git(
    root: str, checkout: str | None, run: Callable[[list[str], str], bytes | None] | None
) -> set[str] | None:
    """Paths below the root that git ignores, relative to it; ``None`` if git can't say, or ignores the root itself."""
    output = None if checkout is None or run is None else run([*_GIT, *_GIT_OPTIONS], root)
    if output is None or checkout is None:
        return None
    prefix = os.path.relpath(os.path.realpath(root), checkout) + "/"
    prefix = "" if prefix == "./" else prefix
    ignored = [os.fsdecode(entry[3:]) for entry in output.split(b"\0") if entry.startswith(b"!! ")]
    if any(prefix.startswith(path) for path in ignored):
        return None
    untracked = [os.fsdecode(entry[3:])[len(prefix) :] for entry in output.split(b"\0") if entry.startswith(b"?? ")]
    return {path[len(prefix) :] for path in ignored}.union(path for path in untracked if _is_built(path))


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
