"""conda's names of platforms, and which of them run here."""

from __future__ import annotations

import os
import sys

_SYSTEMS = {"linux": "linux", "darwin": "osx"}
_MACHINES = {"x86_64": "64", "amd64": "64", "aarch64": "aarch64", "arm64": "arm64", "i686": "32", "i386": "32"}
_ALSO = {"osx-arm64": ("osx-64",), "linux-64": ("linux-32",)}


def machine_platform() -> str:
    """This machine's platform in conda's words: ``linux-64``, ``linux-aarch64``, ``osx-arm64``..."""
    machine = os.uname().machine.lower()
    return f"{_SYSTEMS.get(sys.platform, sys.platform)}-{_MACHINES.get(machine, machine)}"


def runs_here(platform: str) -> bool:
    """Whether programs of a platform run on this machine."""
    own = machine_platform()
    return platform in (own, "noarch", *_ALSO.get(own, ()))


def architecture_package(platform: str) -> str:
    """The virtual package of a platform's processor, where it is not this machine's own; else nothing."""
    if platform in ("", machine_platform()) or not platform.endswith("-64"):
        return ""
    return "__archspec=1=x86_64"
