"""The activator ``script``: what the user's own scripts change, on top of the environment that the commands run in."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.api import Activation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Context, Environment


class ScriptActivator:
    """Sources the scripts that `activate` of the configuration names; undone by ending the shell that did."""

    api = 1
    pools: tuple[str, ...] = ()

    @contextmanager
    def activate(self, environment: Environment, context: Context) -> Iterator[Activation]:
        """Source the scripts: absolute paths, as a JSON list in the fact ``scripts``."""
        from kern_shell.sourcing import sourced

        scripts = json.loads(environment.facts.get("scripts", "[]"))
        with sourced(context, title="sourcing " + ", ".join(scripts), enter=scripts) as delta:
            yield Activation(delta=delta)
