"""Removing what an environment has outside of its directory: a container, a link that keeps something from a collector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.errors import PluginError

if TYPE_CHECKING:
    from kern.session import Session


def dispose(session: Session, name: str, location: str, label: str) -> None:
    """Have the provider remove it that made the environment; where its plugin is gone or broken, say that it stays.

    Args:
        session: the project.
        name: of the provider.
        location: absolute path of the environment's directory.
        label: what the user calls it.

    Raises:
        StepFailed: it is there and can't be removed.
    """
    try:
        session.registry.load("kern.provider", name).dispose(location, session.context(name))
    except PluginError as error:
        session.warn(f"{label}: what it has outside of its directory may be left: {error.message}")
