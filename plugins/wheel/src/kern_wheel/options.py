"""What a user may say about a build in ``[package.NAME]``; the three builders share it."""

from collections.abc import Mapping
from typing import NamedTuple

from kern.api import NOTHING


class BuildOptions(NamedTuple):
    """Options of the builders ``sdist``, ``wheel`` and ``editable``.

    Attributes:
        config_settings: Settings for the build backend, name to value; handed to every hook as they are (PEP 517).
    """

    config_settings: Mapping[str, str] = NOTHING
