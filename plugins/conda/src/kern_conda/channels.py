"""Which channels an environment has, as addresses.

What a name stands for follows conda: ``defaults``, then names that the configuration gives an address, then everything
else behind ``channel_alias``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kern_conda.condarc import Condarc

DEFAULT = "conda-forge"
_HOSTS = {"pkgs/main": "https://repo.anaconda.com", "pkgs/r": "https://repo.anaconda.com"}


def resolve_channels(stated: Sequence[str], condarc: Condarc, project_dir: str) -> tuple[str, ...]:
    """Turn names, addresses and paths into addresses.

    Args:
        stated: what the options or an environment file say; the configuration's where there are none.
        condarc: conda's configuration.
        project_dir: what paths are relative to.
    """
    chosen = tuple(name for name in stated if name != "nodefaults") or condarc.channels or (DEFAULT,)
    found = (url for name in chosen for url in _resolve(name, condarc, project_dir))
    return tuple(dict.fromkeys(found))


def channels_of_specs(
    specs: Sequence[str], condarc: Condarc, project_dir: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Turn the channels that MatchSpecs name (``conda-forge::numpy``) into addresses.

    Args:
        specs: MatchSpecs.
        condarc: conda's configuration.
        project_dir: what paths are relative to.

    Returns:
        The MatchSpecs with addresses, and these addresses: as with conda, naming a channel is enough to have it, as the
        last one. What stands for several channels stays as it is.
    """
    changed: list[str] = []
    found: list[str] = []
    for spec in specs:
        name, _, rest = spec.rpartition("::")
        addresses = tuple(_resolve(name.strip(), condarc, project_dir)) if name.strip() else ()
        changed.append(f"{addresses[0]}::{rest}" if len(addresses) == 1 else spec)
        found += addresses
    return tuple(changed), tuple(dict.fromkeys(found))


def is_placed(channel: str) -> bool:
    """Whether a channel is an address or a path, which no configuration can change."""
    return "://" in channel or _is_path(channel)


def _is_path(channel: str) -> bool:
    return channel.startswith(("/", "./", "../", "~/")) or channel in (".", "..")


def _resolve(name: str, condarc: Condarc, project_dir: str) -> Iterator[str]:
    if "://" in name:
        yield name.rstrip("/")
    elif _is_path(name):
        from pathlib import Path

        yield Path(os.path.normpath(os.path.join(project_dir, os.path.expanduser(name)))).as_uri()
    elif name == "defaults":
        for member in condarc.default_channels:
            yield from _resolve(member, condarc._replace(default_channels=()), project_dir)
    elif name in condarc.custom_multichannels:
        rest = {key: value for key, value in condarc.custom_multichannels.items() if key != name}
        for member in condarc.custom_multichannels[name]:
            yield from _resolve(member, condarc._replace(custom_multichannels=rest), project_dir)
    else:
        yield f"{_base(name, condarc)}/{name}"


def _base(name: str, condarc: Condarc) -> str:
    """What a name is put behind; ``company/label/dev`` has the address of ``company``."""
    parts = name.split("/")
    for end in range(len(parts), 0, -1):
        known = "/".join(parts[:end])
        base = condarc.custom_channels.get(known) or _HOSTS.get(known)
        if base:
            return base.rstrip("/")
    return condarc.channel_alias.rstrip("/")
