"""What ``existing`` says, for rows that run in an environment that is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.config.substitute import Names, expand
from kern.errors import ConfigError

if TYPE_CHECKING:
    from kern.session import Session

KEY = "existing"


class Targets:
    """Tells the target of an environment; where no configuration names one it costs next to nothing."""

    def __init__(self, session: Session) -> None:
        """``session.env_from`` is the target of every row, if it is set."""
        self._session = session
        self.any = bool(session.env_from or session.settings.varies(KEY) or session.settings.value("", (), KEY))

    def of(self, name: str, factors: tuple[str, ...]) -> str:
        """The target of an environment, substituted; empty for one that kern makes.

        Raises:
            ConfigError: tables disagree, or a substitution can't be made.
        """
        if self._session.env_from or not self.any:
            return self._session.env_from
        return self.stated(name, factors)

    def stated(self, name: str, factors: tuple[str, ...]) -> str:
        """The target that the configuration names, whatever the command line says.

        Raises:
            ConfigError: tables disagree, or a substitution can't be made.
        """
        text: str = self._session.settings.value(name, factors, KEY)
        return self._expanded(text, name, factors) if "{" in text else text

    def _expanded(self, text: str, name: str, factors: tuple[str, ...]) -> str:
        session = self._session
        values = {"project_dir": session.project.directory, "work_dir": session.work_dir, "env_name": name}
        try:
            return expand(text, Names(values, session.environ), "")
        except ConfigError as error:
            origins = session.settings.resolve(name, factors, KEY).origins
            raise error.at(session.project.where(*origins[-1])) from None
