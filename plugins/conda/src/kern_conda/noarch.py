"""From a pure Python wheel to the files of a noarch conda package.

Where things of a wheel go is said by the specification of binary distributions (packaging.python.org), what a noarch
package may hold by conda's documentation "Noarch packages".
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from kern.api import StepFailed
from kern_conda.conda_package import PLACEHOLDER, Contents, Member
from kern_conda.dependencies import Metadata, Wish, make_dependencies

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator
    from email.message import Message

_OTHERS_WRITE = ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json")
"""Files of a ``.dist-info`` directory that are the installer's."""

_RESERVED = ("conda-meta", "info", "python-scripts", "site-packages")
"""Directories below the environment that mean something else in a conda package."""

_TO_PREFIX = "../../../"
"""From ``site-packages`` to the environment."""


class Converted(NamedTuple):
    """A package's contents, and whether it serves fewer Pythons than its ``Requires-Python`` allows."""

    contents: Contents
    limited: bool
    requires_python: str


class _Wheel(NamedTuple):
    archive: zipfile.ZipFile
    path: str
    info: str  # NAME-VERSION.dist-info
    metadata: Message


def convert(path: str, wish: Wish) -> Converted:
    """Read a wheel as the contents of a conda package.

    Args:
        path: absolute path of a wheel that is known to be sound.
        wish: what the user and the row say.

    Raises:
        ConfigError: as `make_dependencies`.
        StepFailed: it is not pure, or it has something that a noarch package has no place for.
    """
    import zipfile

    with zipfile.ZipFile(path) as archive:
        wheel = _open(archive, path)
        _refuse_impure(wheel)
        metadata = _metadata(wheel)
        dependencies = make_dependencies(metadata, wish)
        entry_points = tuple(_entry_points(wheel))
        members = [*_files(wheel, metadata.name), *_signed(wheel)]
    members.append(_record(members, entry_points, wheel.info))
    contents = Contents(
        name=dependencies.name,
        version=metadata.version,
        depends=dependencies.depends,
        members=tuple(members),
        entry_points=entry_points,
        about=_about(wheel.metadata),
    )
    return Converted(contents, dependencies.limited, metadata.requires_python)


def _open(archive: zipfile.ZipFile, path: str) -> _Wheel:
    names = archive.namelist()
    found = [name for name in names if name.count("/") == 1 and name.endswith(".dist-info/METADATA")]
    if len(found) != 1 or f"{found[0].rpartition('/')[0]}/WHEEL" not in names:
        raise StepFailed(f"{os.path.basename(path)} is no wheel", where=path)
    return _Wheel(archive, path, found[0].rpartition("/")[0], _headers(archive.read(found[0])))


def _headers(data: bytes) -> Message:
    from email.parser import HeaderParser

    return HeaderParser().parsestr(data.decode("utf-8", "surrogateescape"))


def _refuse_impure(wheel: _Wheel) -> None:
    said = _headers(wheel.archive.read(f"{wheel.info}/WHEEL"))
    tags = [tag.strip() for line in said.get_all("Tag", []) for tag in str(line).split()]
    pure = str(said.get("Root-Is-Purelib", "")).strip().lower() == "true"
    if pure and any(tag.startswith("py3-") and tag.endswith("-none-any") for tag in tags):
        return
    raise StepFailed(
        f"{os.path.basename(wheel.path)} is made for {' '.join(tags)}, and only a pure Python wheel of Python 3 can "
        "become a conda package",
        where=wheel.path,
        hint="a package with compiled parts is built from a recipe: write a recipe.yaml, and say "
        'recipe = "recipe.yaml" in the package definition',
    )


def _metadata(wheel: _Wheel) -> Metadata:
    from packaging.version import InvalidVersion, Version

    said = wheel.metadata

    def every(key: str) -> tuple[str, ...]:
        return tuple(" ".join(str(value).split()) for value in said.get_all(key, []))

    name, version = "".join(every("Name")[:1]), "".join(every("Version")[:1])
    try:
        version = str(Version(version))
    except InvalidVersion:
        raise StepFailed(f"{name} has the version {version!r}, which is none (PEP 440)", where=wheel.path) from None
    requires = "".join(every("Requires-Python")[:1])
    return Metadata(name, version, requires, every("Requires-Dist"), every("Provides-Extra"))


def _about(said: Message) -> dict[str, str]:
    license_ = said.get("License-Expression") or str(said.get("License") or "").strip().partition("\n")[0]
    urls = [str(line).partition(",") for line in said.get_all("Project-URL", [])]
    homes = [url.strip() for label, _, url in urls if label.strip().lower() in {"homepage", "home"}]
    about = {
        "license": str(license_),
        "summary": str(said.get("Summary") or ""),
        "home": str(said.get("Home-page") or "".join(homes[:1])),
    }
    return {key: " ".join(value.split()) for key, value in about.items() if value.strip()}


def _files(wheel: _Wheel, name: str) -> Iterator[Member]:
    data = f"{wheel.info.removesuffix('.dist-info')}.data/"
    dropped = {f"{wheel.info}/{each}" for each in _OTHERS_WRITE}
    for info in wheel.archive.infolist():
        if info.is_dir() or info.filename in dropped:
            continue
        content, mode = wheel.archive.read(info), _mode(info.external_attr >> 16)
        if not info.filename.startswith(data):
            yield Member(f"site-packages/{info.filename}", content, mode)
            continue
        scheme, _, rest = info.filename[len(data) :].partition("/")
        yield _placed(scheme, rest, content, mode, name)


def _placed(scheme: str, rest: str, content: bytes, mode: int, name: str) -> Member:
    """A file of the ``.data`` directory, where its scheme wants it."""
    if scheme in {"purelib", "platlib"}:
        return Member(f"site-packages/{rest}", content, mode)
    if scheme == "scripts":
        return _script(rest, content)
    if scheme == "data" and rest.partition("/")[0] not in _RESERVED:
        return Member(rest, content, mode)
    where = "headers" if scheme == "headers" else f"{scheme}/{rest}"
    raise StepFailed(
        f"the wheel of {name} has {where} in its .data directory, and a noarch conda package has no place for that",
        hint='build the package from a recipe: recipe = "recipe.yaml" in the package definition',
    )


def _script(name: str, content: bytes) -> Member:
    """A script; the first line ``#!python`` becomes the environment's interpreter where it is installed."""
    path = f"python-scripts/{name}"
    first, newline, rest = content.partition(b"\n")
    if not first.startswith(b"#!python"):
        return Member(path, content, 0o755)
    arguments = first.removeprefix(b"#!pythonw").removeprefix(b"#!python").rstrip()
    return Member(path, f"#!{PLACEHOLDER}/bin/python".encode() + arguments + newline + rest, 0o755, has_prefix=True)


def _mode(mode: int) -> int:
    """Permissions for everybody: whether it may be run, and whether it may be written."""
    allowed = 0o755 if mode & 0o111 else 0o644
    read_only = stat.S_IMODE(mode) and not mode & stat.S_IWUSR
    return allowed & ~0o222 if read_only else allowed


def _entry_points(wheel: _Wheel) -> Iterator[str]:
    """``NAME = MODULE:FUNCTION`` for the programs (packaging.python.org, "Entry points specification")."""
    import configparser

    name = f"{wheel.info}/entry_points.txt"
    if name not in wheel.archive.namelist():
        return
    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    try:
        parser.read_string(wheel.archive.read(name).decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        raise StepFailed(f"entry_points.txt can't be read: {error}", where=wheel.path) from None
    for section in ("console_scripts", "gui_scripts"):
        for program, target in parser.items(section) if parser.has_section(section) else ():
            yield f"{program} = {target.partition('[')[0].strip()}"


def _signed(wheel: _Wheel) -> list[Member]:
    """What says who installed the distribution (packaging.python.org, "Recording installed projects")."""
    return [Member(f"site-packages/{wheel.info}/INSTALLER", b"conda\n")]


def _record(members: list[Member], entry_points: tuple[str, ...], info: str) -> Member:
    """The new ``RECORD``: the files as they are installed, relative to ``site-packages``.

    Files that change when they are installed have no hash there.
    """
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = [_record_row(each) for each in members]
    rows += [(f"{_TO_PREFIX}bin/{each.partition(' = ')[0]}", "", "") for each in entry_points]
    writer.writerows([*sorted(rows), (f"{info}/RECORD", "", "")])
    return Member(f"site-packages/{info}/RECORD", text.getvalue().encode("utf-8", "surrogateescape"))


def _record_row(member: Member) -> tuple[str, str, str]:
    import base64
    import hashlib

    path = member.path.removeprefix("site-packages/")
    if path == member.path:
        path = _TO_PREFIX + member.path.replace("python-scripts/", "bin/", 1)
    if member.has_prefix:
        return path, "", ""
    digest = base64.urlsafe_b64encode(hashlib.sha256(member.data).digest()).rstrip(b"=").decode()
    return path, f"sha256={digest}", str(len(member.data))
