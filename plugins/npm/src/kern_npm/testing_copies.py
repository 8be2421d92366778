"""Tests beside the installed package: a module of the tree would find the tree first, whatever is installed."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from kern.api import ConfigError

if TYPE_CHECKING:
    from kern.api import Context, Environment


def copy_tests(tests: str, environment: Environment, context: Context) -> None:
    """Copy files and directories of the project into the environment, in place of what was copied before.

    Args:
        tests: JSON list of paths relative to the project.
        environment: where they go, under the same relative paths.
        context: lends the lock.

    Raises:
        ConfigError: one is not there, or lies outside of the project.
    """
    project = environment.facts["project"]
    with context.lock("tests"):
        for path in json.loads(tests):
            source, target = _inside(project, path), _inside(environment.location, path)
            if not os.path.lexists(source):
                raise ConfigError(f"there is nothing at {source}", where="tests")
            _replace(source, target)


def _inside(place: str, path: str) -> str:
    found = os.path.normpath(os.path.join(place, path))
    if not found.startswith(place + os.sep) or path.split(os.sep, 1)[0] in ("node_modules", "package.json"):
        raise ConfigError(f"{path} can't be copied into the environment", where="tests")
    return found


def _replace(source: str, target: str) -> None:
    if os.path.isdir(target) and not os.path.islink(target):
        shutil.rmtree(target)
    if os.path.isdir(source):
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("node_modules", ".kern"))
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(source, target)
