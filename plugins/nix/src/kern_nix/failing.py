"""nix's failures in kern's words, with the hint that nix does not give."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.api import StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern_nix.subject import Subject

_HINTS = (
    (("attribute '", "not found"), "is attr an attribute of the file?"),
    (("does not provide attribute",), "look at what the flake gives: nix flake show"),
    (
        ("forbidden in pure eval mode",),
        "a flake sees the machine only where kern makes the environment, with impure = true",
    ),
    (
        ("needs to evaluate to a single derivation",),
        "say which of its attributes is meant: attr, or FILE.nix#ATTRIBUTE for one that is there",
    ),
    (("is not a valid URL",), "nix takes flakes only from paths of ASCII without spaces; say nix_file instead"),
    (("nixbld",), "as root without build users say `build-users-group =` in nix.conf or NIX_CONFIG"),
    (("was not found in the Nix search path",), "set NIX_PATH, add a channel, or pin nixpkgs in the expression"),
    (("experimental", "disabled"), "say nix_command = 'nix-shell', or enable nix-command and flakes in nix.conf"),
)
"""What nix says, and what helps."""


@contextmanager
def explained(subject: Subject, what: str) -> Iterator[None]:
    """Say what nix could not do; its last lines and the log stay with the error.

    Raises:
        StepFailed: instead of the one that was raised inside.
    """
    try:
        yield
    except StepFailed as error:
        if not error.tail:
            raise
        reason = _reason(error.tail)
        message = f"nix could not {what} {subject.shown}" + (f": {reason}" if reason else "")
        hint = _hint(error.tail, subject) or error.hint
        where = _place(error.tail, subject)
        raise StepFailed(message, where=where, hint=hint, log=error.log, tail=error.tail) from None


@contextmanager
def hook_explained(shown: str) -> Iterator[None]:
    """Say that it was not nix but the environment's own script that failed.

    Raises:
        StepFailed: instead of the one that was raised inside.
    """
    try:
        yield
    except StepFailed as error:
        said = f"the shellHook of {shown} did not come to its end: {error.message}"
        hint = "it is sourced in bash: an exit, or a failing command under set -e, ends it"
        raise StepFailed(said, where=shown, hint=hint, log=error.log, tail=error.tail) from None


def _reason(tail: str) -> str:
    """What nix says after its last ``error:`` that tells a cause, on one line."""
    said = [line.strip() for line in tail.splitlines()]
    begins = [place for place, line in enumerate(said) if line.startswith("error:")]
    causes = [place for place in begins if not _is_consequence(said[place])] or begins
    if not causes:
        return ""
    lines = [said[causes[-1]].removeprefix("error:").strip(), *said[causes[-1] + 1 :]]
    return next(filter(None, lines), "").rstrip(".:;")


def _is_consequence(line: str) -> bool:
    """Whether a line only says that what another line tells made more fail."""
    return "dependencies of derivation" in line or "dependency of derivation" in line


def _place(tail: str, subject: Subject) -> str:
    """The file, line and column that nix names; else what was evaluated."""
    import re

    found = re.search(r"^\s*at (/.+?:\d+:\d+):", tail, re.MULTILINE)
    return found[1] if found else subject.shown


def _hint(tail: str, subject: Subject) -> str:
    if _untracked(tail, subject):
        return "a flake in a git repository sees only files that git tracks: git add them"
    meant = next((line.strip() for line in tail.splitlines() if line.strip().startswith("Did you mean ")), "")
    if meant:
        return meant[0].lower() + meant[1:]
    return next((hint for signs, hint in _HINTS if all(sign in tail for sign in signs)), "")


def _untracked(tail: str, subject: Subject) -> bool:
    if not subject.flake or not subject.directory or not _in_git(subject.directory):
        return False
    return "not tracked" in tail or "No such file or directory" in tail or "does not exist" in tail


def _in_git(directory: str) -> bool:
    while not os.path.exists(os.path.join(directory, ".git")):
        above = os.path.dirname(directory)
        if above == directory:
            return False
        directory = above
    return True
