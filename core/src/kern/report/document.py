"""A run as one JSON document, for programs: what ``--report FILE.json`` writes.

The schema is part of kern's public face: a field is never renamed, removed or given another meaning without a new
``schema`` number; fields may be added. Bytes that are not UTF-8 are replaced and flagged, never dropped in silence.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kern.events import GOOD, OUTCOMES
from kern.report import logs
from kern.report.text import totals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.events import CommandResult, RowResult, RunFinished, RunStarted

SCHEMA = 1
OUTPUT_LIMIT = 64 * 1024


def document(
    finished: RunFinished,
    started: RunStarted,
    *,
    at: float | None = None,
    complete: bool = True,
) -> dict[str, object]:
    """The document of a run.

    Args:
        finished: how it ended.
        started: how it began.
        at: when it began, in seconds since the epoch; now if left out.
        complete: false if kern was interrupted before all rows had a result.

    Returns:
        JSON values as `DOCUMENT_SCHEMA` says.
    """
    return {
        **header(finished, started, at=at, complete=complete),
        "rows": [row(result) for result in finished.results],
    }


def header(
    finished: RunFinished, started: RunStarted, *, at: float | None = None, complete: bool = True
) -> dict[str, object]:
    """Everything in the document but the rows."""
    from kern import __version__

    return {
        "schema": SCHEMA,
        "kern": __version__,
        "project_dir": logs.clean(started.project_dir),
        "log_dir": logs.clean(started.log_dir),
        "started": timestamp(time.time() if at is None else at),
        "seconds": round(finished.seconds, 3),
        "jobs": started.jobs,
        "complete": complete,
        "exit_code": finished.exit_code if complete else None,
        "totals": totals(finished.results),
    }


def row(result: RowResult) -> dict[str, object]:
    """One row with all its fields; a row that did not pass has the end of its output."""
    fields = facts(result)
    fields["output"] = None if result.outcome in GOOD else output(result.log)
    return fields


def facts(result: RowResult) -> dict[str, object]:
    """The fields of a row, with ``lossy`` saying whether something in them was no UTF-8."""
    fields = result._asdict()
    fields["seconds"] = round(result.seconds, 3)
    fields["commands"] = [command(each) for each in result.commands]
    fields["artifact"] = dict(result.artifact)
    fields["installed"] = dict(result.installed)
    return utf8(fields)


def command(result: CommandResult) -> dict[str, object]:
    """One command of a row."""
    return {**result._asdict(), "argv": list(result.argv), "seconds": round(result.seconds, 3)}


def utf8(fields: Mapping[str, object]) -> dict[str, object]:
    """Fields whose strings any UTF-8 file can hold, and the field ``lossy``: whether something had to be replaced."""
    cleaned = {name: _clean(value) for name, value in fields.items()}
    plain = {name: _plain(value) for name, value in fields.items()}
    return {**cleaned, "lossy": cleaned != plain}


def _clean(value: object) -> object:
    match value:
        case str():
            return logs.clean(value)
        case list() | tuple():
            return [_clean(each) for each in value]
        case dict():
            return {logs.clean(str(name)): _clean(each) for name, each in value.items()}
    return value


def _plain(value: object) -> object:
    """The value as JSON types, nothing replaced."""
    match value:
        case list() | tuple():
            return [_plain(each) for each in value]
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
    return value


def output(log: str, limit: int = OUTPUT_LIMIT) -> dict[str, object] | None:
    """The end of a log, ``None`` where there is none."""
    if not log:
        return None
    excerpt = logs.tail(log, limit)
    return {**text_of(excerpt.data), "size": excerpt.size, "truncated": excerpt.truncated}


def text_of(data: bytes) -> dict[str, object]:
    """Bytes as JSON: ``text``, ``lossy``, and where it is lossy the exact bytes as ``base64`` (RFC 4648)."""
    text, lossy = logs.decode(data)
    if not lossy:
        return {"text": text, "lossy": False}
    import base64

    return {"text": text, "lossy": True, "base64": base64.b64encode(data).decode("ascii")}


def timestamp(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _object(properties: dict[str, object], *optional: str) -> dict[str, object]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


_STRING: dict[str, object] = {"type": "string"}
_BOOLEAN: dict[str, object] = {"type": "boolean"}
_COUNT: dict[str, object] = {"type": "integer", "minimum": 0}
_SECONDS: dict[str, object] = {"type": "number", "minimum": 0}
_STRINGS: dict[str, object] = {"type": "array", "items": _STRING}
_NAMED_STRINGS: dict[str, object] = {"type": "object", "additionalProperties": _STRING}

_COMMAND = _object(
    {
        "phase": {"enum": ["commands_pre", "commands", "commands_post"]},
        "argv": {**_STRINGS, "description": "secrets are masked"},
        "exit_code": {"type": "integer", "description": "-N for a command that signal N ended"},
        "seconds": _SECONDS,
        "timed_out": _BOOLEAN,
        "survivors": {**_COUNT, "description": "processes it left behind, which kern killed"},
        "ignored": {**_BOOLEAN, "description": "its failure does not count (- prefix)"},
        "attempt": {"type": "integer", "minimum": 1},
    }
)

_OUTPUT = _object(
    {
        "text": {**_STRING, "description": f"at most the last {OUTPUT_LIMIT} bytes of the log"},
        "size": {**_COUNT, "description": "bytes of the whole log"},
        "truncated": _BOOLEAN,
        "lossy": {**_BOOLEAN, "description": "bytes that are not UTF-8 were replaced in text"},
        "base64": {**_STRING, "description": "the exact bytes of text, only where it is lossy"},
    },
    "base64",
)

_ROW = _object(
    {
        "row": {**_STRING, "description": "as the user sees it: (sdist) py312"},
        "environment": _STRING,
        "package": {**_STRING, "description": "name of the package definition, empty for none"},
        "outcome": {"enum": list(OUTCOMES)},
        "reason": {**_STRING, "description": "why it did not pass or was skipped"},
        "hint": {**_STRING, "description": "how to mend it"},
        "seconds": {**_SECONDS, "description": "wall time of its own work"},
        "commands": {"type": "array", "items": _COMMAND},
        "made": {**_STRINGS, "description": "what was done for it; empty where all was reused"},
        "log": {**_STRING, "description": "absolute path of the whole log, empty where nothing ran"},
        "artifact": {**_NAMED_STRINGS, "description": "kind, path, digest, version of the tested package"},
        "interpreter": _STRING,
        "installed": {**_NAMED_STRINGS, "description": "name to version"},
        "existing": {
            **_STRING,
            "description": "the existing environment that it ran in: its path, or its target where that is in kern's cache; empty for kern's own",
        },
        "drift": {**_STRINGS, "description": "what the existing environment lacks of what the row asks for"},
        "lossy": {**_BOOLEAN, "description": "bytes that are not UTF-8 were replaced in a field above"},
        "output": {"anyOf": [_OUTPUT, {"type": "null"}], "description": "null for rows that count as good"},
    }
)

DOCUMENT_SCHEMA: dict[str, object] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A run of kern",
    **_object(
        {
            "schema": {"const": SCHEMA},
            "kern": {**_STRING, "description": "version of kern"},
            "project_dir": _STRING,
            "log_dir": _STRING,
            "started": {**_STRING, "format": "date-time"},
            "seconds": _SECONDS,
            "jobs": {"type": "integer", "minimum": 1},
            "complete": {**_BOOLEAN, "description": "false where kern ended before all rows had a result"},
            "exit_code": {"type": ["integer", "null"], "description": "null where the run is not complete"},
            "totals": {
                "type": "object",
                "properties": dict.fromkeys(OUTCOMES, _COUNT),
                "required": list(OUTCOMES),
                "additionalProperties": False,
            },
            "rows": {"type": "array", "items": _ROW},
        }
    ),
}
"""JSON Schema (draft 2020-12) of `document`."""
