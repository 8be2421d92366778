"""Wheels and wishes for the tests of the builder: written by hand, no build backend needed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import ZipFile, ZipInfo

from kern_conda.dependencies import Wish

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PURE = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wish(*extras: str, python: tuple[int, int] | None = (3, 12), **renames: str) -> Wish:
    """What a row ``py312-conda`` says; renames by keyword have ``-`` for ``_``."""
    named = {name.replace("_", "-"): value for name, value in renames.items()}
    return Wish("conda", named, extras, "py312-conda" if python else "any-conda", python)


def wheel(
    folder: Path,
    name: str = "demo",
    version: str = "1.0",
    *,
    headers: str = "",
    files: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    tags: str = PURE,
) -> str:
    """Write a wheel of one module and ``files``; those in ``INFO/`` and ``DATA/`` go where these are called otherwise."""
    info, data = f"{name}-{version}.dist-info", f"{name}-{version}.data"
    members = {
        f"{name}.py": f"VERSION = {version!r}\n\n\ndef main():\n    print('{name}', VERSION)\n",
        **(files or {}),
        "INFO/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{headers}",
        "INFO/WHEEL": tags,
        "INFO/RECORD": "",
    }
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for member, text in members.items():
            written = ZipInfo(member.replace("INFO/", f"{info}/").replace("DATA/", f"{data}/"))
            written.external_attr = (modes or {}).get(member, 0o100644) << 16
            archive.writestr(written, text)
    return str(path)
