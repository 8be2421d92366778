"""The activator ``venv``: what a virtual environment changes for the commands that run in it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.api import Activation, EnvDelta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Context, Environment


class VenvActivator:
    """Puts an environment's programs first on ``PATH``; starts nothing, so leaving undoes nothing."""

    api = 1
    pools: tuple[str, ...] = ()

    @contextmanager
    def activate(self, environment: Environment, context: Context) -> Iterator[Activation]:  # noqa: ARG002
        """Say the few variables; a bare interpreter, which only an adopter gives, is no ``VIRTUAL_ENV``.

        What an environment that is active where kern is started has for its prompt is taken away.
        """
        bare = environment.facts.get("kind") == "interpreter"
        programs = os.path.dirname(environment.interpreter or os.path.join(environment.location, "bin", "python"))
        delta = EnvDelta(
            set={} if bare else {"VIRTUAL_ENV": environment.location},
            unset=("PYTHONHOME", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV_PROMPT", *(("VIRTUAL_ENV",) if bare else ())),
            prepend={"PATH": (programs,)},
        )
        yield Activation(delta=delta)
