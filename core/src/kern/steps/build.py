"""Build a package, or find that somebody else has."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kern.errors import StepFailed
from kern.plan.builds import artifact_record, record_name, recorded_artifact, why_build
from kern.plan.reasons import MAKING, READY, settled
from kern.state import ARTIFACTS, BUILDS

if TYPE_CHECKING:
    from kern.api import Artifact
    from kern.log import StepLog
    from kern.plan.values import Build
    from kern.session import Session

OnStart = Callable[[str], None]

KEPT = 24
"""Artifacts that are kept for when the sources go back (another branch)."""


def build_package(
    session: Session, build: Build, source: Build | None, first: Artifact | None, log: StepLog, started: OnStart
) -> tuple[Artifact, bool]:
    """Make sure that the artifact exists.

    Args:
        session: the project.
        build: what is built.
        source: the build it starts from, with its artifact.
        first: the artifact of an earlier variant of the same package, which serves if it fits.
        log: of this step.
        started: told the reason, once, before anything is built.

    Returns:
        The artifact, and whether it was built just now.

    Raises:
        StepFailed: the build failed.
    """
    state, name = session.state, record_name(build.key)
    with session.lock(f"build.{name}", exclusive=True):
        record = state.read(BUILDS, name)
        forced = session.recreate and state.stamp(BUILDS, name) == session.stamps.get(build.key, "")
        known = recorded_artifact(record) if record else None
        if known is not None and not forced and not why_build(record, build.fingerprint, build.snapshot, source):
            return known, False
        builder = session.registry.load("kern.builder", build.package.builder)
        context = session.context(build.package.builder, log)
        if first is not None and builder.fit(first, build.spec, context) is not None:
            _publish_record(session, build, source, first)
            return first, False
        key = artifact_key(build, source)
        earlier = None if session.recreate else state.read(ARTIFACTS, key)
        artifact = recorded_artifact(earlier) if earlier else None
        if artifact is not None and os.path.exists(artifact.path):
            _publish_record(session, build, source, artifact)
            return artifact, False
        started(build.reason)
        artifact = _build(session, build, source, builder, key, log)
        known_now = settled(build.fingerprint, lambda: builder.fingerprint(build.package, build.spec, context))
        _publish_record(session, build._replace(fingerprint=known_now), source, artifact)
        return artifact, True


def _build(session: Session, build: Build, source: Build | None, builder: Any, key: str, log: StepLog) -> Artifact:
    state = session.state
    state.write(BUILDS, record_name(build.key), {"state": MAKING})
    with state.temporary(f"build-{record_name(build.key)}") as scratch:
        output, work = os.path.join(scratch, "output"), os.path.join(scratch, "work")
        os.mkdir(output)
        os.mkdir(work)
        context = session.context(build.package.builder, log, output_dir=output, work_dir=lambda: work)
        artifact: Artifact = builder.build(build.package, build.spec, source.artifact if source else None, context)
        published, token = _publish(session, artifact, output, key)
    state.write(ARTIFACTS, key, {"artifact": artifact_record(published), "token": token})
    state.prune_artifacts(KEPT)
    return published


def _publish(session: Session, artifact: Artifact, output: str, key: str) -> tuple[Artifact, str]:
    relative = os.path.relpath(artifact.path, output)
    if relative.startswith(os.pardir):
        raise StepFailed(
            f"the builder put its artifact outside of the output directory: {artifact.path}",
            hint="this is a mistake of the plugin, not yours",
        )
    place, token = session.state.publish(output, key)
    return artifact._replace(path=os.path.join(place, relative)), token


def _publish_record(session: Session, build: Build, source: Build | None, artifact: Artifact) -> None:
    value = {
        "state": READY,
        "fingerprint": build.fingerprint,
        "sources": _sources(build, source),
        "artifact": artifact_record(artifact),
    }
    session.state.write(BUILDS, record_name(build.key), value)


def _sources(build: Build, source: Build | None) -> str:
    if source is not None and source.artifact is not None:
        return source.artifact.digest
    return build.snapshot.digest if build.snapshot else ""


def artifact_key(build: Build, source: Build | None) -> str:
    """Hex key of what a build would give: equal keys give equal artifacts."""
    import hashlib
    import json

    parts = [build.key, build.package.builder, build.fingerprint, _sources(build, source)]
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()
