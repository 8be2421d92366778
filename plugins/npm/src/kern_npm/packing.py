"""From a tree to a packed npm package, and what such a file says of itself."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from typing import TYPE_CHECKING

from kern.api import Artifact, StepFailed
from kern_npm.commands import run_npm

if TYPE_CHECKING:
    from kern.api import Context, PackageSpec

MANIFEST = "package/package.json"


def pack(package: PackageSpec, context: Context) -> Artifact:
    """Run ``npm pack`` on a tree.

    Raises:
        StepFailed: npm failed, or packed nothing that can be read.
    """
    flags = ("--ignore-scripts",) if package.options.ignore_scripts else ()
    with context.lock(f"tree-{hashlib.sha256(os.fsencode(package.root)).hexdigest()[:32]}"):
        run_npm(("pack", "--pack-destination", context.output_dir, *flags), context, package.root)
    made = [name for name in os.listdir(context.output_dir) if name.endswith(".tgz")]
    found = read_package(os.path.join(context.output_dir, made[0])) if len(made) == 1 else None
    if found is None:
        raise StepFailed(f"npm pack made {', '.join(made) or 'nothing'}", where=package.root)
    return found


def read_package(path: str) -> Artifact | None:
    """The artifact that a packed package is; ``None`` if the file is something else.

    Raises:
        StepFailed: it is a package but damaged.
    """
    try:
        with tarfile.open(path, "r:gz") as archive:
            member = archive.extractfile(MANIFEST)
            manifest = json.load(member) if member is not None else {}
    except KeyError:
        return None
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        raise StepFailed(f"the package can't be read: {error}", where=path) from error
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    dependencies = manifest.get("dependencies") or {}
    return Artifact(
        kind="npm",
        path=path,
        name=str(manifest.get("name", "")),
        version=str(manifest.get("version", "")),
        digest=digest,
        requirements=tuple(f"{name}@{version}" for name, version in sorted(dependencies.items())),
    )
