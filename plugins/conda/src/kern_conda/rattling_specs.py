"""Taking MatchSpecs apart, in the worker process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern_conda.rattling_solve import SpecError, match_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rattler import MatchSpec


def take_apart(texts: Sequence[str]) -> list[dict[str, str]]:
    """Say what each spec states, by conda's names for the parts: ``name``, ``version``, ``build``, ``channel``..."""
    return [_parts(match_spec(text), text) for text in texts]


def _parts(spec: MatchSpec, text: str) -> dict[str, str]:
    if spec.extras or spec.condition:
        raise SpecError(f"{text!r} has extras or a condition, which a manifest of pixi has no place for")
    if spec.name is None:
        raise SpecError(f"{text!r} names no package")
    found: dict[str, Any] = {
        "name": getattr(spec.name, "normalized", None) or str(spec.name),
        "version": spec.version,
        "build": spec.build,
        "build-number": spec.build_number,
        "file-name": spec.file_name,
        "channel": spec.channel and spec.channel.base_url.rstrip("/"),
        "subdir": spec.subdir,
        "md5": spec.md5 and spec.md5.hex(),
        "sha256": spec.sha256 and spec.sha256.hex(),
        "url": _url(spec),
    }
    return {key: str(value) for key, value in found.items() if value}


def _url(spec: MatchSpec) -> str:
    """Find the address of a package in a spec's own words: rattler shows it there only."""
    return str(spec).partition('url="')[2].partition('"')[0]
