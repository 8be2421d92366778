"""What a solver and an installer are asked for, and what they answer; rattler and the other engines take the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    Record = Mapping[str, Any]
    """One package of a solution, as JSON: repodata's keys (``name version build depends sha256 md5 size subdir``...)
    and ``fn``, ``url``, ``channel``."""


class Question(NamedTuple):
    """What is to be solved.

    Attributes:
        specs: MatchSpecs.
        channels: URLs, the first has priority.
        platform: conda's name of one (``linux-64``); empty for this machine's.
        virtual_packages: ``__cuda=12``, ``__glibc=2.36=0``: they replace detected ones of the same name.
        detect: whether this machine's virtual packages count at all; false where it is solved for another machine.
        channel_priority: ``strict``, ``flexible`` or ``disabled``.
        constraints: MatchSpecs that must hold for what is installed, but install nothing.
        packages: absolute paths of conda packages that are installed, whatever the channels have of the same name.
        offline: take all repodata from the cache.
        preferred: records that are kept where the specs allow it, of an environment that is only brought up to date.
    """

    specs: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    platform: str = ""
    virtual_packages: tuple[str, ...] = ()
    detect: bool = True
    channel_priority: str = "strict"
    constraints: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    offline: bool = False
    preferred: tuple[Record, ...] = ()


class Linking(NamedTuple):
    """How packages get into a prefix.

    Attributes:
        link: ``auto`` (hard links where the file system has them), ``hard`` or ``copy``.
        link_scripts: run the packages' post-link scripts.
        requested: the MatchSpecs that the user asked for, for ``conda-meta``.
        platform: conda's name of one; empty for this machine's.
        offline: take all packages from the cache.
    """

    link: str = "auto"
    link_scripts: bool = False
    requested: tuple[str, ...] = ()
    platform: str = ""
    offline: bool = False


class Locked(NamedTuple):
    """What a lock file lists for one platform: conda's records, and PyPI's files as requirements with their hashes.

    Each of ``pypi`` is a line of a requirements file: ``name @ URL --hash=sha256:...``.
    """

    records: tuple[Record, ...]
    pypi: tuple[str, ...] = ()
