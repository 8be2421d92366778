"""Reading lock files, in the worker process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rattler import RepoDataRecord
    from rattler.lock import Environment, LockPlatform, PypiLockedPackage


class LockError(Exception):
    """A lock file does not have what is asked of it."""


def read_lock(path: str, platform: str) -> tuple[list[RepoDataRecord], list[str]]:
    """Read what a lock file has for one platform: records, and requirement lines for files from PyPI."""
    environment = _environment(path)
    chosen = _platform(environment, platform, path)
    records = environment.conda_repodata_records_for_platform(chosen) or []
    pypi = environment.pypi_packages_for_platform(chosen) or []
    for record in records:
        if not record.sha256 and not record.md5:
            raise LockError(f"{path} has no hash for {record.file_name}")
    return records, [_requirement(package, path) for package in pypi]


async def locked_with_packages(
    path: str, platform: str, packages: Sequence[str]
) -> tuple[list[RepoDataRecord], list[str]]:
    """Read a lock and add package files, which must find all that they need in it."""
    from kern_conda.rattling_solve import read_packages

    records, pypi = read_lock(path, platform)
    built = await read_packages(packages)
    names = {record.name.normalized for record in built}
    whole = [*(record for record in records if record.name.normalized not in names), *built]
    if built:
        _check_complete(whole, path)
    return whole, pypi


def _check_complete(records: Sequence[RepoDataRecord], path: str) -> None:
    from rattler import MatchSpec

    for record in records:
        for needed in filter(lambda text: not text.startswith("__"), record.depends):
            spec = MatchSpec(needed, strict=False)
            if not any(spec.matches(other) for other in records):
                raise LockError(f"{path} lacks {needed}, which {record.name.normalized} needs")


def _environment(path: str) -> Environment:
    from rattler import LockFile

    lock = LockFile.from_path(Path(path))
    found = lock.default_environment() or next((one for _, one in lock.environments()), None)
    if found is None:
        raise LockError(f"{path} is empty")
    return found


def _platform(environment: Environment, wanted: str, path: str) -> LockPlatform:
    from rattler import Subdir

    name = wanted or str(Subdir.current())
    for platform in environment.platforms():
        if str(platform.subdir) == name:
            return platform
    there = ", ".join(str(platform.subdir) for platform in environment.platforms()) or "nothing"
    raise LockError(f"{path} has no packages for {name}, only for {there}")


def _requirement(package: PypiLockedPackage, path: str) -> str:
    hashes = package.hashes
    digest = hashes.sha256.hex() if hashes is not None and hashes.sha256 else ""
    if not digest:
        raise LockError(f"{path} has no sha256 for {package.name}")
    return f"{package.name} @ {package.location} --hash=sha256:{digest}"
