"""From a configuration table to a driver's ``Options``: its fields are all that there is to know.

Fields of these types can be configured: ``str``, ``bool``, ``int``, ``float``, ``tuple[str, ...]``, ``Mapping[str, str]``,
and each of them ``| None``. A field's ``metadata["help"]`` is its documentation, ``metadata["choices"]`` a tuple of the
values it may have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from kern.errors import ConfigError, PluginError

Where = Callable[[str], str]
"""Gives the place of a key."""


class Field(NamedTuple):
    """One option of a driver: name, type as the user reads it, default, help, choices."""

    name: str
    kind: str
    default: Any
    help: str
    choices: tuple[str, ...]


KINDS = {
    "str": "string",
    "bool": "boolean",
    "int": "count",
    "float": "number",
    "tuple[str,...]": "strings",
    "Mapping[str,str]": "texts",
    "dict[str,str]": "texts",
}


def fields_of(options: type[Any]) -> tuple[Field, ...]:
    """The options that a dataclass declares.

    Raises:
        PluginError: it is no dataclass, or a field's type can't be configured.
    """
    declared: Mapping[str, Any] | None = getattr(options, "__dataclass_fields__", None)
    if declared is None:
        raise PluginError(f"{options.__module__}.{options.__qualname__} must be a dataclass")
    return tuple(_field(options, name, field) for name, field in declared.items())


def _field(options: type[Any], name: str, field: Any) -> Field:
    text = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
    text = text.replace(" ", "").replace("collections.abc.", "").replace("typing.", "").removesuffix("|None")
    if text not in KINDS:
        raise PluginError(
            f"option {name} of {options.__module__}.{options.__qualname__} has the type {field.type}, "
            f"which can't be configured",
            hint=f"use one of {', '.join(KINDS)}",
        )
    metadata = field.metadata
    return Field(name, KINDS[text], field.default, metadata.get("help", ""), tuple(metadata.get("choices", ())))


def make(options: type[Any], values: Mapping[str, Any], where: Where) -> Any:
    """Make the ``Options`` instance.

    Args:
        options: the dataclass.
        values: key to TOML value; keys that are no option must have been refused before.
        where: place of a key, for messages.

    Raises:
        ConfigError: a value of the wrong type, or one that the dataclass itself refuses with a ``ValueError``.
    """
    known = {field.name: field for field in fields_of(options)}
    checked = {key: _check(known[key], value, where) for key, value in values.items() if value is not None}
    try:
        return options(**checked)
    except ValueError as error:
        key = next(iter(values), "")
        raise ConfigError(str(error), where=where(key)) from None


def unknown(options: type[Any], values: Iterable[str]) -> tuple[str, ...]:
    """The keys that are no options of this driver."""
    known = {field.name for field in fields_of(options)}
    return tuple(key for key in values if key not in known)


def _check(field: Field, value: Any, where: Where) -> Any:
    from kern.config.kinds import CHECKS

    try:
        checked = _frozen(field.kind, value, CHECKS)
    except ValueError as error:
        raise ConfigError(f"{field.name} {error}", where=where(field.name)) from None
    if field.choices and checked not in field.choices:
        from kern.config.suggest import did_you_mean

        raise ConfigError(
            f"{field.name} must be one of {', '.join(field.choices)}, not {checked!r}",
            where=where(field.name),
            hint=did_you_mean(str(checked), field.choices),
        )
    return checked


def _frozen(kind: str, value: Any, checks: Mapping[str, Callable[[Any], Any]]) -> Any:
    if kind == "strings" and isinstance(value, tuple):
        value = list(value)
    if kind == "number":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError("must be a number")
        return float(value)
    if kind == "texts":
        return {name: checks["string"](text) for name, text in checks["table"](value).items()}
    return checks[kind](value)
