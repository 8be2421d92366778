"""Patterns as in ``.gitignore`` files: which narrow a source tree, and which take its place where git can't be asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.errors import ConfigError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_BUILT_AT_ROOT = frozenset({"build/", "dist/"})


def unreadable(error: OSError, path: str) -> ConfigError:
    """The error for a part of a source tree that can't be read; the caller raises it."""
    return ConfigError(
        f"this belongs to the source tree and can't be read: {os.strerror(error.errno or 0).lower()}",
        where=path,
        hint="make it readable, or add it to .gitignore if the package does not need it",
    )


class Wanted:
    """The patterns that narrow a source tree to what a package depends on, and the files that are left out of it."""

    def __init__(self, patterns: tuple[str, ...], left_out: frozenset[str] = frozenset()) -> None:
        self._left_out = left_out
        self._spec = _spec(patterns) if patterns else None
        self._prefixes = [_fixed_part(pattern) for pattern in patterns if not pattern.startswith("!")]

    def file(self, path: str) -> bool:
        """Whether a file counts."""
        return path not in self._left_out and (self._spec is None or self._spec.match_file(path))

    def below(self, directory: str) -> bool:
        """Whether anything below a directory may count; spares the walk through the others."""
        parts = directory.split("/")
        return self._spec is None or any(
            all(part == fixed for part, fixed in zip(parts, prefix, strict=False)) for prefix in self._prefixes
        )


def _fixed_part(pattern: str) -> list[str]:
    """The leading components of a pattern that are bound to the root and hold no wildcard."""
    anchored = "/" in pattern.rstrip("/")
    fixed: list[str] = []
    for part in pattern.strip("/").split("/") if anchored else []:
        if any(letter in part for letter in "*?[\\"):
            break
        fixed.append(part)
    return fixed


def _spec(lines: tuple[str, ...] | list[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:  # git takes a pattern that makes no sense for one that matches nothing
        return GitIgnoreSpec.from_lines([line for line in lines if _makes_sense(line)])


def _makes_sense(line: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


class PatternRules:
    """The ``.gitignore`` files of the tree, and what builds leave at the root.

    Where a file takes something back (``!``), a little more may count than git would count, but never less: the library
    lets such a rule reach everything below a directory, so here it wins whatever the order.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._specs: dict[str, tuple[GitIgnoreSpec, GitIgnoreSpec]] = {}

    def enter(self, directory: str, names: set[str]) -> None:
        """Read the rules of a directory."""
        path = os.path.join(self._root, directory, ".gitignore")
        if ".gitignore" in names and os.path.isfile(path) and not os.path.islink(path):  # git follows no link here
            try:
                with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
                    self._specs[directory] = _rules(file.read().split("\n"))
            except OSError as error:
                raise unreadable(error, path) from None

    def ignores(self, path: str) -> bool:
        """Whether a path is ignored; that of a directory ends in a slash."""
        if path in _BUILT_AT_ROOT or path.endswith(".egg-info/"):
            return True
        ignored = False
        above = path.rstrip("/")
        while above:
            above = above.rpartition("/")[0]
            if above in self._specs:
                ignoring, keeping = self._specs[above]
                below = path[len(above) + 1 if above else 0 :].replace(
                    "\n", "\0"
                )  # no dot of the library matches a newline
                if keeping.match_file(below):
                    return False
                ignored = ignored or ignoring.match_file(below)
        return ignored


def _rules(lines: list[str]) -> tuple[GitIgnoreSpec, GitIgnoreSpec]:
    """What the lines of a ``.gitignore`` file ignore, and what they keep."""
    ignoring: list[str] = []
    keeping: list[str] = []
    for line in lines:
        # All that is in a directory, but not the directory: the library takes "/**" for both.
        rule = line.rstrip()[:-1] if line.rstrip().endswith("/**") else line
        if rule.startswith("!"):
            keeping.append("\\" + rule[1:] if rule[1:2] in {"#", "!"} else rule[1:])
        else:
            ignoring.append(rule)
    return _spec(ignoring), _spec(keeping)
