"""JSON schemas, draft 2020-12.

Of the configuration, from the kernel's keys and the installed drivers' options; and of everything that a verb prints
with ``--json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.config.keys import ENV_KEYS, EXTEND, PACKAGE_KEYS, TOP_KEYS, Key
from kern.drivers import Registry, registry
from kern.errors import PluginError
from kern.options import Field, fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

DRAFT = "https://json-schema.org/draft/2020-12/schema"
STRING = {"type": "string"}
STRINGS = {"anyOf": [STRING, {"type": "array", "items": STRING}]}
COMMANDS = {
    "anyOf": [
        STRING,
        {"type": "array", "items": {"anyOf": [STRING, {"type": "array", "items": STRING, "minItems": 1}]}},
    ]
}
SCALAR = {"type": ["string", "number"]}
KINDS: dict[str, dict[str, Any]] = {
    "string": STRING,
    "strings": STRINGS,
    "boolean": {"type": "boolean"},
    "count": {"type": "integer", "minimum": 0},
    "number": {"type": "number"},
    "seconds": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": "^[0-9.]+[smh]$"}]},
    "commands": COMMANDS,
    "variables": {
        "type": "object",
        "properties": {"file": STRINGS},
        "additionalProperties": SCALAR,
    },
    "texts": {"type": "object", "additionalProperties": STRING},
    "pools": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
    "lists": {"type": "object", "additionalProperties": STRINGS},
    "plugins": {"type": "object", "properties": {"allow": STRINGS, "deny": STRINGS}, "additionalProperties": False},
}
EXTENSIBLE = frozenset({"strings", "commands", "variables"})


def schema(kind: str) -> dict[str, Any]:
    """The schema of the configuration (``config``) or of what a verb prints.

    Args:
        kind: ``config``, or a verb that has ``--json``, or ``error``.
    """
    if kind == "config":
        return config_schema(registry())
    if kind == "run":
        from kern.report.document import DOCUMENT_SCHEMA

        return dict(DOCUMENT_SCHEMA)
    return _output(kind, OUTPUTS[kind])


def config_schema(drivers: Registry) -> dict[str, Any]:
    """The schema of ``kern.toml``, with the options of every driver that is installed and works."""
    env = _env_properties(drivers)
    table = {"type": "object", "properties": env, "additionalProperties": False}
    env_table = {
        "type": "object",
        "properties": env,
        "additionalProperties": {"$ref": "#/$defs/environment"},
        "description": TOP_KEYS["env"].help,
    }
    top = {name: _property(key) for name, key in TOP_KEYS.items() if key.kind != "table"}
    package = {
        "type": "object",
        "properties": _package_properties(drivers),
        "additionalProperties": False,
        "description": TOP_KEYS["package"].help,
    }
    return {
        "$schema": DRAFT,
        "title": "kern configuration",
        "type": "object",
        "properties": {
            **top,
            "env": env_table,
            "package": {"type": "object", "additionalProperties": package, "description": TOP_KEYS["package"].help},
        },
        "additionalProperties": False,
        "$defs": {"environment": table},
    }


def _property(key: Key | Field) -> dict[str, Any]:
    found = {**KINDS[key.kind], "description": key.help}
    choices = getattr(key, "choices", ())
    return {**found, "enum": list(choices)} if choices else found


def _env_properties(drivers: Registry) -> dict[str, Any]:
    found: dict[str, Any] = {}
    fields = [(field.name, field) for field in options_of(drivers, "kern.provider")]
    every: list[tuple[str, Key | Field]] = [*ENV_KEYS.items(), *fields]
    for name, key in every:
        found[name] = _property(key)
        if key.kind in EXTENSIBLE:
            found[EXTEND + name] = _property(key)
    return found


def _package_properties(drivers: Registry) -> dict[str, Any]:
    found = {name: _property(key) for name, key in PACKAGE_KEYS.items()}
    found.update((field.name, _property(field)) for field in options_of(drivers, "kern.builder"))
    return found


def options_of(drivers: Registry, group: str) -> list[Field]:
    """The options of all working drivers of a group, each name once."""
    found: dict[str, Field] = {}
    for name in drivers.names(group):
        try:
            fields = fields_of(drivers.load(group, name).Options)
        except PluginError:
            continue
        for field in fields:
            found.setdefault(field.name, field)
    return list(found.values())


def _output(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    every = {"schema": {"const": 1}, **properties}
    return {
        "$schema": DRAFT,
        "title": f"kern {kind} --json",
        "type": "object",
        "properties": every,
        "required": list(every),
    }


def _objects(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": _object(**properties)}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


TEXTS = {"type": "array", "items": STRING}
EXISTING = {
    "anyOf": [_object(target=STRING, kind=STRING, location=STRING, interpreter=STRING, why=STRING), {"type": "null"}]
}
OUTPUTS: dict[str, dict[str, Any]] = {
    "list": {
        "environments": _objects(
            row=STRING,
            environment=STRING,
            package=STRING,
            default={"type": "boolean"},
            provider=STRING,
            factors=TEXTS,
            description=STRING,
            why=STRING,
            existing=STRING,
        )
    },
    "show": {
        "environments": _objects(
            environment=STRING,
            default={"type": "boolean"},
            factors=TEXTS,
            provider=STRING,
            rows=_objects(row=STRING, package=STRING, why=STRING),
            requirements={"type": "object", "additionalProperties": TEXTS},
            existing=EXISTING,
            drift=TEXTS,
            settings={"type": "object", "additionalProperties": _object(**{"value": {}, "from": TEXTS})},
        )
    },
    "plan": {
        "builds": _objects(
            key=STRING,
            package=STRING,
            builder=STRING,
            variant=STRING,
            action={"enum": ["build", "reuse"]},
            reason=STRING,
            **{"from": STRING},
            unless_fits=STRING,
            artifact=STRING,
        ),
        "rows": _objects(
            row=STRING,
            environment=STRING,
            package=STRING,
            provider=STRING,
            why_package=STRING,
            action={"enum": ["make", "update", "reuse", "settle", "existing", "skipped", "error"]},
            reason=STRING,
            hint=STRING,
            build=STRING,
            artifact=STRING,
            location=STRING,
            depends=TEXTS,
            commands={"type": "array", "items": TEXTS},
            existing=EXISTING,
            drift=TEXTS,
        ),
        "notices": TEXTS,
    },
    "build": {"artifacts": _objects(kind=STRING, name=STRING, version=STRING, digest=STRING, path=STRING)},
    "lock": {
        "locks": _objects(
            environments=TEXTS,
            path=STRING,
            outcome={"enum": ["locked", "unchanged", "failed", "stale", "none"]},
            reason=STRING,
            hint=STRING,
            log=STRING,
            tail=STRING,
        )
    },
    "plugins": {
        "plugins": {"type": "array", "items": {"type": "object", "additionalProperties": STRING}},
    },
    "error": {
        "error": _object(
            kind=STRING,
            message=STRING,
            where=STRING,
            hint=STRING,
            log=STRING,
            tail=STRING,
            exit_code={"type": "integer"},
        ),
    },
}
