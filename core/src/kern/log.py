"""A step's whole log on disk: masked, otherwise the bytes as they came, with kern's own lines between."""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING

from kern.errors import StepFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.secrets import Masker, Stream

_LONGEST_LINE = 1 << 16


class StepLog:
    """Writes one log file, which is made with the first byte.

    One thread uses it; others write through `beside`, each into one of its own.
    """

    def __init__(self, path: str, masker: Masker) -> None:
        """Remember where; nothing is written yet."""
        self.path = path
        self._masker = masker
        self._stream = masker.stream()
        self._file = -1
        self._fresh = True
        self._closed = False
        self._appending = Lock()

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
        from kern.command_words import quoted
        from kern.secrets import mask_argv

        self.line("$ " + quoted(mask_argv(argv, self._masker)))

    def ended(self, exit_code: int) -> None:
        """Close a command's output."""
        self.flush()
        if exit_code:
            self.line(f"(exit code {exit_code})")

    def beside(self) -> SideLog:
        """What takes the output of a process that goes on while others write here; for another thread."""
        return SideLog(self._masker.stream(), self._append)

    def close(self) -> None:
        """Write the rest and close the file; what comes later, from beside, still gets into it."""
        self.flush()
        with self._appending:
            self._closed = True
            self._close_file()

    def _close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        if not data:
            return
        with self._appending:
            self._write(data)
            if self._closed:
                self._close_file()

    def _write(self, data: bytes) -> None:
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


class SideLog:
    """Puts whole lines into a step's log, so that they stand between those of other processes and not inside them."""

    def __init__(self, stream: Stream, append: Callable[[bytes], object]) -> None:
        """Take what masks, and what writes and may be called from any thread."""
        self._stream = stream
        self._append = append
        self._rest = b""

    def write(self, data: bytes) -> None:
        """Take what the process printed."""
        text = self._rest + self._stream.feed(data)
        end = text.rfind(b"\n") + 1 if len(text) < _LONGEST_LINE else len(text)
        self._rest = text[end:]
        self._append(text[:end])

    def close(self) -> None:
        """Write the rest: the process has ended."""
        rest = self._rest + self._stream.flush()
        self._rest = b""
        self._append(rest if rest.endswith(b"\n") or not rest else rest + b"\n")
