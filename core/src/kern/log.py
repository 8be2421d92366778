"""A step's whole log on disk: masked, otherwise the bytes as they came, with kern's own lines between."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.errors import StepFailed

if TYPE_CHECKING:
    from kern.secrets import Masker


class StepLog:
    """Writes one log file, which is made with the first byte."""

    def __init__(self, path: str, masker: Masker) -> None:
        """Remember where; nothing is written yet."""
        self.path = path
        self._masker = masker
        self._stream = masker.stream()
        self._file = -1
        self._fresh = True

    def write(self, data: bytes) -> bytes:
        """Append what a command printed.

        Returns:
            What may be shown of it now: masked, without a tail that could still become a secret.
        """
        shown = self._stream.feed(data)
        self._append(shown)
        return shown

    def flush(self) -> bytes:
        """Write and return what was held back: the command has ended."""
        shown = self._stream.flush()
        self._append(shown)
        return shown

    def line(self, text: str) -> None:
        """Write a line of kern's own."""
        self.flush()
        start = b"" if self._fresh else b"\n"
        self._append(start + self._masker.mask_text(text).encode(errors="replace") + b"\n")

    def command(self, argv: tuple[str, ...]) -> None:
        """Write the command line that follows."""
        from kern.context import quoted
        from kern.secrets import mask_argv

        self.line("$ " + quoted(mask_argv(argv, self._masker)))

    def ended(self, exit_code: int) -> None:
        """Close a command's output."""
        self.flush()
        if exit_code:
            self.line(f"(exit code {exit_code})")

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        if not data:
            return
        try:
            if self._file < 0:
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
                self._file = os.open(self.path, flags, 0o600)
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise StepFailed(
                f"the log can't be written: {error.strerror}", where=self.path, hint="free space, or set KERN_WORK_DIR"
            ) from error
        self._fresh = data.endswith(b"\n")
