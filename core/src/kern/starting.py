"""A first configuration for a project, from what its ``pyproject.toml`` says."""

from __future__ import annotations

import os
from typing import Any

from kern.config.assume import assume
from kern.config.find import PYPROJECT, Found
from kern.config.reading import read_toml

MINORS = (9, 10, 11, 12, 13, 14)
"""Python minor versions that a first matrix may name."""
CLASSIFIER = "Programming Language :: Python :: 3."
HEAD = "# What `kern run` does here. `kern list` shows the environments, `kern show NAME` every setting of one.\n"


def first_configuration(directory: str) -> str:
    """The text of a ``kern.toml`` to start from.

    It has an environment for each Python that the project says it supports, and a linter's if that is configured.

    Args:
        directory: the project.
    """
    data = read_toml(os.path.join(directory, PYPROJECT)) if os.path.isfile(os.path.join(directory, PYPROJECT)) else {}
    pythons = _pythons(data)
    ruff = "ruff" in _table(data.get("tool")) or os.path.exists(os.path.join(directory, "ruff.toml"))
    names = [pythons, *(["lint"] if ruff else [])]
    env = _environment(directory, data)
    lines = [HEAD, f"env_list = [{', '.join(_quoted(name) for name in names)}]", "", "[env]"]
    lines += [f"{key} = {_written(value)}" for key, value in env.items()]
    if ruff:
        lines += ["", "[env.lint]", 'package = "none"', 'deps = ["ruff"]', 'commands = [["ruff", "check", "."]]']
        lines += [f"{key} = []" for key in ("extras", "dependency_groups") if key in env]
    return "\n".join(lines) + "\n"


def _environment(directory: str, data: dict[str, Any]) -> dict[str, Any]:
    if not data:
        return {"package": "none", "deps": ["pytest"], "commands": [["python", "-m", "pytest", "{posargs}"]]}
    found, _ = assume(Found(directory, None, {}))
    env: dict[str, Any] = found.table["env"]
    return env


def _pythons(data: dict[str, Any]) -> str:
    """``py3{10-13}`` from the classifiers, else ``py``."""
    found = []
    classifiers = _table(data.get("project")).get("classifiers")
    for classifier in classifiers if isinstance(classifiers, list) else []:
        before, prefix, version = str(classifier).partition(CLASSIFIER)
        if prefix and not before and version.isdecimal() and int(version) in MINORS:
            found.append(int(version))
    if not found:
        return "py"
    first, last = min(found), max(found)
    if sorted(found) != list(range(first, last + 1)) or first == last:
        return (
            "py3{" + ",".join(str(minor) for minor in sorted(set(found))) + "}"
            if len(set(found)) > 1
            else f"py3{first}"
        )
    return f"py3{{{first}-{last}}}"


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_written(item) for item in value)}]"
    return _quoted(value)
