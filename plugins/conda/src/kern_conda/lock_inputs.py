"""What a lock file of a conda environment answers: the configuration in values that mean the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern_conda.secrets import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Artifact, Context, EnvSpec, PackageSpec

CONDA = "conda"
"""The kind of artifact that is installed from conda; all others are Python's."""


def lock_inputs(spec: EnvSpec, context: Context) -> Mapping[str, Any]:
    """List what the lock of an environment depends on, but for what its package requires.

    Raises:
        ConfigError: a file or a group that the options name is not there or can't be read.
    """
    from kern_conda.condarc import read_condarc
    from kern_conda.logins import logins_of
    from kern_conda.wishes import gather_wishes, python_specs

    options, condarc = spec.options, read_condarc(context.environ)
    wishes = gather_wishes(spec, condarc)
    python = python_specs(spec.factors)
    # Whoever else installs from the lock may have another login, or need none.
    channels, conda = logins_of(wishes.channels).without([wishes.channels, wishes.conda])
    found: dict[str, Any] = {
        "python": python[0].removeprefix("python").strip() if python else "",
        "platforms": sorted(lock_platforms(spec)),
        "channels": list(channels),
        "channel_priority": options.channel_priority,
        "conda_deps": [without_secrets(each) for each in conda if each not in python],
        "virtual_packages": list(options.virtual_packages),
        "deps": [without_secrets(each) for each in wishes.pypi],
        "extras": list(options.extras),
        "constraints": list(options.constraints),
    }
    found.update(_files([*wishes.pypi, *(f"-c {path}" for path in options.constraints)], spec))
    return {name: value for name, value in found.items() if value}


def lock_platforms(spec: EnvSpec) -> tuple[str, ...]:
    """Name the platforms that an environment is locked for: those of the options, else the one that it is made for."""
    from kern_conda.platforms import machine_platform

    return tuple(dict.fromkeys(spec.options.lock_platforms)) or (spec.options.conda_platform or machine_platform(),)


def package_requires(package: PackageSpec, artifact: Artifact | None) -> list[str] | None:
    """List what the package requires; of one for conda only its build tells."""
    if CONDA not in (package.builder, artifact.kind if artifact else ""):
        from kern_venv.api import package_requirements

        return package_requirements(package.root, artifact)
    return sorted(artifact.requirements) if artifact else None


def _files(entries: list[str], spec: EnvSpec) -> Mapping[str, str]:
    from kern_venv.api import file_digests

    return file_digests(entries, spec.project_dir, spec.name)
