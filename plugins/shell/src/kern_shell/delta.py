"""What a shell has changed in its environment. Pure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import EnvDelta

if TYPE_CHECKING:
    from collections.abc import Mapping

_OWN = frozenset(("_", "SHLVL", "PWD", "OLDPWD"))
_KEPT = ("BASH_FUNC_", "BASH_ENV")
_SEARCH_PATHS = ("PATH", "DIRS")


def prefix_delta(before: Mapping[str, str], after: Mapping[str, str]) -> EnvDelta:
    """The difference of two environments, as a change that can be made to a third one.

    What every shell changes by itself is no difference: ``_``, ``SHLVL``, ``PWD``, ``OLDPWD`` and ``BASH_...``, but for
    exported functions (``BASH_FUNC_name%%``) and ``BASH_ENV``. Something put in front of a list with colons is
    ``prepend``, so that it combines with what others put there.

    Args:
        before: names to values.
        after: the same, later.

    Returns:
        What makes the second out of the first. Of entries that stand twice in a search path the first one stays.
    """
    changed = {name: value for name, value in after.items() if before.get(name) != value and not _is_own(name)}
    entries = {name: _put_in_front(name, before.get(name, ""), value) for name, value in changed.items()}
    return EnvDelta(
        set={name: value for name, value in changed.items() if not entries[name]},
        unset=tuple(sorted(name for name in before.keys() - after.keys() if not _is_own(name))),
        prepend={name: found for name, found in entries.items() if found},
    )


def read_environment(data: bytes) -> dict[str, str]:
    """The environment that ``env -0`` has printed; bytes that are no UTF-8 come as ``surrogateescape``."""
    pairs = (os.fsdecode(entry).partition("=") for entry in data.split(b"\0") if b"=" in entry)
    return {name: value for name, _, value in pairs}


def changed_environment(
    environ: Mapping[str, str], changes: Mapping[str, str], unset: tuple[str, ...]
) -> dict[str, str]:
    """An environment without some variables and with others, as ``EnvDelta`` has it: ``unset`` first."""
    return {name: value for name, value in environ.items() if name not in unset} | dict(changes)


def _is_own(name: str) -> bool:
    return name in _OWN or (name.startswith("BASH_") and not name.startswith(_KEPT))


def _put_in_front(name: str, old: str, new: str) -> tuple[str, ...]:
    """The entries that were put in front of a list; none if that is not what happened."""
    if not old or not new.endswith(os.pathsep + old):
        return ()
    entries = tuple(new[: -len(old) - 1].split(os.pathsep))
    if not all(entries):
        return ()
    whole = (*entries, *old.split(os.pathsep))
    is_unique = len(set(whole)) == len(whole)
    return entries if is_unique or name.endswith(_SEARCH_PATHS) else ()
