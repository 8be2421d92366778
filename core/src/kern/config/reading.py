"""Read TOML files. Parsing costs more than all the rest of a start, so what was parsed once can be remembered."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    Recall = Callable[[str, bytes], dict[str, Any] | None]
    """Gives what a file of this path and content was parsed to before, ``None`` if that is not known."""


def _nothing(_path: str, _content: bytes) -> None:
    """Remember nothing."""


class Reader:
    """Reads TOML files; ``parsed`` is what had to be parsed: path to content and table."""

    def __init__(self, recall: Recall = _nothing) -> None:
        """``recall`` is asked before anything is parsed."""
        self._recall = recall
        self.parsed: dict[str, tuple[bytes, dict[str, Any]]] = {}

    def read(self, path: str) -> dict[str, Any]:
        """The table of a TOML file.

        Raises:
            ConfigError: it can't be read, is not UTF-8 or is no TOML; names the line.
        """
        return self.parse(path, content_of(path))

    def parse(self, path: str, content: bytes) -> dict[str, Any]:
        """The table of a TOML file whose content is known.

        Raises:
            ConfigError: it is not UTF-8 or is no TOML; names the line.
        """
        known = self._recall(path, content)
        if known is not None:
            return known
        table = _parse(path, content)
        self.parsed[path] = (content, table)
        return table


def content_of(path: str) -> bytes:
    """The bytes of a file.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", where=path) from error


def read_toml(path: str) -> dict[str, Any]:
    """The table of a TOML file; see `Reader.read`."""
    return Reader().read(path)


def _parse(path: str, content: bytes) -> dict[str, Any]:
    import tomllib

    name = os.path.basename(path)
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise ConfigError("is not UTF-8, which TOML files must be", where=f"{name}:{number}") from error
    except tomllib.TOMLDecodeError as error:
        message, line = _explained(str(error))
        raise ConfigError(f"is not valid TOML: {message}", where=f"{name}:{line}" if line else name) from error
    except ValueError as error:
        raise ConfigError("holds a number of more digits than can be read", where=name) from error
    except RecursionError as error:
        raise ConfigError("is nested too deeply", where=name) from error


def _explained(text: str) -> tuple[str, str]:
    """Split ``Expected '=' (at line 3, column 5)`` into its sentence and its place."""
    message, _, place = text.partition(" (at ")
    if not place.startswith("line "):
        return text[:1].lower() + text[1:], ""
    line = place.removeprefix("line ").split(",")[0]
    column = place.partition("column ")[2].rstrip(")")
    return message[:1].lower() + message[1:], f"{line}:{column}"
