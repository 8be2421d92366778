"""Installing, in the worker process."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rattler import PackageCache, RepoDataRecord


class OfflineError(Exception):
    """Packages are not in the cache, and may not be fetched."""


class HashMismatchError(Exception):
    """A file is not the one that its record describes."""


class Reporter:
    """Says what happens, a line each; every method that rattler calls must be there, for it hides what they raise."""

    def __getattr__(self, name: str) -> Any:
        """Take no interest in whatever is not below."""
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *_arguments: 0

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:  # noqa: ARG002
        """Say that a package is fetched, extracted or checked, whichever it needs."""
        _say(f"preparing {package_name}")
        return 0

    def on_link_start(self, operation: int, package_name: str) -> int:  # noqa: ARG002
        """Say that a package is put into the prefix."""
        _say(f"linking {package_name}")
        return 0


async def install(
    records: Sequence[RepoDataRecord], prefix: str, linking: dict[str, Any], machine: dict[str, Any]
) -> None:
    """Make a prefix hold exactly these packages."""
    import rattler

    from kern_conda.rattling_solve import client

    cache = _package_cache(machine)
    absent = await _check_sources(records, cache, offline=linking["offline"])
    for record in absent:
        directory = _unpacked(machine["packages"], record)
        if record.sha256 and _digest(directory) not in {"", record.sha256.hex()}:
            _forget(directory)
    if machine["distrust"]:
        for record in records:
            make_executable(os.path.join(_unpacked(machine["packages"], record), "bin"))
    await rattler.install(
        records=list(records),
        target_prefix=prefix,
        package_cache=cache,
        reporter=Reporter(),
        show_progress=False,
        # Not the wrapped objects: `install` hands the list to native code as it is.
        requested_specs=[rattler.MatchSpec(spec)._match_spec for spec in linking["requested"]],  # noqa: SLF001
        execute_link_scripts=linking["link_scripts"],
        platform=rattler.Subdir(linking["platform"]) if linking["platform"] else None,
        client=client(machine),
        config=_config(linking["link"]),
    )


def _config(link: str) -> Any:
    from rattler import Config

    if link == "auto":
        return None
    wanted = "true" if link == "hard" else "false"
    return Config.from_toml(f"allow-hard-links = {wanted}\nallow-ref-links = true\nallow-symbolic-links = false\n")


def _package_cache(machine: dict[str, Any]) -> PackageCache:
    from rattler import PackageCache
    from rattler.package_cache import ValidationMode

    mode = ValidationMode.full() if machine["distrust"] else ValidationMode.fast()
    os.makedirs(machine["packages"], exist_ok=True)
    return PackageCache.new_layered([machine["packages"]], False, mode)


def _unpacked(packages: str, record: RepoDataRecord) -> str:
    return os.path.join(packages, record.file_name.removesuffix(".conda").removesuffix(".tar.bz2"))


def _digest(directory: str) -> str:
    """The SHA-256 of the package that was unpacked there, as rattler (after a number of 8 bytes) or conda wrote it down."""
    import json

    with suppress(OSError), open(f"{directory}.lock", "rb") as file:
        return file.read(40)[8:].hex()
    with suppress(OSError, ValueError), open(os.path.join(directory, "info", "repodata_record.json"), "rb") as file:
        return str(dict(json.load(file)).get("sha256", ""))
    return ""


def _forget(directory: str) -> None:
    """Take a package of that name and another content out of the cache, before the right one is fetched.

    Where that fails, rattler leaves the old one under the new one's hash, and takes it for the new one the next time.
    """
    import shutil

    aside = f"{directory}.{os.urandom(8).hex()}"
    with suppress(OSError):  # it is not there, as usual, or the cache belongs to somebody else
        os.rename(directory, aside)
        shutil.rmtree(aside, ignore_errors=True)


async def _check_sources(
    records: Sequence[RepoDataRecord], cache: PackageCache, *, offline: bool
) -> list[RepoDataRecord]:
    """Check what rattler does not: hashes of files of this machine, and that nothing is fetched where it may not be.

    Returns:
        Those that the cache does not have.
    """
    known = await cache.index()
    absent = [record for record in records if not known.contains_record(record)]
    remote = sorted(record.file_name for record in absent if not record.url.startswith("file:"))
    if offline and remote:
        raise OfflineError(", ".join(remote))
    for record in absent:
        if record.url.startswith("file:"):
            _check_hash(record)
    return absent


def make_executable(directory: str) -> None:
    """Give programs of an unpacked package the permission back that somebody took from one in an environment.

    Both are the same file, and rattler compares contents alone. What the package had is written down nowhere; a binary or
    a script among the programs had it.
    """
    for entry in os.scandir(directory) if os.path.isdir(directory) else ():
        if not entry.is_file(follow_symlinks=False):
            continue
        mode = entry.stat(follow_symlinks=False).st_mode & 0o777
        with suppress(OSError):  # a cache that belongs to somebody else
            if not mode & 0o400:
                os.chmod(entry.path, mode := mode | 0o444)
            if not mode & 0o100 and _is_program(entry.path):
                os.chmod(entry.path, mode | 0o111)  # noqa: S103 - as conda packages have their programs


def _is_program(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4).startswith((b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"))


def _check_hash(record: RepoDataRecord) -> None:
    import hashlib
    from urllib.parse import unquote, urlsplit

    kind, stated = ("sha256", record.sha256) if record.sha256 else ("md5", record.md5)
    path = unquote(urlsplit(record.url).path)
    if not stated or not os.path.isfile(path):
        return
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found != stated.hex():
        raise HashMismatchError(f"hash mismatch of {record.url}: expected {kind} {stated.hex()}, got {found}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - standard output is the step's log
