"""A row's commands as they will be run, as far as that can be told before its environment exists.

Every substitution is tried here, so that a mistake in one is an error before anything is built or made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.config.substitute import Names, expand, expand_words
from kern.errors import ConfigError
from kern.plan.environment import names_of
from kern.plan.run_settings import PHASES

if TYPE_CHECKING:
    from kern.plan.values import Row, RunSettings
    from kern.session import Session

LATER = ("python", "package")
"""Names whose values are known when the environment exists; they stay as they are written."""


def preview(
    session: Session, row: Row, run: RunSettings, location: str, posargs: tuple[str, ...] | None
) -> tuple[tuple[str, ...], ...]:
    """Substitute in a row's commands.

    Raises:
        ConfigError: a substitution that can't be made, with the place of its key.
    """
    values = {**names_of(session, row, location), **{name: f"{{{name}}}" for name in LATER}}
    host = Names(values, session.environ, posargs)
    with Placed(session, row, "set_env"):
        own = {name: expand(text, host, "") for name, text in run.set_env.items() if name != "file"}
    with Placed(session, row, "change_dir"):
        expand(run.change_dir, host, "")
    if run.set_env.get("file"):
        return tuple(line.words for phase in PHASES for line in getattr(run, phase))  # its variables are read later
    names = Names(values, {**session.environ, **own} if own else session.environ, posargs)
    shown: list[tuple[str, ...]] = []
    for phase in PHASES:
        with Placed(session, row, phase):
            shown += [expand_words(line.words, names, "") for line in getattr(run, phase)]
    return tuple(shown)


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
