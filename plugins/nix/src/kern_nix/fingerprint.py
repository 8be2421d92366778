"""What a nix environment or package depends on, told without running nix."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import ConfigError
from kern_nix.programs import identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kern_nix.subject import Subject

_SKIPPED = frozenset(("node_modules", "__pycache__", "target", "dist", "build", "venv"))
_FOLDERS = 1000
_FILES = 500
_BLOCK = 1 << 20


def expression_inputs(subject: Subject, environ: Mapping[str, str]) -> dict[str, Any]:
    """List what evaluating depends on: names as a user knows them to JSON values.

    nix alone knows which files an expression imports, and only after having evaluated it; so every nix file and lock
    below the directory of the expression counts, down to a bound, and where nixpkgs is taken from.
    """
    said = {"nix_file": _relative(subject), "attr": subject.attr, "flake": subject.flake}
    found: dict[str, Any] = {name: value for name, value in said.items() if value}
    if subject.arguments:
        found["nix_args"] = list(subject.arguments)
    found["nix"] = identity(environ)
    found["nix path"] = search_path(environ)
    found["nix files"] = {os.path.relpath(path, subject.base): _digest(path) for path in _files(subject)}
    return found


def named_inputs(names: Sequence[str], base: str) -> dict[str, str]:
    """The digests of files that the options name.

    Raises:
        ConfigError: one can't be read.
    """
    found = {}
    for name in names:
        try:
            found[name] = _digest(os.path.join(base, name), strict=True)
        except OSError as error:
            raise ConfigError(f"{name} can't be read: {error.strerror}", where="nix_inputs") from None
    return found


def search_path(environ: Mapping[str, str]) -> list[str]:
    """Where ``<nixpkgs>`` comes from: ``NIX_PATH`` and what its links point to, since a new channel changes those."""
    home = environ.get("HOME", "")
    usual = (
        os.path.join(home, ".nix-defexpr/channels"),
        os.path.join("/nix/var/nix/profiles/per-user", "root", "channels"),
    )
    stated = environ.get("NIX_PATH")
    if stated is None:
        return [os.path.realpath(path) for path in usual if os.path.exists(path)]
    return [_resolved(entry) for entry in stated.replace("://", "\0").split(":") if entry]


def _resolved(entry: str) -> str:
    entry = entry.replace("\0", "://")
    name, equals, path = entry.rpartition("=")
    return f"{name}{equals}{os.path.realpath(path)}" if os.path.isabs(path) else entry


def _relative(subject: Subject) -> str:
    return os.path.relpath(subject.file, subject.base) if subject.file else ""


def _files(subject: Subject) -> list[str]:
    own = [subject.file] if os.path.isfile(subject.file) else []
    found = _below(subject.directory) if subject.directory else iter(())
    chosen = [path for _, path in zip(range(_FILES), found, strict=False)]
    return sorted({*own, *chosen})


def _below(top: str) -> Iterator[str]:
    """The nix files below a directory, the nearest first; hidden directories and links are left out."""
    waiting = [top]
    for folder in waiting:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.name.endswith(".nix") or entry.name == "flake.lock":
                yield entry.path
            elif len(waiting) < _FOLDERS and _is_searched(entry):
                waiting.append(entry.path)


def _is_searched(entry: os.DirEntry[str]) -> bool:
    return entry.name not in _SKIPPED and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _digest(path: str, *, strict: bool = False) -> str:
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        if strict:
            raise
        return ""
    return digest.hexdigest()
