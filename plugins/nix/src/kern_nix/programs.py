"""The programs that do the work: where nix and bash are, and how nix is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import StepFailed, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Context

FEATURES = ("--extra-experimental-features", "nix-command flakes")
"""Turns on what is said to be experimental, for one command (https://nix.dev/manual/nix/latest/development/experimental-features)."""

_USUAL = ("/run/current-system/sw/bin", "/nix/var/nix/profiles/default/bin")
_HOMES = (".nix-profile/bin", ".local/state/nix/profile/bin")


def find_nix(environ: Mapping[str, str], name: str = "nix") -> str:
    """Find one of nix's programs on ``PATH`` or where installers put it; empty if it is not there. A few stats."""
    home = environ.get("HOME", "")
    places = (
        *environ.get("PATH", os.defpath).split(os.pathsep),
        *(os.path.join(home, each) for each in _HOMES),
        *_USUAL,
    )
    return _first(name, places)


def find_bash(environ: Mapping[str, str]) -> str:
    """Find bash, which understands what nix says of an environment.

    Raises:
        StepFailed: there is none.
    """
    found = _first("bash", (*environ.get("PATH", os.defpath).split(os.pathsep), "/bin", "/usr/bin", *_USUAL))
    if not found:
        raise StepFailed("there is no bash on PATH, which nix environments are made with", hint="install bash")
    return found


def _first(name: str, places: tuple[str, ...]) -> str:
    paths = (os.path.join(place, name) for place in places if os.path.isabs(place))
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), "")


def missing_nix(environ: Mapping[str, str]) -> Unavailable | None:
    """Say that nix is not installed, or nothing if it is."""
    if find_nix(environ) or find_nix(environ, "nix-shell"):
        return None
    return Unavailable(reason="nix is not installed", hint="install it: https://nixos.org/download")


def nix_program(context: Context, name: str = "nix") -> str:
    """The path of one of nix's programs.

    Raises:
        StepFailed: it is not there.
    """
    found = find_nix(context.environ, name)
    if not found:
        raise StepFailed(f"there is no {name} on PATH", hint="install it: https://nixos.org/download")
    mask_tokens(context)
    return found


def identity(environ: Mapping[str, str]) -> str:
    """What changes when another nix is installed, without asking it: the path and time of the program."""
    path = os.path.realpath(find_nix(environ) or find_nix(environ, "nix-shell"))
    try:
        return f"{path}:{os.stat(path).st_mtime_ns}"
    except OSError:
        return path


def mask_tokens(context: Context) -> None:
    """Have the access tokens in ``NIX_CONFIG`` masked (``access-tokens = github.com=TOKEN``)."""
    for line in context.environ.get("NIX_CONFIG", "").splitlines():
        key, _, value = line.partition("=")
        if key.strip().removeprefix("extra-") == "access-tokens":
            for pair in value.split():
                context.ask_secret(pair.partition("=")[2])
