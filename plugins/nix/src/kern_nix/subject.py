"""What nix is to evaluate: a file and an attribute of it, or a flake. Decided by looking at files, nothing is run."""

from __future__ import annotations

import os
from typing import NamedTuple

from kern.api import Unavailable

SHELL_FILES = ("shell.nix", "flake.nix", "default.nix")
"""What the environment of a directory is in, the first that exists."""

PACKAGE_FILES = ("default.nix", "flake.nix")
"""What the package of a directory is in, the first that exists."""

_FLAKE = "flake.nix"
_LOCAL_SCHEMES = ("path:", "git+file:")


class Subject(NamedTuple):
    """Something to evaluate.

    Attributes:
        shown: how a user knows it: ``shell.nix``, ``.#dev``.
        base: absolute path of the directory that nix runs in.
        file: absolute path of the file; empty for a flake.
        attr: attribute in the file; empty for all of it.
        flake: the flake reference with its attribute; empty for a file.
        directory: absolute path of the directory whose nix files it depends on; empty for a flake from elsewhere.
        arguments: what the user adds to nix's command line.
    """

    shown: str
    base: str
    file: str = ""
    attr: str = ""
    flake: str = ""
    directory: str = ""
    arguments: tuple[str, ...] = ()


class Wish(NamedTuple):
    """The part of the options that says what to evaluate; providers and builders have it in common."""

    nix_file: str = ""
    attr: str = ""
    flake: str = ""
    nix_args: tuple[str, ...] = ()
    impure: bool = False


def wish_of(options: object) -> Wish:
    """Take that part from the options of a provider or a builder."""
    return Wish(*(getattr(options, name) for name in Wish._fields))


def choose_subject(wish: Wish, base: str, usual: tuple[str, ...] = SHELL_FILES) -> Subject | Unavailable:
    """Decide what is evaluated.

    Args:
        wish: what the options say.
        base: absolute path of the directory that relative paths are meant from.
        usual: names of the files that are looked for when the options name none.

    Returns:
        The subject, or in words why there is none.
    """
    if wish.nix_file and wish.flake:
        return _contradiction("nix_file and flake are both set", "keep one of the two")
    if wish.flake:
        return _flake_subject(wish, base)
    name = wish.nix_file or next((name for name in usual if os.path.isfile(os.path.join(base, name))), "")
    if not name:
        return _contradiction(
            f"{base} has no {', '.join(usual[:-1])} or {usual[-1]}",
            "say which expression you mean in nix_file or flake",
        )
    if os.path.basename(name) == _FLAKE:
        return _flake_subject(wish._replace(flake=os.path.dirname(name) or "."), base)
    return _file_subject(wish, base, name)


def _file_subject(wish: Wish, base: str, name: str) -> Subject | Unavailable:
    file = os.path.normpath(os.path.join(base, os.path.expanduser(name)))
    if not os.path.exists(file):
        return _contradiction(f"there is no {name}, which nix_file names", f"it would be {file}")
    directory = file if os.path.isdir(file) else os.path.dirname(file)
    shown = f"{name} -A {wish.attr}" if wish.attr else name
    return Subject(shown, base, file=file, attr=wish.attr, directory=directory, arguments=wish.nix_args)


def _flake_subject(wish: Wish, base: str) -> Subject | Unavailable:
    if wish.attr and "#" in wish.flake:
        return _contradiction("attr and the attribute in flake are both set", "keep one of the two")
    reference = f"{wish.flake}#{wish.attr}" if wish.attr else wish.flake
    if not os.path.isabs(reference) and ":" not in reference and not reference.startswith((".", "#", "~")):
        reference = f"./{reference}" if os.path.isdir(os.path.join(base, reference.partition("#")[0])) else reference
    local = local_directory(reference, base)
    found = _above(local) if local else ""
    if local and not found:
        return _contradiction(f"there is no {_FLAKE} in {local}", "flake is DIRECTORY#ATTRIBUTE, as nix has it")
    arguments = (*(("--impure",) if wish.impure else ()), "--no-write-lock-file", *wish.nix_args)
    return Subject(reference, base, flake=reference, directory=found, arguments=arguments)


def local_directory(reference: str, base: str) -> str:
    """The directory that a flake reference means, empty for one that is not on this machine."""
    place = reference.partition("#")[0].partition("?")[0]
    for scheme in _LOCAL_SCHEMES:
        if place.startswith(scheme):
            rest = place.removeprefix(scheme)
            return os.path.normpath(os.path.join(base, "/" + rest.lstrip("/") if rest.startswith("/") else rest))
    if place and not place.startswith((".", "/", "~")):
        return ""
    return os.path.normpath(os.path.join(base, os.path.expanduser(place)))


def _above(directory: str) -> str:
    """The nearest directory with a flake, from one upwards, as nix looks for it."""
    while not os.path.isfile(os.path.join(directory, _FLAKE)):
        above = os.path.dirname(directory)
        if above == directory or os.path.exists(os.path.join(directory, ".git")):
            return ""
        directory = above
    return directory


def _contradiction(reason: str, hint: str) -> Unavailable:
    return Unavailable(reason=reason, hint=hint, missing=False)
