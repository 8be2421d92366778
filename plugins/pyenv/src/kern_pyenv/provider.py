"""The provider ``pyenv``: virtual environments on the interpreters that pyenv holds.

It adds to `kern_venv` what pyenv knows: which versions there are, what a name stands for, how one is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern_pyenv.options import PyenvOptions
from kern_venv.api import VenvProvider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Adopted, Artifact, Context, Environment, EnvSpec, Unavailable


class PyenvProvider:
    """Makes virtual environments on pyenv's interpreters."""

    api = 1
    Options = PyenvOptions
    pools: tuple[str, ...] = ()
    accepts: tuple[str, ...] = VenvProvider.accepts

    def claims(self, factor: str) -> bool:
        """Whether a factor names a version: ``py39``, ``3.13.0``, ``3.13t``, ``pypy310``, ``pypy3.10``, ``py``..."""
        from kern_pyenv.naming import version_of

        return bool(version_of(factor))

    def probe(self, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether the version is there or can be installed, and whether an environment can be made on it."""
        from kern_pyenv.availability import find_obstacle

        return find_obstacle(spec, context) or VenvProvider().probe(spec, context)

    def fingerprint(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """The interpreter's path and identity, the options, and the content of every file that they name."""
        from kern_pyenv.finding import find

        inputs = VenvProvider().fingerprint(spec, context)
        # What is still to be installed has no identity yet; the kernel asks again when the environment is made.
        return inputs if find(spec, context.environ) is not None else {**inputs, "interpreter": None}

    def provision(self, spec: EnvSpec, context: Context) -> Environment:
        """Make an empty environment; the version is installed first, where ``install`` allows it."""
        from kern_pyenv.installing import provide

        provide(spec, context)
        return VenvProvider().provision(spec, context)

    def install(
        self, spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context
    ) -> Mapping[str, str]:
        """Install the dependencies and the artifacts, resolved together."""
        return VenvProvider().install(spec, environment, artifacts, context)

    def drift(self, spec: EnvSpec, adopted: Adopted, context: Context) -> Sequence[str]:
        """What is absent, or there in another version than the options ask for."""
        from kern_pyenv.drift import other_version

        return (*other_version(spec, adopted), *VenvProvider().drift(spec, adopted, context))

    def requirements(self, spec: EnvSpec, context: Context) -> Mapping[str, Sequence[str]]:
        """What the options ask for, files and groups followed."""
        return VenvProvider().requirements(spec, context)

    def dispose(self, location: str, context: Context) -> None:
        """Nothing: versions of pyenv are the user's, also those that were installed on demand."""
