"""The locker of virtual environments: a lock file (PEP 751) for each, written by uv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, EnvSpec, PackageSpec


class VenvLocker:
    """Locks environments whose options are those of kern-venv; another provider may register it under its own name."""

    api = 1

    def path(self, spec: EnvSpec, packaged: bool) -> str:
        """``pylock.ENV.toml``; nothing where ``pylock`` names a lock file already, and where nothing is installed."""
        options = spec.options
        if options.pylock or not (packaged or options.deps or options.dependency_groups):
            return ""
        return lock_name(spec.name)

    def inputs(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """The version of Python, the options, and digests of the files that they name."""
        from kern_venv.lock_inputs import lock_inputs

        return lock_inputs(spec, context)

    def requires(self, package: PackageSpec, artifact: Artifact | None, context: Context) -> Sequence[str] | None:  # noqa: ARG002
        """The artifact's requirements, or what ``[project]`` of its ``pyproject.toml`` says, if that is all (PEP 621)."""
        from kern_venv.lock_inputs import package_requirements

        return package_requirements(package.root, artifact)

    def read(self, path: str) -> Mapping[str, Any] | None:
        """The table ``[tool.kern]`` at the end of a lock file."""
        from kern_venv.lock_files import read_inputs

        return read_inputs(path)

    def lock(
        self,
        spec: EnvSpec,
        path: str,
        inputs: Mapping[str, Any],
        artifact: Artifact | None,
        upgrade: Sequence[str] | None,
        context: Context,
    ) -> None:
        """Have uv resolve everything for all platforms, or for the one that the environment's name binds it to."""
        from kern_venv.lock_writing import lock_environment

        lock_environment(spec, path, inputs, artifact, upgrade, context)


def lock_name(environment: str) -> str:
    """Name the lock file of an environment: ``pylock.py312.toml``.

    PEP 751 wants no dot in the middle part, so ``py3.12`` becomes ``py3~12``; names of environments have no tilde.
    """
    return f"pylock.{environment.replace('.', '~')}.toml"
