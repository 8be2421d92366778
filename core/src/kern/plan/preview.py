"""A row's commands as they will be run, as far as that can be told before its environment exists.

Every substitution is tried here, so that a mistake in one is an error before anything is built or made.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.config.substitute import Names, expand, expand_words
from kern.errors import ConfigError
from kern.plan.environment import names_of
from kern.plan.run_settings import PHASES
from kern.plan.values import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.plan.values import Row, RunSettings
    from kern.session import Session

LATER = ("python", "package")
"""Names whose values are known when the environment exists; they stay as they are written."""
_BLANK = " \t\r"


def preview(
    session: Session, row: Row, run: RunSettings, location: str, posargs: tuple[str, ...] | None, python: str = ""
) -> tuple[tuple[str, ...], ...]:
    """Substitute in a row's commands; ``python`` is the interpreter where it is known already.

    Raises:
        ConfigError: a substitution that can't be made, with the place of its key.
    """
    values = {**names_of(session, row, location), **{name: f"{{{name}}}" for name in LATER}}
    if python:
        values["python"] = python
    host = Names(values, session.environ, posargs)
    with Placed(session, row, "set_env"):
        own = variables(session, run, host)
    with Placed(session, row, "change_dir"):
        expand(run.change_dir, host, "")
    if run.activate:
        _check_scripts(session, row, run, host)
    names = Names(values, {**session.environ, **own} if own else session.environ, posargs)
    shown: list[tuple[str, ...]] = []
    for phase in PHASES:
        with Placed(session, row, phase):
            shown += [expand_words(line.words, names, "") for line in getattr(run, phase)]
    return tuple(shown)


def _check_scripts(session: Session, row: Row, run: RunSettings, host: Names) -> None:
    """Refuse scripts that nobody could source.

    Raises:
        PluginError: nothing that knows scripts is installed.
    """
    with Placed(session, row, "activate"):
        for text in run.activate:
            expand(text, host, "")
    session.registry.load("kern.activator", SCRIPT)


def variables(session: Session, run: RunSettings, names: Names) -> dict[str, str]:
    """What ``set_env`` sets, substituted: first what its files say, then its own; secrets are masked from now on.

    Raises:
        ConfigError: a file can't be read, or a substitution can't be made; without the place of the key.
    """
    result: dict[str, str] = {}
    for file in run.set_env.get("file", ()):
        result.update(_read_variables(os.path.join(session.project.directory, expand(file, names, ""))))
    for name, value in run.set_env.items():
        if name != "file":
            result[name] = expand(value, names, "")
    mask(session, result)
    return result


def mask(session: Session, values: Mapping[str, str]) -> None:
    """Mask what the configuration sets under a secret's name, like the host's secrets."""
    if values:
        from kern.secrets import secret_values

        for value in secret_values(values):
            session.masker.add(value)


def _read_variables(path: str) -> dict[str, str]:
    r"""Read ``NAME=value`` lines, which ``\n`` or ``\r\n`` ends; comments, ``export`` and quotes are understood."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = file.read().split("\n")
    except OSError as error:
        raise ConfigError(f"the file {path} can't be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the file {path} is not UTF-8") from error
    result = {}
    for number, line in enumerate(lines, 1):
        text = line.strip(_BLANK).removeprefix("export ")
        if text and not text.startswith("#"):
            name, value = _assignment(text, f"{path}:{number}")
            result[name] = value
    return result


def _assignment(text: str, where: str) -> tuple[str, str]:
    name, equals, value = (part.strip(_BLANK) for part in text.partition("="))
    if not equals or not name:
        raise ConfigError("is not a NAME=value line", where=where)
    if "\0" in text:
        raise ConfigError("holds a NUL character", where=where)
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return name, value[1:-1] if quoted else value


class Placed:
    """Gives an error without a place that is raised inside the place of a key; finding a line means reading the file."""

    def __init__(self, session: Session, row: Row, key: str) -> None:
        """``key`` is the setting that is worked on inside."""
        self._session = session
        self._row = row
        self._key = key

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Place the error."""
        if isinstance(error, ConfigError) and not error.where:
            origins = self._session.settings.resolve(self._row.name, self._row.factors, self._key).origins
            where = self._session.project.where(*origins[-1]) if origins else self._key
            raise error.at(where) from None
