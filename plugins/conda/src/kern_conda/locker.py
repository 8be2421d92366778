"""The locker of conda environments: conda-lock writes a lock file for all platforms, uv one for what comes from PyPI."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, EnvSpec, PackageSpec, Unavailable

SUFFIX = ".conda-lock.yml"
"""By this ending conda-lock, conda and micromamba know a lock file (https://conda.github.io/conda-lock/output)."""


class CondaLocker:
    """Locks conda environments."""

    api = 1

    def path(self, spec: EnvSpec, packaged: bool) -> str:
        """``ENV.conda-lock.yml``; nothing for an environment without a Python, packages and a package under test."""
        options = spec.options
        stated = (options.conda_deps, options.deps, options.dependency_groups, options.environment_file)
        if not packaged and not any(stated):
            from kern_conda.wishes import python_specs

            return spec.name + SUFFIX if python_specs(spec.factors) else ""
        return spec.name + SUFFIX

    def probe(self, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether the options make sense; for which platform does not matter, since nothing that is locked runs here."""
        from kern_conda.availability import find_obstacle

        return find_obstacle(spec, context, here=False)

    def inputs(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """What is asked for, the channels, the platforms, and digests of the files that the options name."""
        from kern_conda.lock_inputs import lock_inputs

        return lock_inputs(spec, context)

    def requires(self, package: PackageSpec, artifact: Artifact | None, context: Context) -> Sequence[str] | None:  # noqa: ARG002
        """What the conda package depends on, or, of a Python package, its requirements."""
        from kern_conda.lock_inputs import package_requires

        return package_requires(package, artifact)

    def read(self, path: str) -> Mapping[str, Any] | None:
        """The comment at the beginning of a lock file; without ``deps`` if what was locked beside it for them is not there."""
        from kern_conda.lock_files import read_inputs
        from kern_conda.lock_pypi import is_beside

        found = read_inputs(path)
        if found is None or "deps" not in found or is_beside(path, os.path.basename(path).removesuffix(SUFFIX)):
            return found
        return {name: value for name, value in found.items() if name != "deps"}

    def lock(
        self,
        spec: EnvSpec,
        path: str,
        inputs: Mapping[str, Any],
        artifact: Artifact | None,
        upgrade: Sequence[str] | None,
        context: Context,
    ) -> None:
        """Have conda-lock resolve everything through rattler, for each of the platforms."""
        from kern_conda.lock_writing import lock_environment

        lock_environment(spec, path, inputs, artifact, upgrade, context)
