"""The activator ``docker``: commands run in one container that is kept for as long as the row lasts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Activation, Context, Environment


class DockerActivator:
    """Starts a container and removes it, with all that runs in it."""

    api = 1
    pools: tuple[str, ...] = ("containers",)

    @contextmanager
    def activate(self, environment: Environment, context: Context) -> Iterator[Activation]:
        """A prefix for commands: a small program that enters the container."""
        from kern_docker.activation import entered

        with entered(environment, context) as activation:
            yield activation
