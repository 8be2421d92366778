"""Writing a noarch Python package in conda's format (``.conda``, version 2; conda's documentation "Package specification").

Equal content gives equal bytes, with one version of zstd. The build string has a digest of the content, so that a
changed package has another name.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PLACEHOLDER = "/opt/anaconda1anaconda2anaconda3"
"""What stands for the environment's path in a text file; the one that conda's tools know without being told."""

_LONG_AGO = 1_262_304_000  # 2010-01-01
_SPREAD = 1 << 28  # eight and a half years
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_REGULAR = 0o100644


class Member(NamedTuple):
    """One file of a package.

    Attributes:
        path: where it goes, relative to the environment; ``site-packages/`` and ``python-scripts/`` stand for what these
            are called there.
        data: its content.
        mode: its permissions.
        has_prefix: whether `PLACEHOLDER` is in it.
    """

    path: str
    data: bytes
    mode: int = 0o644
    has_prefix: bool = False


class Contents(NamedTuple):
    """All that a package consists of.

    Attributes:
        name: the package's name.
        version: its version.
        depends: its dependencies, as MatchSpecs.
        members: its files.
        entry_points: ``NAME = MODULE:FUNCTION``; the programs are made where it is installed.
        about: ``license summary home``, as far as they are known.
    """

    name: str
    version: str
    depends: tuple[str, ...]
    members: tuple[Member, ...]
    entry_points: tuple[str, ...]
    about: Mapping[str, str]


def write_noarch(contents: Contents, directory: str) -> str:
    """Write a package.

    Args:
        contents: what is in it.
        directory: where; it must exist.

    Returns:
        Absolute path of the file.
    """
    build = f"pyh{_content_digest(contents)[:8]}_0"
    stem = f"{contents.name}-{contents.version}-{build}"
    path = os.path.join(directory, f"{stem}.conda")
    members = sorted(contents.members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "metadata.json", b'{"conda_pkg_format_version": 2}')
        _add(archive, f"pkg-{stem}.tar.zst", _packed(members))
        _add(archive, f"info-{stem}.tar.zst", _packed(_information(contents, members, build)))
    return path


def _content_digest(contents: Contents) -> str:
    files = [(each.path, hashlib.sha256(each.data).hexdigest(), each.mode) for each in sorted(contents.members)]
    rest = (contents.name, contents.version, contents.depends, contents.entry_points, sorted(contents.about.items()))
    return hashlib.sha256(json.dumps([files, rest]).encode()).hexdigest()


def _information(contents: Contents, members: Sequence[Member], build: str) -> list[Member]:
    """What is below ``info/``."""
    link = {
        "noarch": {"type": "python", "entry_points": list(contents.entry_points)},
        "package_metadata_version": 1,
    }
    documents: dict[str, Any] = {
        "about.json": dict(contents.about),
        "index.json": _index(contents, build),
        "link.json": link,
        "paths.json": {"paths": [_path_entry(each) for each in members], "paths_version": 1},
    }
    files = {name: json.dumps(value, indent=2, sort_keys=True) + "\n" for name, value in documents.items()}
    files["files"] = "".join(f"{each.path}\n" for each in members)
    prefixed = [f'"{PLACEHOLDER}" text "{each.path}"\n' for each in members if each.has_prefix]
    if prefixed:
        files["has_prefix"] = "".join(prefixed)
    return [Member(f"info/{name}", text.encode()) for name, text in sorted(files.items())]


def _index(contents: Contents, build: str) -> dict[str, Any]:
    index = {
        "arch": None,
        "build": build,
        "build_number": 0,
        "depends": list(contents.depends),
        "name": contents.name,
        "noarch": "python",
        "platform": None,
        "subdir": "noarch",
        "version": contents.version,
    }
    license_ = contents.about.get("license")
    return {**index, "license": license_} if license_ else index


def _path_entry(member: Member) -> dict[str, Any]:
    entry = {
        "_path": member.path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(member.data).hexdigest(),
        "size_in_bytes": len(member.data),
    }
    return {**entry, "file_mode": "text", "prefix_placeholder": PLACEHOLDER} if member.has_prefix else entry


def _packed(members: Iterable[Member]) -> bytes:
    from kern_conda.zstandard_streams import compress

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for each in members:
            info = tarfile.TarInfo(each.path)
            info.size, info.mode, info.mtime = len(each.data), each.mode, modification_time(each.data)
            archive.addfile(info, io.BytesIO(each.data))
    return compress(buffer.getvalue())


def modification_time(data: bytes) -> int:
    """A time in the past that is a file's own.

    With one time for all, a changed module of the same size would be taken for the one that a ``.pyc`` file left behind
    was compiled from: these are told apart by time and size.
    """
    return _LONG_AGO + int.from_bytes(hashlib.sha256(data).digest()[:4]) % _SPREAD


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _ZIP_TIME)
    info.create_system = 3
    info.external_attr = _REGULAR << 16
    archive.writestr(info, data)
