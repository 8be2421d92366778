"""The verb ``kern build``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.cli.opening import jobs, open_session, print_json
from kern.errors import StepFailed

if TYPE_CHECKING:
    from kern.api import Artifact
    from kern.cli.declarations import BuildArguments


def main(arguments: BuildArguments) -> int:
    """Build packages and copy them to the output directory."""
    from kern.building import build

    count = jobs(arguments.jobs)
    session = open_session(arguments, recreate=arguments.recreate, lanes=count, lock_timeout=arguments.lock_timeout)
    try:
        names = session.select(arguments.environments).names
        artifacts = build(session, names, arguments.packages, count, quiet=arguments.quiet)
        output = os.path.join(session.project.directory, arguments.output)
        if arguments.directory == "":
            output = os.path.abspath(arguments.output)
        paths = [_copy(artifact, output) for artifact in artifacts]
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


def _copy(artifact: Artifact, output: str) -> str:
    import shutil

    path = os.path.join(output, os.path.basename(artifact.path))
    try:
        os.makedirs(output, exist_ok=True)
        temporary = f"{path}.{os.getpid()}.part"
        shutil.copy2(artifact.path, temporary)
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
