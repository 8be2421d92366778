"""The provider ``conda``: environments from conda channels, with no conda installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import Environment, Unavailable
from kern_conda.options import CondaOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Adopted, Artifact, Context, EnvSpec


class CondaProvider:
    """Makes conda environments."""

    api = 1
    Options = CondaOptions
    pools: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ("conda", "wheel", "sdist", "editable")

    def claims(self, factor: str) -> bool:
        """Whether a factor names a Python: ``py312``, ``py3.12``, ``pypy39``, ``py313t``, ``py``..."""
        from kern_venv.api import names_interpreter

        return names_interpreter(factor)

    def probe(self, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether the engine is there, and what it installs runs on this machine."""
        from kern_conda.availability import find_obstacle

        return find_obstacle(spec, context)

    def fingerprint(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """The options, the content of every file that they name, the channels and the engine."""
        from kern_conda.fingerprint import make_fingerprint

        return make_fingerprint(spec, context)

    def provision(self, spec: EnvSpec, context: Context) -> Environment:  # noqa: ARG002
        """Make an empty prefix; all that is in it is resolved together, when the package under test is known."""
        from kern_conda.prefixes import PIXI_PREFIX, make_prefix

        inside = PIXI_PREFIX if spec.options.engine == "pixi" else ""
        prefix = make_prefix(spec.location, inside)
        return Environment(
            location=spec.location,
            activator="conda",
            interpreter=os.path.join(prefix, "bin", "python"),
            watch=tuple(os.path.join(inside, path) if inside else path for path in _watched(spec)),
            volatile=("__pycache__", ".lock"),
            facts={"activation": spec.options.activation, **({"prefix": inside} if inside else {})},
        )

    def install(
        self, spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context
    ) -> Mapping[str, str]:
        """Install from conda what comes from there, then from PyPI what is not there yet."""
        from kern_conda.filling import fill

        return fill(spec, environment, artifacts, context)

    def drift(self, spec: EnvSpec, adopted: Adopted, context: Context) -> Sequence[str]:  # noqa: ARG002
        """What is absent, or there in another version than ``conda_deps`` and ``deps`` ask for."""
        from kern_conda.drift import find_drift

        return find_drift(spec, adopted)

    def requirements(self, spec: EnvSpec, context: Context) -> Mapping[str, Sequence[str]]:
        """What the options ask for: ``conda_deps``, and ``deps``, ``dependency_groups`` and ``extras`` from PyPI."""
        from kern_venv.api import VenvProvider

        if any("://" in name for name in spec.options.channels):
            from kern_conda.network import mask_secrets

            mask_secrets({"channels": spec.options.channels}, context)
        return {"conda_deps": spec.options.conda_deps, **VenvProvider().requirements(spec, context)}

    def dispose(self, location: str, context: Context) -> None:
        """Nothing: an environment has nothing outside its directory."""


def _watched(spec: EnvSpec) -> tuple[str, ...]:
    """Watch all of it; but Python 2 writes compiled modules beside the sources, so there only what never changes."""
    old = any(factor.startswith(("py2", "pypy2")) for factor in spec.factors)
    return ("conda-meta", "bin") if old else (".",)
