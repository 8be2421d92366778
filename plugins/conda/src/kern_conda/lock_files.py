"""The comment at the beginning of a conda lock file: what it was written for, so that a change of that can be told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TITLE = "# kern lock wrote this for:\n"
_INDENT = "#   "
_IS = " = "


def read_inputs(path: str) -> Mapping[str, Any] | None:
    """Read what a lock file was written for; ``None`` if kern has not written it. No YAML is parsed for that."""
    found: dict[str, Any] = {}
    try:
        with open(path, encoding="utf-8") as file:
            if file.readline() != _TITLE:
                return None
            for line in file:
                if not line.startswith(_INDENT):
                    break
                name, end = json.JSONDecoder().raw_decode(line, len(_INDENT))
                found[name] = json.loads(line[end + len(_IS) :])
    except (OSError, ValueError):
        return None
    return found


def comment_of_inputs(inputs: Mapping[str, Any]) -> str:
    """Write inputs as the comment, a line each."""
    lines = (f"{_INDENT}{json.dumps(name)}{_IS}{json.dumps(value)}\n" for name, value in inputs.items())
    return "".join((_TITLE, *lines, "\n"))
