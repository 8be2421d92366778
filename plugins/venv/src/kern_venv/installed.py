"""What is in an environment, read from its metadata folders; no process."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from kern_venv.groups import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet


def installed(prefix: str) -> dict[str, str]:
    """List what is installed in an environment: canonical name to version, from the names of its metadata folders."""
    return dict(sorted((name, version) for name, version, _ in _metadata_folders(prefix)))


def forget_bytecode(prefix: str, names: AbstractSet[str]) -> None:
    """Remove the compiled modules of distributions that are about to be replaced.

    uv leaves those of top-level modules behind, and Python takes one for current when the new source has the size and
    the second of the old: an edit like ``+`` to ``-``, built again at once, would be tested in its old form.

    Args:
        prefix: absolute path of the environment.
        names: canonical names of the distributions.
    """
    for name, _, folder in _metadata_folders(prefix) if names else ():
        for module in _modules(folder) if name in names else ():
            _remove_compiled(module, prefix)


def _metadata_folders(prefix: str) -> Iterator[tuple[str, str, str]]:
    for packages in _site_packages(prefix):
        for entry in os.listdir(packages):
            name, dash, version = entry.removesuffix(".dist-info").partition("-")
            if entry.endswith(".dist-info") and dash:
                yield canonical(name), version, os.path.join(packages, entry)


def _modules(metadata_folder: str) -> list[str]:
    """Read the modules of a distribution from its ``RECORD``."""
    import csv

    try:
        with open(os.path.join(metadata_folder, "RECORD"), encoding="utf-8", newline="") as file:
            files = [row[0] for row in csv.reader(file) if row]
    except (OSError, ValueError, csv.Error):
        return []
    above = os.path.dirname(metadata_folder)
    return [os.path.normpath(os.path.join(above, file)) for file in files if file.endswith(".py")]


def _remove_compiled(module: str, prefix: str) -> None:
    from glob import escape, glob

    folder, name = os.path.split(module)
    cache = os.path.join(os.path.realpath(folder), "__pycache__")
    if not cache.startswith(os.path.join(os.path.realpath(prefix), "")):
        return
    for compiled in glob(os.path.join(escape(cache), f"{escape(name.removesuffix('.py'))}.*.pyc")):
        with suppress(OSError):
            os.unlink(compiled)


def _site_packages(prefix: str) -> list[str]:
    from glob import escape, glob

    patterns = ("lib/*/site-packages", "lib64/*/site-packages", "site-packages")
    folders = (folder for pattern in patterns for folder in glob(os.path.join(escape(prefix), pattern)))
    return list(dict.fromkeys(map(os.path.realpath, folders)))
