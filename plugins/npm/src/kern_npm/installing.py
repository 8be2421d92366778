"""What goes into an environment's ``node_modules``, and what is in it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from kern.api import ConfigError
from kern_npm.commands import run_npm
from kern_npm.configuration import link_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, EnvSpec

HIDDEN_LOCK = os.path.join("node_modules", ".package-lock.json")
"""Where npm writes down what it has installed (npm's documentation, "Hidden Lockfiles")."""


def install(spec: EnvSpec, location: str, artifacts: Sequence[Artifact], context: Context) -> Mapping[str, str]:
    """Install the dependencies and the packed packages, resolved together.

    Returns:
        Name to version of what is installed now.

    Raises:
        ConfigError: package.json can't be read.
        StepFailed: npm failed.
    """
    for artifact in artifacts:
        _forget(location, artifact.name)  # the same version may hold other files
    words = [*located(spec.options.npm_deps, spec.project_dir), *(artifact.path for artifact in artifacts)]
    if spec.options.dev_dependencies:
        words += dev_dependencies(spec)
    if words:
        link_configuration(spec.project_dir, location)
        flags = ("--offline",) if spec.options.offline else ("--prefer-offline",)
        run_npm(("install", "--no-save", "--no-package-lock", "--install-links", *flags, *words), context, location)
    return installed(location)


def located(deps: Sequence[str], project_dir: str) -> list[str]:
    """Dependencies with relative paths made absolute: npm runs in the environment, not in the project."""
    return [os.path.normpath(os.path.join(project_dir, dep)) if dep.startswith((".", "~")) else dep for dep in deps]


def dev_dependencies(spec: EnvSpec) -> list[str]:
    """The development dependencies of the project, as arguments of ``npm install``.

    Raises:
        ConfigError: package.json can't be read.
    """
    path = os.path.join(spec.project_dir, spec.options.manifest)
    table = read_manifest(path).get("devDependencies") or {}
    if not isinstance(table, dict):
        raise ConfigError("devDependencies is no object", where=path)
    return [f"{name}@{version}" for name, version in table.items()]


def read_manifest(path: str) -> dict[str, Any]:
    """The content of a package.json.

    Raises:
        ConfigError: it is not there, or no JSON.
    """
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"can't be read: {error}", where=path) from None
    if not isinstance(found, dict):
        raise ConfigError("holds no object", where=path)
    return found


def installed(location: str) -> dict[str, str]:
    """Name to version of the packages at the top of ``node_modules``."""
    try:
        with open(os.path.join(location, HIDDEN_LOCK), encoding="utf-8") as file:
            packages = json.load(file)["packages"]
    except (OSError, ValueError, KeyError):
        return {}
    top = {path.removeprefix("node_modules/"): found for path, found in packages.items()}
    return {name: str(found.get("version", "")) for name, found in top.items() if "/node_modules/" not in name}


def _forget(location: str, name: str) -> None:
    """Have npm install a package again that it thinks is there."""
    import shutil

    place = os.path.normpath(os.path.join(location, "node_modules", name))
    if place.startswith(os.path.join(location, "node_modules") + os.sep):
        shutil.rmtree(place, ignore_errors=True)
        hidden = os.path.join(location, HIDDEN_LOCK)
        if os.path.exists(hidden):
            os.unlink(hidden)
