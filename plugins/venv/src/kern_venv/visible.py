"""What an interpreter that kern did not make can import, told from metadata in the folders that it searches.

The folders are those of ``site`` (https://docs.python.org/3/library/site.html) and of Debian's change to it, by which
packages of the distribution are in ``dist-packages`` (https://wiki.debian.org/Python). No process.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern_venv.groups import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SUFFIXES = (".dist-info", ".egg-info")


def in_environment(prefix: str, base: str | None, version: str, environ: Mapping[str, str]) -> dict[str, str]:
    """List what a virtual environment holds, and what it sees of the interpreter below it where it sees that.

    Args:
        prefix: the environment.
        base: the interpreter below, where the environment sees what is installed there; else ``None``.
        version: of the interpreter, as far as it is known; empty for any.
        environ: of which ``HOME`` matters.

    Returns:
        Canonical name to version; what is found first counts, as in an import.
    """
    below = in_installation(base, version, environ) if base else {}
    return {**below, **_distributions(_site_packages(prefix, version))}


def in_installation(python: str, version: str, environ: Mapping[str, str]) -> dict[str, str]:
    """List what an interpreter sees outside of any virtual environment, the user's own folder included."""
    real = os.path.dirname(os.path.dirname(os.path.realpath(python)))
    prefixes = dict.fromkeys((os.path.dirname(os.path.dirname(python)), real))
    own = os.path.join(environ.get("HOME", ""), ".local")
    folders = [folder for prefix in (own, *prefixes) for folder in _site_packages(prefix, version)]
    return _distributions([*folders, *(folder for prefix in prefixes for folder in _of_debian(prefix, version))])


def _site_packages(prefix: str, version: str) -> list[str]:
    from glob import escape, glob

    minor = ".".join(version.split(".")[:2])
    one = f"*{escape(minor)}*" if minor.count(".") else "*"
    patterns = (f"{lib}/{one}/site-packages" for lib in ("lib", "lib64"))
    found = [folder for pattern in (*patterns, "site-packages") for folder in glob(f"{escape(prefix)}/{pattern}")]
    return list(dict.fromkeys(map(os.path.realpath, found)))


def _of_debian(prefix: str, version: str) -> Iterator[str]:
    minor = ".".join(version.split(".")[:2])
    yield os.path.join(prefix, "local", "lib", f"python{minor}", "dist-packages")
    yield os.path.join(prefix, "lib", "python3" if version.startswith("3") else f"python{minor}", "dist-packages")


def _distributions(folders: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in folders:
        for name, version in _in_folder(folder):
            found.setdefault(name, version)
    return dict(sorted(found.items()))


def _in_folder(folder: str) -> Iterator[tuple[str, str]]:
    try:
        entries = os.listdir(folder)
    except OSError:
        return
    for entry in entries:
        stem, suffix = os.path.splitext(entry)
        name, dash, rest = stem.partition("-")
        if suffix in _SUFFIXES and dash:
            yield canonical(name), rest.partition("-")[0]  # an egg-info has the interpreter behind: pyyaml-6.0-py3.11
