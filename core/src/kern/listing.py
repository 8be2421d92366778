"""What `kern list` says: every environment and row, without importing a single driver if that can be helped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.config.substitute import Names, expand
from kern.errors import ConfigError
from kern.expression import factors_of
from kern.named_tuples import NamedTuple
from kern.plan.values import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kern.session import Session

DECIDING = ("skip_install", "package", "packages", "existing")


class Listed(NamedTuple):
    """A row of the list. ``why`` is the rule that chose its package."""

    row: Row
    default: bool
    description: str


def listing(session: Session, names: Sequence[str], *, decide: bool) -> Iterator[Listed]:
    """The rows of environments.

    Args:
        session: the project.
        names: environments.
        decide: ask drivers where only they can tell the package.
    """
    describe = _Describer(session)
    alike = _alike(session)
    for name in names:
        default = session.matrix.get(name, False)
        description = describe(name)
        if alike is None:
            for row in session.rows.rows_of(name, decide=decide):
                yield Listed(row, default, description)
            continue
        factors = factors_of(name)
        provider = session.rows.provider_of(name, factors)
        yield Listed(Row(name, factors, provider, alike[0], name, name, alike[1]), default, description)


def _alike(session: Session) -> tuple[str, str] | None:
    """The package and the rule that hold for all environments, if nothing can make a difference between them."""
    if session.project.packages or any(session.settings.varies(key) for key in DECIDING):
        return None
    if session.settings.value("", (), "existing"):
        return None
    found = session.rows.match("", (), decide=False)
    if len(found.packages) > 1:
        return None
    return (found.packages[0] if found.packages else "", found.why)


class _Describer:
    """Descriptions, substituted; the common case of none or one for all is not resolved again and again."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._varies = session.settings.varies("description")
        self._one: str = "" if self._varies else session.settings.value("", (), "description")

    def __call__(self, name: str) -> str:
        text = self._one
        if self._varies:
            text = self._session.settings.value(name, factors_of(name), "description")
        return self._expanded(text, name) if "{" in text else text

    def _expanded(self, text: str, name: str) -> str:
        values = {
            "env_name": name,
            "project_dir": self._session.project.directory,
            "work_dir": self._session.work_dir,
            "env_dir": "",
            "python": "",
        }
        try:
            return expand(text, Names(values, self._session.environ), "")
        except ConfigError as error:
            raise error.at(self._place(name)) from None

    def _place(self, name: str) -> str:
        origins = self._session.settings.resolve(name, factors_of(name), "description").origins
        return self._session.project.where(*origins[-1])


def document(listed: Listed) -> dict[str, Any]:
    """A row of the list as a JSON value."""
    row = listed.row
    return {
        "row": row.label,
        "environment": row.name,
        "package": row.package,
        "default": listed.default,
        "provider": row.provider,
        "factors": list(row.factors),
        "description": listed.description,
        "why": row.why,
        "existing": row.existing,
    }
