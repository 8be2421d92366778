"""The verb ``kern build``."""

from __future__ import annotations

import os
from itertools import chain, count
from typing import TYPE_CHECKING

from kern.cli.opening import jobs, open_session, print_json
from kern.errors import StepFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.api import Artifact
    from kern.cli.declarations import BuildArguments


def main(arguments: BuildArguments) -> int:
    """Build packages and copy them to the output directory."""
    from kern.building import build

    lanes = jobs(arguments.jobs)
    session = open_session(arguments, recreate=arguments.recreate, lanes=lanes, lock_timeout=arguments.lock_timeout)
    try:
        names = session.select(arguments.environments).names
        artifacts = build(session, names, arguments.packages, lanes, quiet=arguments.quiet)
        output = os.path.join(session.project.directory, arguments.output)
        if arguments.directory == "":
            output = os.path.abspath(arguments.output)
        paths = [
            _copy(artifact.path, os.path.join(output, name))
            for artifact, name in zip(artifacts, _file_names([artifact.path for artifact in artifacts]), strict=True)
        ]
        if arguments.json:
            print_json(
                {"schema": 1, "artifacts": [_document(a, path) for a, path in zip(artifacts, paths, strict=True)]}
            )
        else:
            for path in paths:
                session.warn(f"built {os.path.relpath(path)}")
        return 0
    finally:
        session.close()


def _file_names(paths: Sequence[str]) -> list[str]:
    """Name the copies as what they are copies of.

    Directories are counted, as nix does it: their names say nothing. Files of one name are one package.
    """
    names: list[str] = []
    for path in paths:
        own = os.path.basename(path)
        others = (f"{own}-{number}" for number in count(2))
        free = (name for name in chain((own,), others) if name not in names)
        names.append(next(free) if os.path.isdir(path) else own)
    return names


def _copy(origin: str, path: str) -> str:
    """Copy a package. A link to a directory, to a store for one, stays a link: only there the directory is whole."""
    import shutil

    temporary = f"{path}.{os.getpid()}.part"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(origin) and os.path.isdir(origin):
            os.symlink(os.path.realpath(origin), temporary)
        elif os.path.isdir(origin):
            shutil.copytree(origin, temporary, symlinks=True)
        else:
            shutil.copy2(origin, temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise StepFailed(f"the package can't be copied: {error.strerror}", where=path) from error
    return path


def _document(artifact: Artifact, path: str) -> dict[str, str]:
    return {
        "kind": artifact.kind,
        "name": artifact.name,
        "version": artifact.version,
        "digest": artifact.digest,
        "path": path,
    }
