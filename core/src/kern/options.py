"""From a configuration table to a driver's ``Options``: its fields are all that there is to know.

``Options`` is a frozen dataclass or, cheaper to start, a named tuple. Fields of these types can be configured: ``str``,
``Literal["a", "b"]``, ``bool``, ``int``, ``float``, ``tuple[str, ...]``, ``Mapping[str, str]``, and each of them ``| None``;
a field without a default must be set. A field's documentation is its entry below ``Attributes:`` in the docstring of ``Options``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kern.errors import ConfigError, PluginError
from kern.named_tuples import NamedTuple

Where = Callable[[str], str]
"""Gives the place of a key."""


class Field(NamedTuple):
    """One option of a driver: name, type as the user reads it, default, help, choices, whether it must be set."""

    name: str
    kind: str
    default: Any
    help: str
    choices: tuple[str, ...]
    needed: bool = False


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
    """The options that ``Options`` declares.

    Raises:
        PluginError: it is neither a dataclass nor a named tuple, or a field's type can't be configured.
    """
    declared = _declared(options)
    if declared is None:
        raise PluginError(f"{options.__module__}.{options.__qualname__} must be a dataclass or a named tuple")
    helps = _documented(options.__doc__ or "")
    return tuple(
        _field(options, name, kind, helps.get(name, ""))._replace(default=default, needed=needed)
        for name, (kind, default, needed) in declared.items()
    )


def _declared(options: type[Any]) -> dict[str, tuple[Any, Any, bool]] | None:
    """Field to type, default, and whether it has none."""
    fields = getattr(options, "__dataclass_fields__", None)
    if fields is not None:
        return {name: (field.type, *_default(field)) for name, field in fields.items()}
    defaults = getattr(options, "_field_defaults", None)
    if defaults is None:
        return None
    return {name: (kind, defaults.get(name), name not in defaults) for name, kind in options.__annotations__.items()}


def _default(field: Any) -> tuple[Any, bool]:
    """A dataclass field's default, and whether it has none; a factory is asked for one."""
    import dataclasses

    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory(), False
    needed = field.default is dataclasses.MISSING
    return None if needed else field.default, needed


def _documented(docstring: str) -> dict[str, str]:
    """The entries below ``Attributes:`` of a Google style docstring, joined to one line each."""
    found: dict[str, str] = {}
    name = ""
    for line in docstring.partition("Attributes:")[2].splitlines():
        head, colon, rest = line.strip().partition(": ")
        if colon and head.isidentifier():
            name = head
            found[name] = rest
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found


def _field(options: type[Any], name: str, kind: Any, help_: str) -> Field:
    text = _spelt(kind)
    choices: tuple[str, ...] = ()
    if text.startswith("Literal["):
        choices = tuple(word.strip("\"'") for word in text[8:-1].split(","))
        text = "str"
    if text not in KINDS:
        raise PluginError(
            f"option {name} of {options.__module__}.{options.__qualname__} has the type {text}, which can't be configured",
            hint=f"use one of {', '.join(KINDS)}",
        )
    return Field(name, KINDS[text], None, help_, choices)


def _spelt(kind: Any) -> str:
    """A type as its source spells it, without spaces, module names and ``| None``."""
    kind = getattr(kind, "__forward_arg__", kind)
    text = kind if isinstance(kind, str) else str(kind) if hasattr(kind, "__args__") else kind.__name__
    return text.replace(" ", "").replace("collections.abc.", "").replace("typing.", "").removesuffix("|None")


def make(options: type[Any], values: Mapping[str, Any], where: Where) -> Any:
    """Make the ``Options`` instance.

    Args:
        options: the dataclass.
        values: key to TOML value; keys that are no option must have been refused before.
        where: place of a key, for messages.

    Raises:
        ConfigError: a value of the wrong type, one that is not there though it must be set, or one that the dataclass
            itself refuses with a ``ValueError``.
    """
    known = {field.name: field for field in fields_of(options)}
    checked = {key: _check(known[key], value, where) for key, value in values.items() if value is not None}
    for name, field in known.items():
        if field.needed and name not in checked:
            raise ConfigError(f"{name} is missing", where=where(name), hint="it has no default and must be set")
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
        try:
            return float(value)
        except OverflowError:
            raise ValueError("is too large a number") from None
    if kind == "texts":
        return {name: checks["string"](text) for name, text in checks["table"](value).items()}
    return checks[kind](value)
