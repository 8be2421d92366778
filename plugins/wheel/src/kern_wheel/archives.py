"""Reading wheels and source distributions: what they are, what they pull in, and a digest of what matters in them.

Members are read, never extracted, apart from `unpack_sdist`, which lets `tarfile`'s data filter (PEP 706) decide where Python
has it, and takes nothing but plain files and directories where it has not.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, NamedTuple

from kern.api import Artifact, StepFailed

if TYPE_CHECKING:
    import tarfile
    import zipfile
    from collections.abc import Iterable, Mapping
    from email.message import Message

_CHUNK = 1 << 20
_EXECUTABLE = 0o111
_SIGNATURES = ("RECORD", "RECORD.jws", "RECORD.p7s")
_RELIABLE_SINCE = (2, 2)  # before Metadata 2.2 (PEP 643) nothing in a PKG-INFO was promised to stay


class _Member(NamedTuple):
    """One file of an archive: equal members install equal files, whenever they were packed."""

    name: str
    content: str
    executable: bool


def read_wheel(path: str, kind: str) -> Artifact:
    """Describe a wheel.

    Args:
        path: absolute path of a ``.whl`` file.
        kind: of the artifact, ``wheel`` or ``editable``.

    Raises:
        StepFailed: it is not a wheel, whatever its name says.
    """
    import zipfile
    import zlib

    tags = _wheel_tags(path)
    try:
        with zipfile.ZipFile(path) as archive:
            metadata_name = _wheel_metadata_name(archive.namelist(), path)
            metadata = _headers(archive.read(metadata_name))
            members = [_wheel_member(archive, info) for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise _damaged(path, str(error)) from None
    folder = metadata_name.rpartition("/")[0]
    unsigned = {f"{folder}/{name}" for name in _SIGNATURES}
    digest = _digest(member for member in members if member.name not in unsigned)
    return _artifact(kind, path, digest, metadata, {"tags": tags})


def read_sdist(path: str) -> Artifact | None:
    """Describe a source distribution.

    Args:
        path: absolute path of a ``.tar.gz`` file.

    Returns:
        ``None`` if there is no ``PKG-INFO`` in it, so that it is some other archive.

    Raises:
        StepFailed: it can't be read to its end.
    """
    import tarfile
    import zlib

    try:
        with tarfile.open(path, "r:gz") as archive:
            members, information = _sdist_members(archive, path)
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        raise _damaged(path, str(error)) from None
    if information is None:
        return None
    metadata = _headers(information)
    digest = _digest(members)
    sdist = _artifact("sdist", path, digest, metadata, {})
    return sdist if _promises_requirements(metadata) else _with_requirement(sdist, f"sdist {digest}")


def refuse_own_folder(path: str, folder: str) -> None:
    """Make sure that what was built does not hold kern's own folder.

    Args:
        path: absolute path of a wheel or a source distribution.
        folder: name of the folder.

    Raises:
        StepFailed: it does, because the backend packs whatever it finds in the tree.
    """
    names = _wheel_names(path) if path.endswith(".whl") else _sdist_names(path)
    if any(name == folder or name.startswith(f"{folder}/") for name in names):
        raise StepFailed(
            f"the build backend has packed kern's folder {folder} into {os.path.basename(path)}",
            where=path,
            hint=f"add {folder}/ to .gitignore, or to what the build backend is told to leave out",
        )


def _wheel_names(path: str) -> list[str]:
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _damaged(path, str(error)) from None


def _sdist_names(path: str) -> list[str]:
    """The files of a source distribution, relative to the directory at its top."""
    import tarfile
    import zlib

    try:
        with tarfile.open(path, "r:gz") as archive:
            return [name.partition("/")[2] for name in archive.getnames()]
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        raise _damaged(path, str(error)) from None


def unpack_sdist(path: str, directory: str) -> str:
    """Unpack a source distribution.

    Args:
        path: absolute path of the ``.tar.gz`` file.
        directory: where; it must exist.

    Returns:
        Absolute path of the source tree.

    Raises:
        StepFailed: it is damaged, or a member would leave the directory (PEP 706).
    """
    import tarfile
    import zlib

    target = os.path.join(directory, "tree")
    os.makedirs(target)
    try:
        with tarfile.open(path, "r:gz") as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(target, filter="data")
            else:
                _extract_files(archive, target)
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        raise _damaged(path, str(error)) from None
    trees = [entry.path for entry in os.scandir(target) if entry.is_dir(follow_symlinks=False)]
    if len(trees) != 1:
        raise _damaged(path, f"a source distribution has one directory at its top, this one has {len(trees)}")
    return trees[0]


def _extract_files(archive: tarfile.TarFile, target: str) -> None:
    """Unpack where `tarfile` has no filter yet (Python 3.11.0 to 3.11.3, Debian 12): plain files and directories alone.

    Raises:
        ValueError: a member would leave the target, or is a link or a device.
    """
    import shutil

    for member in archive:
        parts = member.name.split("/")
        if member.name.startswith("/") or os.pardir in parts:
            raise ValueError(f"{member.name!r} would be outside of its own directory")
        path = os.path.join(target, *parts)
        if member.isdir():
            os.makedirs(path, exist_ok=True)
            continue
        content = archive.extractfile(member) if member.isreg() else None
        if content is None:
            raise ValueError(f"{member.name!r} is neither a file nor a directory")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with content, open(path, "xb") as file:
            shutil.copyfileobj(content, file)
        os.chmod(path, 0o755 if member.mode & _EXECUTABLE else 0o644)


def _wheel_tags(path: str) -> str:
    """The tags in a wheel's file name, written out one by one."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        tags = parse_wheel_filename(os.path.basename(path))[3]
    except InvalidWheelFilename as error:
        raise _damaged(path, str(error)) from None
    return " ".join(sorted(map(str, tags)))


def _wheel_metadata_name(names: list[str], path: str) -> str:
    for name in names:
        _refuse_unsafe(name, path)
    if len(set(names)) != len(names):
        raise _damaged(path, "a file is in it twice")
    found = [name for name in names if name.count("/") == 1 and name.endswith(".dist-info/METADATA")]
    if len(found) != 1:
        raise _damaged(path, f"a wheel has one .dist-info/METADATA, this one has {len(found)}")
    return found[0]


def _refuse_unsafe(name: str, path: str) -> None:
    if name.startswith(("/", "\\")) or "\0" in name or ".." in name.replace("\\", "/").split("/"):
        raise _damaged(path, f"the member {name!r} leads out of the archive")


def _wheel_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    with archive.open(info) as stream:
        content = _content(stream)
    return _Member(info.filename, content, bool(info.external_attr >> 16 & _EXECUTABLE))


def _sdist_members(archive: tarfile.TarFile, path: str) -> tuple[list[_Member], bytes | None]:
    """All files and links, and the bytes of ``PKG-INFO`` in the directory at the top."""
    members: list[_Member] = []
    information = None
    for info in archive:
        _refuse_unsafe(info.name, path)
        stream = archive.extractfile(info) if info.isreg() else None
        if stream is None:
            members.append(_Member(info.name, f"{info.type!r} {info.linkname}", executable=False))
            continue
        if info.name.count("/") == 1 and info.name.endswith("/PKG-INFO"):
            information = stream.read()
            stream.seek(0)
        members.append(_Member(info.name, _content(stream), bool(info.mode & _EXECUTABLE)))
    return members, information


def _content(stream: IO[bytes]) -> str:
    import hashlib

    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _digest(members: Iterable[_Member]) -> str:
    import hashlib
    import json

    return hashlib.sha256(json.dumps(sorted(members)).encode()).hexdigest()


def _headers(data: bytes) -> Message:
    from email.parser import HeaderParser

    return HeaderParser().parsestr(data.decode("utf-8", "surrogateescape"))


def _all_of(metadata: Message, key: str) -> list[str]:
    """Every value of a field, on one line each."""
    return [" ".join(str(value).split()) for value in metadata.get_all(key, [])]


def _one_of(metadata: Message, key: str) -> str:
    return next(iter(_all_of(metadata, key)), "")


def _artifact(kind: str, path: str, digest: str, metadata: Message, facts: Mapping[str, str]) -> Artifact:
    name, version = _one_of(metadata, "Name"), _one_of(metadata, "Version")
    if not name or not version:
        raise _damaged(path, "its metadata has no name or no version")
    extras = [f"Provides-Extra: {extra}" for extra in _all_of(metadata, "Provides-Extra")]
    return Artifact(
        kind=kind,
        path=path,
        name=name,
        version=version,
        digest=digest,
        requirements=tuple(sorted([*_all_of(metadata, "Requires-Dist"), *extras])),
        facts={**facts, "requires_python": _one_of(metadata, "Requires-Python")},
    )


def _promises_requirements(metadata: Message) -> bool:
    """Whether what a ``PKG-INFO`` says of requirements holds for the wheel that is built from it (PEP 643)."""
    dynamic = {value.lower() for value in _all_of(metadata, "Dynamic")}
    parts = _one_of(metadata, "Metadata-Version").split(".")
    version = tuple(int(part) for part in parts if part.isascii() and part.isdigit())
    return version >= _RELIABLE_SINCE and not dynamic & {"requires-dist", "provides-extra"}


def _with_requirement(artifact: Artifact, requirement: str) -> Artifact:
    return artifact._replace(requirements=(*artifact.requirements, requirement))


def _damaged(path: str, reason: str) -> StepFailed:
    return StepFailed(f"{os.path.basename(path)} is damaged: {reason}", where=path)
