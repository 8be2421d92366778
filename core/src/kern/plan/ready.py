"""``--package FILE|DIR``: ready artifacts, chosen for each environment by what their metadata says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Artifact, EnvSpec, Unavailable
from kern.errors import UsageError

if TYPE_CHECKING:
    from kern.plan.values import Row
    from kern.session import Session


class ReadyArtifacts:
    """The artifacts that the user handed over."""

    def __init__(self, session: Session, paths: tuple[str, ...]) -> None:
        """Read them all, once.

        Raises:
            UsageError: a path is not there, or no builder knows anything in it.
        """
        self._session = session
        self._found: list[tuple[str, Artifact]] = []
        for path in paths:
            before = len(self._found)
            for file in _files(os.path.abspath(path)):
                self._read(file)
            if len(self._found) == before:
                raise UsageError(f"{path} holds no package that an installed builder knows", where="--package")

    def _read(self, path: str) -> None:
        for name in self._session.registry.names("kern.builder"):
            builder = self._session.registry.load("kern.builder", name)
            artifact = builder.read(path, self._session.context(name))
            if artifact is not None:
                self._found.append((name, artifact))
                return

    def choose(self, row: Row, spec: EnvSpec) -> Artifact | Unavailable:
        """The artifact that serves a row best, by kind and tags.

        One of several rows of an environment is about its package's kind, and no other will do.
        """
        several = row.key != row.name
        provider = self._session.rows.provider(row.name, row.factors)
        preferred = self._session.rows.builder(row.package).produces
        ranked: list[tuple[bool, int, int, Artifact]] = []
        for position, (name, artifact) in enumerate(self._found):
            if artifact.kind not in provider.accepts or (several and artifact.kind != preferred):
                continue
            builder = self._session.registry.load("kern.builder", name)
            rank = builder.fit(artifact, spec, self._session.context(name))
            if rank is not None:
                ranked.append((artifact.kind != preferred, rank, position, artifact))
        if not ranked:
            having = ", ".join(os.path.basename(artifact.path) for _, artifact in self._found)
            return Unavailable(
                reason=f"none of the given packages fits {row.label}",
                hint=f"given: {having}",
                missing=False,
            )
        return min(ranked, key=lambda item: item[:3])[3]


def _files(path: str) -> list[str]:
    if os.path.isdir(path):
        inside = sorted(os.path.join(path, name) for name in os.listdir(path))
        return [path, *(file for file in inside if os.path.isfile(file) or _is_link_to_directory(file))]
    if not os.path.exists(path):
        raise UsageError(f"there is nothing at {path}", where="--package")
    return [path]


def _is_link_to_directory(path: str) -> bool:
    """Whether it is what `kern build` leaves of a package that is a directory in a store."""
    return os.path.islink(path) and os.path.isdir(path)
