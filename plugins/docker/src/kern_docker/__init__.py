"""Environments in containers for kern, through podman or docker."""

from __future__ import annotations

__version__ = "0.1.0"
