"""The activator ``nix``: what entering a nix environment changes for the commands that run in it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.api import Activation, EnvDelta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Context, Environment


class NixActivator:
    """Replays what was captured when the environment was made; one with a ``shellHook`` is entered anew."""

    api = 1
    pools: tuple[str, ...] = ()

    @contextmanager
    def activate(self, environment: Environment, context: Context) -> Iterator[Activation]:
        """Say the variables, the virtual environment and the package under test in front of them."""
        from kern_nix.entering import entered

        if environment.facts.get("kind") == "path":
            programs = os.path.join(environment.location, "bin")
            yield Activation(
                EnvDelta(unset=("PYTHONHOME", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT"), prepend={"PATH": (programs,)})
            )
            return
        with entered(environment, context) as delta:
            yield Activation(delta)
