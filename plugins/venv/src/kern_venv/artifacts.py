"""How an artifact is said to an installer, and what must be true of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.api import Artifact


def direct_reference(artifact: Artifact, extras: Sequence[str] = ()) -> str:
    """Say an artifact as a direct reference: ``name[extra] @ file:///path/of/it.whl`` (PEP 508).

    Args:
        artifact: a wheel, an editable wheel, an sdist or a source tree.
        extras: which of its extras are wanted too.
    """
    from urllib.parse import quote

    chosen = f"[{','.join(extras)}]" if extras else ""
    return f"{artifact.name}{chosen} @ file://{quote(os.fsencode(artifact.path))}"


def check_extras(artifact: Artifact, extras: Sequence[str]) -> None:
    """Refuse extras that a wheel does not have: installers only warn of them, and the tests run without.

    Raises:
        ConfigError: with a did-you-mean.
    """
    from kern_venv.groups import canonical

    provided = _provided_extras(artifact.path) if extras else None
    for extra in extras if provided is not None else ():
        if canonical(extra) not in map(canonical, provided or ()):
            raise ConfigError(
                f"{artifact.name} {artifact.version} has no extra {extra!r}",
                where="extras",
                hint=_hint(extra, provided or []),
            )


def _provided_extras(path: str) -> list[str] | None:
    """Read the extras from a wheel's metadata; ``None`` for anything that is not a wheel."""
    if not path.endswith(".whl"):
        return None
    from email.parser import BytesParser
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            return BytesParser().parsebytes(wheel.read(name), headersonly=True).get_all("Provides-Extra", [])
    except (OSError, BadZipFile, StopIteration):
        return None


def _hint(extra: str, provided: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(extra, provided, 1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"it has {', '.join(provided)}" if provided else "it has none"
