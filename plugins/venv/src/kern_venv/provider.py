"""The provider ``venv``: virtual environments, made and filled by uv, or by virtualenv and pip."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import Environment, Unavailable
from kern_venv.options import VenvOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Adopted, Artifact, Context, EnvSpec
    from kern_venv.inspection import Interpreter


class VenvProvider:
    """Makes virtual environments."""

    api = 1
    Options = VenvOptions
    pools: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ("wheel", "sdist", "editable")

    def claims(self, factor: str) -> bool:
        """Whether a factor names an interpreter: ``py312``, ``py3.12``, ``pypy310``, ``py313t``, ``py``..."""
        from kern_venv.wanted import names_interpreter

        return names_interpreter(factor)

    def probe(self, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether there is an interpreter, and an installer that serves it."""
        from kern_venv.availability import find_obstacle

        return find_obstacle(spec, context)

    def fingerprint(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """The interpreter, the options, and the content of every file that they name."""
        from kern_venv.fingerprint import make_fingerprint

        return make_fingerprint(spec, context)

    def provision(self, spec: EnvSpec, context: Context) -> Environment:
        """Make an empty environment, and ask it who it is."""
        from kern_venv.making import make_and_identify
        from kern_venv.programs import choose_installer

        interpreter = _interpreter(spec, context)
        installer = choose_installer(spec.options.installer, interpreter, context.environ)
        made = make_and_identify(
            spec.location,
            interpreter,
            context,
            seed_pip=installer == "pip",
            system_site_packages=spec.options.system_site_packages,
        )
        return Environment(
            location=spec.location,
            activator="venv",
            interpreter=made.python,
            watch=_watched(made.identity.version),
            volatile=("__pycache__", ".lock"),
            facts={**made.identity.facts, "base": made.identity.base, "installer": installer},
        )

    def install(
        self, spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context
    ) -> Mapping[str, str]:
        """Install the dependencies and the artifacts, resolved together."""
        if not artifacts and not any((spec.options.deps, spec.options.dependency_groups, spec.options.pylock)):
            return {}  # most of what follows need not even be imported
        from kern_venv.filling import fill

        return fill(spec, environment, artifacts, context)

    def drift(self, spec: EnvSpec, adopted: Adopted, context: Context) -> Sequence[str]:  # noqa: ARG002
        """What is absent, or there in another version than ``deps`` and the dependency groups ask for."""
        from kern_venv.drift import find_drift

        return find_drift(spec, adopted)

    def requirements(self, spec: EnvSpec, context: Context) -> Mapping[str, Sequence[str]]:  # noqa: ARG002
        """What the options ask for, files and groups followed: ``deps``, ``dependency_groups``, ``extras``."""
        from kern_venv.drift import requirements

        return requirements(spec)

    def dispose(self, location: str, context: Context) -> None:
        """Nothing: an environment has nothing outside its directory."""


def _interpreter(spec: EnvSpec, context: Context) -> Interpreter:
    from kern.api import StepFailed
    from kern_venv.availability import missing_interpreter
    from kern_venv.interpreters import interpreter_for

    found = interpreter_for(spec, context.environ)
    if found is None:
        missing = missing_interpreter(spec, context)
        raise StepFailed(missing.reason, where=spec.name, hint=missing.hint)
    return found


def _watched(version: tuple[int, ...]) -> tuple[str, ...]:
    """Watch all of it; but Python 2 writes compiled modules beside the sources, so there only what never changes."""
    return (".",) if version >= (3,) else ("pyvenv.cfg", os.path.join("bin", "python"))
