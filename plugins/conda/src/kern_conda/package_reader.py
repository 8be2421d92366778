"""Reading conda packages: what they are, what they depend on, and a digest of what matters in them.

Both formats are read, ``.conda`` and ``.tar.bz2``, and nothing is extracted.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import Artifact, StepFailed
from kern_conda.package_rows import python_constraints

if TYPE_CHECKING:
    import tarfile

_UNSTEADY = (".dist-info/RECORD", ".dist-info/direct_url.json")
"""Files that name the directory of a build; two builds of the same sources differ in them."""


def read_package(path: str) -> Artifact:
    """Describe a package.

    Args:
        path: absolute path of a ``.conda`` or ``.tar.bz2`` file.

    Raises:
        StepFailed: it is damaged, or no conda package.
    """
    import tarfile
    import zipfile
    import zlib

    from kern_conda.zstandard_streams import ZstdError

    try:
        info = _read_conda(path) if path.endswith(".conda") else _read_tarball(path)
        return _describe(path, info)
    except (
        zipfile.BadZipFile,
        zlib.error,
        tarfile.TarError,
        ZstdError,
        OSError,
        EOFError,
        NotImplementedError,
    ) as error:
        raise _damaged(path, str(error)) from None
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(path, f"its description can't be read ({error})") from None


def _read_conda(path: str) -> dict[str, bytes]:
    """The files below ``info/``; all members are read, so that a file that was cut short is noticed."""
    import io
    import tarfile
    import zipfile

    from kern_conda.zstandard_streams import decompress

    with zipfile.ZipFile(path) as archive:
        broken = archive.testzip()
        if broken:
            raise zipfile.BadZipFile(f"{broken} has another checksum than it should have")
        name = next((each for each in archive.namelist() if each.startswith("info-") and each.endswith(".tar.zst")), "")
        if not name:
            raise zipfile.BadZipFile("there is no info-*.tar.zst in it")
        data = decompress(archive.read(name))
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as information:
        return _information(information)


def _read_tarball(path: str) -> dict[str, bytes]:
    import tarfile

    with tarfile.open(path, "r:bz2") as archive:
        return _information(archive)


def _information(archive: tarfile.TarFile) -> dict[str, bytes]:
    found = {}
    for member in archive:
        stream = archive.extractfile(member) if member.name.startswith("info/") and member.isreg() else None
        if stream is not None:
            found[member.name] = stream.read()
    return found


def _describe(path: str, info: dict[str, bytes]) -> Artifact:
    import json

    index = json.loads(info["info/index.json"])
    depends = tuple(str(each) for each in index.get("depends", ()))
    noarch = index.get("noarch") or ""
    facts = {
        "subdir": str(index.get("subdir") or ("noarch" if noarch else "")),
        "build": str(index["build"]),
        "noarch": str(noarch),
        "requires_python": ",".join(python_constraints(depends)),
    }
    return Artifact(
        kind="conda",
        path=path,
        name=str(index["name"]),
        version=str(index["version"]),
        digest=_digest(path, index, info),
        requirements=depends,
        facts=facts,
    )


def _digest(path: str, index: dict[str, Any], info: dict[str, bytes]) -> str:
    """Equal digests install the same files: what is installed, as the package itself lists it, and what is run for it."""
    import hashlib
    import json

    listed = info.get("info/paths.json")
    if listed is None:  # before version 1 of the list, so the file itself has to do
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    paths = sorted(_steady(entry) for entry in json.loads(listed)["paths"])
    steady = {key: value for key, value in sorted(index.items()) if key != "timestamp"}
    link = json.loads(info.get("info/link.json", b"{}"))
    return hashlib.sha256(json.dumps([steady, paths, link], sort_keys=True).encode()).hexdigest()


def _steady(entry: dict[str, Any]) -> list[str]:
    name = str(entry["_path"])
    content = "" if name.endswith(_UNSTEADY) else str(entry.get("sha256"))
    return [name, content, str(entry.get("path_type")), str(entry.get("prefix_placeholder"))]


def _damaged(path: str, reason: str) -> StepFailed:
    return StepFailed(f"{os.path.basename(path)} is damaged: {reason}", where=path)
