"""What a user may say about a build in ``[package.NAME]``; the three builders share it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - resolved at run time to make the configuration's keys
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """Options of the builders ``sdist``, ``wheel`` and ``editable``.

    Attributes:
        config_settings: handed to every hook of the build backend as it is (PEP 517).
    """

    config_settings: Mapping[str, str] = field(
        default_factory=dict,
        metadata={"help": "settings for the build backend (PEP 517 config_settings), name to value"},
    )
