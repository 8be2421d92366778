"""The activator ``conda``: what ``conda activate`` changes for the commands that run in an environment."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Activation, Context, Environment


class CondaActivator:
    """Activates a prefix as conda does, without conda; a process is started only where the prefix has scripts."""

    api = 1
    pools: tuple[str, ...] = ("conda-activation",)

    @contextmanager
    def activate(self, environment: Environment, context: Context) -> Iterator[Activation]:
        """Set the variables and source the scripts of ``activate.d``; source those of ``deactivate.d`` on leaving."""
        from kern_conda.activation import activated
        from kern_conda.prefixes import prefix_of

        mode = environment.facts.get("activation", "snapshot")
        with activated(prefix_of(environment), mode, context) as activation:
            yield activation
