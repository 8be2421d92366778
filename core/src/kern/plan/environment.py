"""An environment as its provider sees it: options from the matching tables, with everything substituted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern import options
from kern.api import Environment, EnvSpec
from kern.config.keys import ENV_KEYS, EXTEND
from kern.config.substitute import Names, expand_deep
from kern.errors import ConfigError, PluginError
from kern.plan.builds import recorded_artifact
from kern.plan.reasons import READY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.plan.values import Row
    from kern.session import Session


def environment_spec(session: Session, row: Row) -> EnvSpec:
    """Make the `EnvSpec` of a row.

    Raises:
        ConfigError: a key that no provider knows, a wrong type, a tie between tables.
        PluginError: the provider is absent or broken.
    """
    provider = session.rows.provider(row.name, row.factors)
    values = _driver_values(session, row)
    foreign = options.unknown(provider.Options, values)
    for key in foreign:
        _check_foreign(session, row, key)
        del values[key]
    location = session.state.environment_path(row.key)
    names = Names(names_of(session, row, location), session.environ)
    where = _place_of(session, row)
    expanded = {key: _expanded(value, names, key, where) for key, value in values.items()}
    return EnvSpec(
        name=row.name,
        factors=row.factors,
        options=options.make(provider.Options, expanded, where),
        location=location,
        project_dir=session.project.directory,
    )


def _expanded(value: object, names: Names, key: str, where: options.Where) -> object:
    try:
        return expand_deep(value, names, "")
    except ConfigError as error:
        raise ConfigError(error.message, where=where(key), hint=error.hint) from None


def names_of(session: Session, row: Row, location: str) -> dict[str, str]:
    """What can stand in braces before an environment exists."""
    return {
        "project_dir": session.project.directory,
        "work_dir": session.work_dir,
        "env_dir": location,
        "env_name": row.name,
    }


def _driver_values(session: Session, row: Row) -> dict[str, Any]:
    keys = session.settings.keys(row.name, row.factors)
    return {key: session.settings.value(row.name, row.factors, key) for key in keys if key not in ENV_KEYS}


class OptionPlaced:
    """Gives a driver's error that names an option the option's place in the file; drivers know no files."""

    def __init__(self, session: Session, row: Row) -> None:
        """``row`` is the one whose options a driver works on inside."""
        self._session = session
        self._row = row

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Place the error."""
        if not isinstance(error, ConfigError) or not error.where:
            return
        option = error.where.partition(" of ")[0]
        if option in self._session.settings.keys(self._row.name, self._row.factors):
            raise error.at(_place_of(self._session, self._row)(option)) from None


def _place_of(session: Session, row: Row) -> options.Where:
    def where(key: str) -> str:
        origins = session.settings.resolve(row.name, row.factors, key).origins
        return session.project.where(*(origins[-1] if origins else ("env",)))

    return where


def _check_foreign(session: Session, row: Row, key: str) -> None:
    """A key that this provider does not know may be another's: ``channels`` in ``[env]`` is for conda rows alone."""
    known = {*ENV_KEYS, *(EXTEND + name for name in ENV_KEYS)}
    for name in session.registry.names("kern.provider"):
        try:
            fields = {field.name for field in options.fields_of(session.registry.load("kern.provider", name).Options)}
        except PluginError:  # it may know the key; whoever uses it is told what is wrong with it
            continue
        if key in fields:
            return
        known |= fields
    from kern.config.suggest import did_you_mean

    origin = session.settings.resolve(row.name, row.factors, key).origins[-1]
    raise ConfigError(
        f"unknown key {key!r}: neither kern nor an installed provider knows it",
        where=session.project.where(*origin),
        hint=did_you_mean(key, known),
    )


def environment_from(record: Mapping[str, Any]) -> Environment:
    """The environment that a ready record describes."""
    value = record["environment"]
    return Environment(
        location=record["location"],
        activator=value["activator"],
        interpreter=value["interpreter"],
        watch=tuple(value["watch"]),
        volatile=tuple(value["volatile"]),
        facts=value["facts"],
    )


def _is_whole(record: Mapping[str, Any]) -> bool:
    """Whether a ready record, whose content is never trusted, says all that it must."""
    try:
        environment_from(record)
        dict(record["installed"])
        names = (record["environment"]["activator"], record["environment"]["interpreter"] or "")
    except (KeyError, TypeError, ValueError):
        return False
    known = record.get("artifact") is None or recorded_artifact(record) is not None
    return known and all(isinstance(name, str) for name in names)


def is_ready(session: Session, record: Mapping[str, Any] | None, location: str) -> bool:
    """Whether an environment is there, ready and as its record says; whether it is what is wanted now, `decide` tells."""
    return record is not None and record.get("state") == READY and not broken(session, record, location)


DAMAGED = "damaged: "
"""How the words for an environment begin whose files are not what they were."""


def broken(session: Session, record: Mapping[str, Any], location: str) -> str:
    """What is wrong with a ready environment on disk, in words; empty if it is as its record says."""
    if not _is_whole(record):
        return "its record can't be read"
    if not session.state.belongs_here(location, record.get("token", "")):
        return "its directory is gone or is not kern's"
    from kern.inventory import damage

    found = damage(location, record.get("inventory", []))
    return f"{DAMAGED}{found}" if found else ""
