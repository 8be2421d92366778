"""npm's configuration files: the project's holds for its environments too, and what is secret in them is masked."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Context

NAME = ".npmrc"
SECRET = ("_authtoken", "_auth", "_password")
"""How keys end that hold credentials (npm's documentation, "npmrc", "Auth related configuration")."""


def link_configuration(project_dir: str, location: str) -> None:
    """Have npm read the project's configuration where it installs: it looks no further than that directory.

    A link, since there should not be one more file with credentials.
    """
    link = os.path.join(location, NAME)
    if os.path.exists(os.path.join(project_dir, NAME)) and not os.path.lexists(link):
        os.symlink(os.path.join(project_dir, NAME), link)


def configuration_sum(project_dir: str) -> str:
    """What tells one content of the project's configuration from another without showing it; empty if there is none."""
    try:
        with open(os.path.join(project_dir, NAME), "rb") as file:
            return f"{zlib.crc32(file.read()):08x}"
    except OSError:
        return ""


def ask_secrets(context: Context) -> None:
    """Have the credentials in the project's and the user's configuration masked in logs and reports."""
    user = context.environ.get("NPM_CONFIG_USERCONFIG") or os.path.join(os.path.expanduser("~"), NAME)
    for path in (os.path.join(context.project_dir, NAME), user):
        for value in _credentials(path):
            context.ask_secret(value)


def _credentials(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        key, equals, value = line.partition("=")
        value = value.strip().strip("\"'")
        if equals and value and not value.startswith("${") and key.strip().lower().endswith(SECRET):
            yield value
