"""Which Node an environment wants, and which one the machine has. Files are looked at, nothing is run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FACTOR = "node"
HEADER = os.path.join("include", "node", "node_version.h")
"""Where an installation of Node has its version in a form that can be read without starting it."""


def factor_version(factor: str) -> str:
    """The version that a factor names (``20`` of ``node20``, ``18.20`` of ``node18.20``); empty for none."""
    version = factor.removeprefix(FACTOR)
    parts = version.split(".")
    named = factor != version and len(parts) <= 3 and all(part.isascii() and part.isdigit() for part in parts)  # noqa: PLR2004
    return version if named else ""


def wanted_version(option: str, factors: Sequence[str]) -> str:
    """The version that an environment wants; empty if any will do."""
    return option or next(filter(None, map(factor_version, factors)), "")


def find_program(name: str, environ: Mapping[str, str]) -> str:
    """The path of a program on the host's ``PATH``; empty if it is not there."""
    from shutil import which

    return which(name, path=environ.get("PATH", "")) or ""


def stated_version(node: str) -> str:
    """The version that lies beside a ``node`` program; empty where its header files are not installed."""
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(node)))
    found = {}
    try:
        with open(os.path.join(prefix, HEADER), encoding="utf-8") as file:
            for line in file:
                words = line.split()
                if len(words) == 3 and words[0] == "#define":  # noqa: PLR2004
                    found[words[1]] = words[2]
        return ".".join(found[f"NODE_{part}_VERSION"] for part in ("MAJOR", "MINOR", "PATCH"))
    except (OSError, KeyError, UnicodeDecodeError):
        return ""


def serves(version: str, wanted: str) -> bool:
    """Whether a version (``20.20.2``) is one of those that are wanted (``20``, ``20.20``); empty wants any."""
    return not wanted or (version + ".").startswith(wanted + ".")


def registry_package(platform: str, machine: str) -> str:
    """The package in the npm registry that holds Node's program for a machine; empty if there is none.

    Args:
        platform: as ``sys.platform``.
        machine: as ``os.uname().machine``.
    """
    processor = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(machine.lower(), "")
    system = {"linux": "linux", "darwin": "darwin"}.get(platform, "")
    return f"node-{system}-{processor}" if processor and system else ""


def identity(path: str) -> str:
    """What tells one installation of a program from another without starting it."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}"
