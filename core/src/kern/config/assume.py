"""Zero configuration: what kern does in a folder that has a ``pyproject.toml`` and nothing for kern in it."""

from __future__ import annotations

import os
from typing import Any

from kern.config.find import PYPROJECT, Found
from kern.config.reading import read_toml

TEST_NAMES = ("test", "tests", "testing", "dev")
"""Extras and dependency groups that projects keep what their tests need in, the usual one first."""


def assume(found: Found) -> tuple[Found, tuple[str, ...]]:
    """Make up a configuration: one environment with the package, its test dependencies and pytest.

    Returns:
        The project with a table as if it had been written, and the sentences that say what was assumed.
    """
    data = read_toml(os.path.join(found.directory, PYPROJECT))
    buildable = "project" in data or "build-system" in data
    env: dict[str, Any] = {"deps": ["pytest"], "commands": [["python", "-m", "pytest", "{posargs}"]]}
    said = ["no kern configuration: running pytest in one virtual environment (`kern init` writes this down)"]
    env["package"] = "wheel" if buildable else "none"
    if not buildable:
        said.append("pyproject.toml describes no package: nothing is built")
    group = _first(data.get("dependency-groups"))
    extra = _first(_table(data.get("project")).get("optional-dependencies"))
    if group:
        env["dependency_groups"] = [group]
        said.append(f"the dependency group {group!r} is installed too")
    elif extra and buildable:
        env["extras"] = [extra]
        said.append(f"the extra {extra!r} is installed too")
    return found._replace(table={"env_list": ["py"], "env": env}), tuple(said)


def _first(table: object) -> str:
    names = _table(table)
    return next((name for name in TEST_NAMES if name in names), "")


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
