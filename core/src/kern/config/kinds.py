"""Checks for the values of the configuration: TOML in, frozen values out, a sentence when it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[[Any], Any]
"""Takes a TOML value, gives the checked value; raises `ValueError` with a sentence that follows the key's name."""


def string(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {_named(value)}")
    if "\0" in value:
        raise ValueError("must not hold a NUL character")
    return value


def strings(value: Any) -> tuple[str, ...]:
    """A list of strings; a single string stands for a list of one."""
    if isinstance(value, str):
        return (string(value),)
    if not isinstance(value, list):
        raise ValueError(f"must be a list of strings, not {_named(value)}")
    for item in value:
        if not isinstance(item, str):
            raise ValueError(f"must be a list of strings, but holds {_named(item)}")
        string(item)
    return tuple(value)


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_named(value)}")
    return value


MOST = 10**9
"""Nobody counts further, and Python does not print numbers of any size."""


def count(value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a whole number from 0")
    if value > MOST:
        raise ValueError(f"must be at most {MOST}")
    return value


UNITS = {"s": 1, "m": 60, "h": 3600}
FOREVER = 1e9
"""Seconds: thirty years are no bound."""


def seconds(value: Any) -> float:
    """A positive number of seconds, or a text with a unit."""
    amount = value
    if isinstance(value, str) and value[-1:] in UNITS:
        try:
            amount = float(value[:-1]) * UNITS[value[-1]]
        except ValueError:
            amount = None
    if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not 0 < amount < FOREVER:
        raise ValueError('must be a positive number of seconds, or a text such as "90s", "5m" or "1h"')
    return float(amount)


def table(value: Any) -> dict[str, Any]:
    """A table."""
    if not isinstance(value, dict):
        raise ValueError(f"must be a table, not {_named(value)}")
    return value


def pools(value: Any) -> dict[str, int]:
    """Names to sizes from 1."""
    for name, size in table(value).items():
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MOST:
            raise ValueError(f"must give a whole number from 1 for {name!r}")
    return dict(value)


def lists(value: Any) -> dict[str, tuple[str, ...]]:
    """Names to lists of strings."""
    return {name: strings(item) for name, item in table(value).items()}


def variables(value: Any) -> dict[str, Any]:
    """Variable names to texts, and ``file`` to one or more file names."""
    result: dict[str, Any] = {}
    for name, item in table(value).items():
        result[name] = strings(item) if name == "file" else _variable(name, item)
    return result


def _variable(name: str, item: Any) -> str:
    if not name or "=" in name or "\0" in name:
        raise ValueError(f"has {name!r}, which can't be the name of a variable")
    if isinstance(item, bool) or not isinstance(item, (str, int, float)):
        raise ValueError(f"must give a text for {name}, not {_named(item)}")
    try:
        text = str(item)
    except ValueError:
        raise ValueError(f"must give a text for {name}, not so large a number") from None
    return string(text)


def commands(value: Any) -> tuple[Any, ...]:
    """A list of commands, each a list of arguments or a string; a single string stands for one command."""
    if isinstance(value, str):
        return (string(value),)
    if not isinstance(value, list):
        raise ValueError(f"must be a list of commands, not {_named(value)}")
    return tuple(_command(item) for item in value)


def _command(item: Any) -> Any:
    if isinstance(item, str):
        return string(item)
    if not isinstance(item, list) or not item or not all(isinstance(word, str) for word in item):
        raise ValueError("must hold commands that are strings or lists of strings that are not empty")
    return strings(item)


def _named(value: Any) -> str:
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list",
        tuple: "a list",
        dict: "a table",
    }
    return names.get(type(value), f"a {type(value).__name__}")


def plugins(value: Any) -> dict[str, tuple[str, ...]]:
    """A table with the lists ``allow`` and ``deny``."""
    found = lists(value)
    unknown = [name for name in found if name not in ("allow", "deny")]
    if unknown:
        raise ValueError(f"has a key {unknown[0]!r}: it takes allow and deny")
    return found


CHECKS: dict[str, Check] = {
    "string": string,
    "strings": strings,
    "boolean": boolean,
    "count": count,
    "seconds": seconds,
    "table": table,
    "pools": pools,
    "lists": lists,
    "plugins": plugins,
    "variables": variables,
    "commands": commands,
}
