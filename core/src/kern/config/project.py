"""The configuration as values: which tables there are, what they hold, where each stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.api import NOTHING
from kern.config.find import Found, find
from kern.config.keys import ENV_KEYS, EXTEND, PACKAGE_KEYS, TOP_KEYS, Key
from kern.config.kinds import CHECKS
from kern.config.place import Source
from kern.config.reading import Reader
from kern.errors import ConfigError
from kern.expression import Expression, parse
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Table(NamedTuple):
    """One ``[env]`` or ``[env.EXPR]`` table.

    Attributes:
        text: the expression as written, empty for ``[env]`` itself.
        expression: parsed; ``None`` for ``[env]``, which matches everything.
        values: key to checked value, for the kernel's keys; key to TOML value for drivers' keys.
        keys: path of the table in the file.
        order: position in the file.
    """

    text: str
    expression: Expression | None
    values: Mapping[str, Any]
    keys: tuple[str, ...]
    order: int


class PackageTable(NamedTuple):
    """One ``[package.NAME]`` table: the kernel's keys checked, the builder's as they are."""

    name: str
    values: Mapping[str, Any]
    options: Mapping[str, Any]
    match: tuple[Expression, ...]
    match_text: tuple[str, ...]


class Project(NamedTuple):
    """A project's configuration, checked as far as the kernel can without drivers.

    Attributes:
        directory: absolute path of the project.
        source: the file; ``None`` for a project without configuration.
        requires: plugins the project needs.
        env_list: the expressions that generate the default environments.
        exclude: what is left out of them.
        tables: ``[env]`` first, then every ``[env.EXPR]`` in the file's order.
        packages: ``[package.NAME]`` in the file's order.
        limits: pools and their sizes.
        labels: names for selections.
        plugins: which plugins may be imported: ``allow`` and ``deny``.
        assumed: sentences that say what was assumed, where there is no configuration.
    """

    directory: str
    source: Source | None
    requires: tuple[str, ...]
    env_list: tuple[str, ...]
    exclude: tuple[str, ...]
    tables: tuple[Table, ...]
    packages: Mapping[str, PackageTable]
    limits: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]]
    plugins: Mapping[str, tuple[str, ...]] = NOTHING
    assumed: tuple[str, ...] = ()

    def where(self, *keys: str) -> str:
        """The place of a key, for a message."""
        return self.source.where(*keys) if self.source else self.directory


def load(start: str, config: str = "", reader: Reader | None = None) -> Project:
    """Find and check the configuration.

    Args:
        start: directory to look from, upwards.
        config: file that the user named, or empty.
        reader: reads the files.

    Raises:
        UsageError: there is no project.
        ConfigError: a mistake in the file, with its place.
    """
    found = find(start, config, reader or Reader())
    if found.source is None:
        from kern.config.assume import assume

        found, assumed = assume(found)
        return _project(found)._replace(assumed=assumed)
    return _project(found)


def nowhere(directory: str) -> Project:
    """A project without any configuration, for what needs none."""
    return _project(Found(directory, None, {}))


def _project(found: Found) -> Project:
    source = found.source or Source(found.directory, ())
    top = _check_keys(found.table, TOP_KEYS, source, ())
    unknown = [key for key in found.table if key not in TOP_KEYS]
    if unknown:
        raise _unknown_key(source, (unknown[0],), TOP_KEYS)
    return Project(
        directory=found.directory,
        source=found.source,
        requires=top["requires"],
        env_list=top["env_list"],
        exclude=top["exclude"],
        tables=_tables(top["env"], source),
        packages=_packages(top["package"], source),
        limits=top["limits"],
        labels=top["labels"],
        plugins=top["plugins"],
    )


def _check_keys(
    table: Mapping[str, Any], keys: Mapping[str, Key], source: Source, path: tuple[str, ...]
) -> dict[str, Any]:
    checked = {name: key.default for name, key in keys.items()}
    for name in table:
        if name in keys:
            checked[name] = check(table[name], keys[name].kind, source, (*path, name))
    return checked


def check(value: Any, kind: str, source: Source, path: tuple[str, ...]) -> Any:
    """Check one value.

    Raises:
        ConfigError: it does not fit; names file, line and key.
    """
    try:
        return CHECKS[kind](value)
    except ValueError as error:
        raise ConfigError(f"{path[-1]} {error}", where=source.where(*path)) from None


def _unknown_key(source: Source, path: tuple[str, ...], known: Mapping[str, Key]) -> ConfigError:
    from kern.config.suggest import did_you_mean, listed

    hint = did_you_mean(path[-1], known) or f"known keys: {listed(known, 30)}"
    return ConfigError(f"unknown key {path[-1]!r}", where=source.where(*path), hint=hint)


def _tables(env: Mapping[str, Any], source: Source) -> tuple[Table, ...]:
    own = {key: value for key, value in env.items() if not _is_expression(key, value)}
    tables = [Table("", None, _env_values(own, source, ("env",)), ("env",), 0)]
    for key, value in env.items():
        if _is_expression(key, value):
            path = ("env", key)
            values = _env_values(value, source, path)
            tables.append(Table(key, _parsed(key, source, path), values, path, len(tables)))
    return tuple(tables)


def _parsed(text: str, source: Source, path: tuple[str, ...]) -> Expression:
    try:
        return parse(text)
    except ConfigError as error:
        raise error.at(source.where(*path)) from None


def _is_expression(key: str, value: Any) -> bool:
    """Below ``[env]`` a table is ``[env.EXPR]`` unless its name is that of a setting that takes a table."""
    if not isinstance(value, dict):
        return False
    return key.removeprefix(EXTEND) not in TABLE_KEYS


TABLE_KEYS = frozenset(name for name, key in ENV_KEYS.items() if key.kind == "variables")
"""Settings whose value is a table; these names can't be environments. A driver's environment options take no tables."""


def _env_values(table: Mapping[str, Any], source: Source, path: tuple[str, ...]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name, value in table.items():
        plain = name.removeprefix(EXTEND)
        key = ENV_KEYS.get(plain)
        if key is None:
            checked[name] = value
            continue
        if plain != name and key.kind not in ("strings", "commands", "variables"):
            raise ConfigError(f"{plain} is no list and can't be extended", where=source.where(*path, name))
        checked[name] = check(value, key.kind, source, (*path, name))
    return checked


def _packages(packages: Mapping[str, Any], source: Source) -> dict[str, PackageTable]:
    result = {}
    for name, table in packages.items():
        path = ("package", name)
        if not isinstance(table, dict):
            raise ConfigError(f"package.{name} must be a table", where=source.where(*path))
        if name == "none" or not name.replace("_", "").replace(".", "").isalnum():
            raise ConfigError(
                f"{name!r} can't be the name of a package definition",
                where=source.where(*path),
                hint="letters, digits, _ and . may be used; `none` means no package",
            )
        result[name] = _package(name, table, source)
    return result


def _package(name: str, table: Mapping[str, Any], source: Source) -> PackageTable:
    path = ("package", name)
    values = _check_keys(table, PACKAGE_KEYS, source, path)
    options = {key: value for key, value in table.items() if key not in PACKAGE_KEYS}
    match = tuple(_parsed(text, source, (*path, "match")) for text in values["match"])
    return PackageTable(name, values, options, match, values["match"])
