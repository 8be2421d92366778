"""The project's work directory as the kernel's steps use it: `kern.store` bound to one place."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from kern import store
from kern.errors import KernError, StepFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

ENVIRONMENTS = "environments"
BUILDS = "builds"
ARTIFACTS = "artifacts"
SOURCES = "sources"


class State:
    """Records, locks, environments and artifacts below one work directory."""

    def __init__(self, work: str, warn: Callable[[str], None] = lambda _: None) -> None:
        """``work`` is an absolute path; nothing is made before it is needed. ``warn`` takes sentences for the user."""
        self.work = work
        self.warn = warn

    def environment_path(self, key: str) -> str:
        """Where an environment is made."""
        return store.environment_path(self.work, key)

    def read(self, kind: str, name: str) -> dict[str, Any] | None:
        """A record, or ``None``."""
        return store.read_record(self.work, kind, name)

    def write(self, kind: str, name: str, value: Mapping[str, Any]) -> None:
        """Replace a record."""
        store.write_record(self.work, kind, name, value)

    def note(self, kind: str, name: str, value: Mapping[str, Any]) -> None:
        """Replace a record that only saves time, if it can be written."""
        try:
            self.write(kind, name, value)
        except KernError:
            return

    def remove(self, kind: str, name: str) -> None:
        """Forget a record."""
        store.remove_record(self.work, kind, name)

    def stamp(self, kind: str, name: str) -> str:
        """What tells one writing of a record from another without reading it; empty if there is none."""
        try:
            found = os.stat(os.path.join(self.work, "records", kind, f"{store.safe_name(name)}.json"))
        except OSError:
            return ""
        return f"{found.st_ino}.{found.st_mtime_ns}.{found.st_size}"

    def lock(
        self,
        name: str,
        *,
        exclusive: bool,
        timeout: float,
        on_wait: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> AbstractContextManager[None]:
        """Hold a lock between threads and processes."""
        return store.lock(self.work, name, exclusive=exclusive, timeout=timeout, on_wait=on_wait, stopped=stopped)

    def belongs_here(self, path: str, token: str) -> bool:
        """Whether a directory is the one that kern made there."""
        return store.belongs_here(path, token)

    def remake(self, kind: str, name: str, path: str) -> str:
        """Delete what kern made at a path and make it anew, empty; its record stops saying ready before anything else.

        What stands there and is not kern's is moved aside; nothing of it is lost.

        Args:
            kind: kind of the record.
            name: name of the record.
            path: absolute path below the work directory.

        Returns:
            The token that the finished record has to hold.
        """
        try:
            return store.remake_directory(self.work, kind, name, path)
        except StepFailed:
            raise
        except KernError as error:
            self._put_aside(path, error)
        return store.remake_directory(self.work, kind, name, path)

    def _put_aside(self, path: str, error: KernError) -> None:
        """Move away what stands where kern has to make something.

        Raises:
            KernError: as given, where it can't be moved.
        """
        aside = f"{path}.not-kerns-{int(time.time())}"
        try:
            os.rename(path, aside)
        except OSError:
            raise error from None
        self.warn(f"{path} is not kern's: moved to {aside}")

    def discard(self, kind: str, name: str, path: str) -> None:
        """Delete what kern made, and its record."""
        store.discard_directory(self.work, kind, name, path)

    def temporary(self, label: str) -> AbstractContextManager[str]:
        """A directory for the length of a block; stays as evidence after a failure."""
        return store.temporary_directory(self.work, label)

    def publish(self, output: str, key: str) -> tuple[str, str]:
        """Move a build's output to its place.

        Returns:
            The directory and its token. The artifact counts only when its record is written.
        """
        path = store.artifact_path(self.work, key)
        token = self.remake(ARTIFACTS, key, path)
        for name in os.listdir(output):
            os.rename(os.path.join(output, name), os.path.join(path, name))
        return path, token

    def prune_artifacts(self, kept: int) -> None:
        """Delete the oldest artifacts that no build's record speaks of, beyond ``kept`` of them."""
        folder = os.path.join(self.work, "artifacts")
        used = self._used_artifacts()
        with os.scandir(folder) as entries:
            found = sorted((entry.stat().st_mtime, entry.name) for entry in entries if entry.is_dir())
        for _, name in found[: max(0, len(found) - kept)]:
            if name not in used:
                self.discard(ARTIFACTS, name, os.path.join(folder, name))

    def _used_artifacts(self) -> set[str]:
        used = set()
        for record in store.read_records(self.work, BUILDS):
            artifact = record.get("artifact")
            path = artifact.get("path") if isinstance(artifact, dict) else None
            if isinstance(path, str):
                used.add(os.path.basename(os.path.dirname(path)))
        return used
