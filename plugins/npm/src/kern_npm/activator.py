"""The activator ``npm``: the environment's programs first, and its packages for what looks beside the tree."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.api import Activation, EnvDelta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Context, Environment


class NpmActivator:
    """Sets a few variables; copies the tests that want to import what is installed."""

    api = 1
    pools: tuple[str, ...] = ()

    @contextmanager
    def activate(self, environment: Environment, context: Context) -> Iterator[Activation]:
        """``PATH`` and ``NODE_PATH``; the latter is for CommonJS alone (Node's documentation, "ECMAScript modules")."""
        tests = environment.facts.get("tests", "[]")
        if tests != "[]":
            from kern_npm.testing_copies import copy_tests

            copy_tests(tests, environment, context)
        from kern_npm.configuration import ask_secrets

        ask_secrets(context)  # commands may print them
        modules = os.path.join(environment.location, "node_modules")
        programs = (os.path.join(modules, ".bin"), os.path.dirname(environment.interpreter or modules))
        yield Activation(
            EnvDelta(set={"NODE_PATH": modules}, unset=("NODE_OPTIONS",), prepend={"PATH": programs}),
        )
