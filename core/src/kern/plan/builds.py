"""Which packages have to be built for the rows of a plan, and why."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern import options
from kern.api import Artifact, EnvSpec, PackageSpec, Unavailable
from kern.config.project import PackageTable
from kern.errors import ConfigError
from kern.plan.reasons import READY, changed, plain
from kern.plan.values import BUILD, REUSE, Build
from kern.state import BUILDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.session import Session
    from kern.sources import Snapshot


_WHOLE = (".", ())
"""The tree of a definition that names none: the project, all of it."""


class Builds:
    """Collects the builds of one plan; rows with equal variants share one."""

    def __init__(self, session: Session) -> None:
        """Start without any."""
        self._session = session
        self._packages: dict[str, PackageSpec] = {}
        self._derived: dict[str, PackageTable] = {}
        self.found: dict[str, Build] = {}

    def add(self, name: str, spec: EnvSpec, trail: tuple[str, ...] = ()) -> Build | Unavailable:
        """The build that gives an environment the package ``name``, or why there can't be one.

        Raises:
            ConfigError: an unknown definition, a wrong option, definitions that are built from each other.
        """
        package = self.package(name)
        if name in trail:
            circle = " -> ".join((*trail, name))
            raise ConfigError(
                f"packages are built from each other: {circle}",
                where=self._session.project.where("package", name, "from"),
            )
        builder = self._session.registry.load("kern.builder", package.builder)
        context = self._session.context(package.builder)
        veto: Unavailable | None = builder.probe(package, spec, context)
        if veto is not None:
            return veto
        variant = builder.variant(package, spec, context)
        key = f"build:{name}:{variant}" if variant else f"build:{name}"
        if key in self.found:
            return self.found[key]
        source = self.add(package.source, spec, (*trail, name)) if package.source else None
        if isinstance(source, Unavailable):
            return source
        build = self._build(key, package, spec, variant, builder, source)
        self.found[key] = build
        return build

    def package(self, name: str) -> PackageSpec:
        """The package definition as its builder sees it."""
        if name not in self._packages:
            self._packages[name] = self._package_spec(name)
        return self._packages[name]

    def _package_spec(self, name: str) -> PackageSpec:
        session = self._session
        table = self._table(name)
        kind = name if name not in self._derived else table.values["builder"]
        builder_name, builder = session.rows.builder_of(kind), session.rows.builder(kind)

        def where(key: str) -> str:
            return session.project.where("package", name, key)

        strange = options.unknown(builder.Options, table.options)
        if strange:
            raise _unknown_option(strange[0], builder, where)
        chosen = options.make(builder.Options, table.options, where)
        source = self._source(table, builder.source(chosen))
        root = os.path.normpath(os.path.join(session.project.directory, self._root(table)))
        return PackageSpec(name=name, builder=builder_name, root=root, options=chosen, source=source or None)

    def _table(self, name: str) -> PackageTable:
        known = self._derived.get(name) or self._session.project.packages.get(name)
        return known or PackageTable(name, {}, {}, (), ())

    def _source(self, table: PackageTable, implied: str) -> str:
        """What a package is built from; of the same tree, where its table says which that is.

        A definition that nobody wrote, or that the builder chose, is one for the whole project: it would bring another
        tree's package. So it is made one of its own then, under a name that no table can have.
        """
        stated: str = table.values.get("from", "")
        source = stated or implied
        if not source or _tree(table) == _WHOLE:
            return source
        own = self._session.project.packages.get(source)
        if own is not None and (stated or _tree(own) == _tree(table)):
            return source
        root, sources = _tree(table)
        same = own if own is not None and _tree(own)[0] == root else None
        builder = self._session.rows.builder_of(source)
        values = {**(same.values if same else {}), "root": root, "sources": sources, "builder": builder}
        name = f"{table.name}-{source}"
        self._derived[name] = PackageTable(name, values, same.options if same else {}, (), ())
        return name

    def _root(self, table: PackageTable) -> str:
        """The source tree: that of what it is built from, where it names none itself."""
        seen = {table.name}
        while not table.values.get("root") and (source := table.values.get("from", "")) and source not in seen:
            seen.add(source)
            table = self._table(source)
        return table.values.get("root") or "."

    def _build(
        self, key: str, package: PackageSpec, spec: EnvSpec, variant: str, builder: Any, source: Build | None
    ) -> Build:
        session = self._session
        fingerprint = plain(builder.fingerprint(package, spec, session.context(package.builder)))
        snapshot = None if source else session.snapshot(package.root, self._patterns(package, builder))
        session.stamps[key] = session.state.stamp(BUILDS, record_name(key))
        record = session.state.read(BUILDS, record_name(key))
        reason = why_build(record, fingerprint, snapshot, source)
        if session.recreate:
            reason = "--recreate"
        first = next((other.key for other in self.found.values() if other.package.name == package.name), "")
        return Build(
            key=key,
            package=package,
            spec=spec,
            variant=variant,
            fingerprint=fingerprint,
            snapshot=snapshot,
            action=BUILD if reason else REUSE,
            reason=reason,
            artifact=None if reason or record is None else recorded_artifact(record),
            source=source.key if source else "",
            first=first,
            pools=tuple(builder.pools),
        )

    def _patterns(self, package: PackageSpec, builder: Any) -> tuple[str, ...]:
        chosen: tuple[str, ...] = self._table(package.name).values.get("sources", ())
        return chosen or tuple(builder.watches)


def _tree(table: PackageTable) -> tuple[str, tuple[str, ...]]:
    """Which tree a table means, and which files of it."""
    return os.path.normpath(table.values.get("root") or "."), tuple(table.values.get("sources") or ())


def _unknown_option(key: str, builder: Any, where: options.Where) -> ConfigError:
    from kern.config.keys import PACKAGE_KEYS
    from kern.config.suggest import did_you_mean

    known = [*PACKAGE_KEYS, *(field.name for field in options.fields_of(builder.Options))]
    return ConfigError(f"unknown key {key!r}", where=where(key), hint=did_you_mean(key, known))


def record_name(key: str) -> str:
    """Name of a build's record: its key without what file names dislike."""
    return key.removeprefix("build:").replace(":", "@")


def why_build(
    record: Mapping[str, Any] | None, fingerprint: Mapping[str, Any], snapshot: Snapshot | None, source: Build | None
) -> str:
    """The reason to build, in words; empty if the record's artifact is what a build would give.

    Args:
        record: of the last build of this package and variant.
        fingerprint: what the build depends on beside its sources.
        snapshot: the source tree, if it is built from one.
        source: the build whose artifact it is built from, if it is built from one.
    """
    if record is None:
        return "not built yet"
    if record.get("state") != READY:
        return "building it failed or was interrupted"
    return changed(record.get("fingerprint"), fingerprint) or _why_stale(record, snapshot, source)


def _why_stale(record: Mapping[str, Any], snapshot: Snapshot | None, source: Build | None) -> str:
    if source is not None and source.artifact is None:
        return f"{source.package.name} is built anew"
    digest = source.artifact.digest if source is not None and source.artifact else snapshot and snapshot.digest
    if record.get("sources") != digest:
        return _sources_changed(snapshot)
    artifact = recorded_artifact(record)
    if artifact is None:
        return "its record can't be read"
    return "" if os.path.exists(artifact.path) else "the artifact is gone"


def _sources_changed(snapshot: Snapshot | None) -> str:
    if snapshot is None or not snapshot.changed:
        return "its sources have changed"
    few = ", ".join(snapshot.changed[:3])
    return f"changed: {few}" + (", ..." if len(snapshot.changed) > 3 else "")  # noqa: PLR2004


def recorded_artifact(record: Mapping[str, Any]) -> Artifact | None:
    """The artifact in a record, whose content is never trusted; ``None`` if there is none that can be read."""
    try:
        found = artifact_from(record["artifact"])
    except (KeyError, TypeError, ValueError):
        return None
    texts = (found.kind, found.path, found.name, found.version, found.digest, *found.requirements)
    return found if all(isinstance(text, str) for text in texts) else None


def artifact_from(record: Mapping[str, Any]) -> Artifact:
    """The artifact that a record describes."""
    return Artifact(
        kind=record["kind"],
        path=record["path"],
        name=record["name"],
        version=record["version"],
        digest=record["digest"],
        requirements=tuple(record["requirements"]),
        facts=dict(record["facts"]),
    )


def artifact_record(artifact: Artifact) -> dict[str, Any]:
    """An artifact as a record keeps it."""
    return {
        "kind": artifact.kind,
        "path": artifact.path,
        "name": artifact.name,
        "version": artifact.version,
        "digest": artifact.digest,
        "requirements": list(artifact.requirements),
        "facts": dict(artifact.facts),
    }
