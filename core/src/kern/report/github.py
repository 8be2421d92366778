"""What GitHub's log viewer understands (workflow commands): folds, annotations, and how to keep tests from using them.

A line of a test's output that begins with ``::`` would be a command to the runner: it could set variables of later steps,
hide lines or forge annotations. ``::stop-commands::TOKEN`` switches that off until ``::TOKEN::``, where the token is new and
random each time. See "Workflow commands for GitHub Actions" in GitHub's documentation.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.report.text import visible

if TYPE_CHECKING:
    from kern.events import RowResult


class Fold:
    """Makes the lines around what a child printed. Where the log is not GitHub's, there are none.

    Args:
        enabled: whether the log is read by GitHub.
    """

    def __init__(self, *, enabled: bool) -> None:
        """Begin outside of any fold."""
        self.enabled = enabled
        self.title = ""
        self._token = ""

    def enter(self, title: str) -> list[str]:
        """Lines that open a fold and switch commands off; none if one is open."""
        if not self.enabled or self._token:
            return []
        self.title = title
        self._token = os.urandom(16).hex()
        return [f"::group::{escape_data(title)}", f"::stop-commands::{self._token}"]

    def leave(self) -> list[str]:
        """Lines that switch commands on again and close the fold; none if none is open."""
        if not self._token:
            return []
        token, self._token, self.title = self._token, "", ""
        return [f"::{token}::", "::endgroup::"]

    def annotate(self, result: RowResult) -> list[str]:
        """The annotation of a row that did not pass."""
        if not self.enabled:
            return []
        title = escape_property(f"{result.row} {result.outcome}")
        reason = result.reason + (f" ({result.hint})" if result.hint else "")
        return [f"::error title={title}::{escape_data(reason or result.outcome)}"]

    def guard(self, line: str) -> str:
        """A line of kern's own in which nothing is a command: a reason or a title may hold what a test printed."""
        if not self.enabled:
            return line
        line = line.replace("##[", "# #[")
        return f".{line}" if line.lstrip().startswith("::") else line


def escape_data(text: str) -> str:
    """The message part of a workflow command; control bytes are shown, not sent."""
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def escape_property(text: str) -> str:
    """The value of a property of a workflow command."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
