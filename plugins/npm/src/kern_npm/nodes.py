"""The Node of an environment: the host's, or one from the npm registry that is kept in the user's cache."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from kern.api import Command, StepFailed
from kern_npm.commands import run_npm
from kern_npm.versions import find_program, registry_package, serves, stated_version

if TYPE_CHECKING:
    from kern.api import Context

READY = "ready"


def provide_node(wanted: str, context: Context, *, offline: bool) -> str:
    """The path of a ``node`` program of a wanted version.

    Raises:
        StepFailed: there is none, and none could be installed.
    """
    host = find_program("node", context.environ)
    if host and serves(_version_of(host, context) if wanted else "", wanted):
        return host
    package = registry_package(context.platform, os.uname().machine)
    if not wanted or not package:
        raise StepFailed(
            f"there is no node {wanted}".rstrip() + " on PATH", hint="install Node, or leave this environment out"
        )
    return _kept(package, wanted, context, offline=offline)


def _version_of(node: str, context: Context) -> str:
    stated = stated_version(node)
    if stated:
        return stated
    return context.run(Command(argv=(node, "--version")), check=False, echo=False).stdout.strip().removeprefix("v")


def _kept(package: str, wanted: str, context: Context, *, offline: bool) -> str:
    place = os.path.join(context.cache_dir, f"node-{wanted}")
    with context.lock(f"node-{wanted}"):
        if context.recreate or not os.path.exists(os.path.join(place, READY)):
            _install(place, f"{package}@{wanted}", context, offline=offline)
    return os.path.join(place, "node_modules", package, "bin", "node")


def _install(place: str, package: str, context: Context, *, offline: bool) -> None:
    """Install Node from the registry; the last thing that is written says that it is whole."""
    import shutil

    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    with open(os.path.join(place, "package.json"), "w", encoding="utf-8") as file:
        json.dump({"private": True}, file)
    run_npm(
        ("install", "--no-save", "--no-package-lock", *(("--offline",) if offline else ()), package), context, place
    )
    with open(os.path.join(place, READY), "w", encoding="utf-8") as file:
        file.write(package)
