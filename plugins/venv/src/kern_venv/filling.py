"""What one environment gets: the dependencies that its options name and the package under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.api import StepFailed
from kern_venv.artifacts import check_extras, direct_reference
from kern_venv.groups import group_requirements
from kern_venv.installed import installed
from kern_venv.installing import install
from kern_venv.locks import check_lock, install_pylock, lock_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, Environment, EnvSpec


def fill(spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context) -> Mapping[str, str]:
    """Install the options' dependencies and the artifacts, and list what is there then.

    Raises:
        ConfigError: an extra or a group does not exist.
        StepFailed: something could not be installed.
    """
    if environment.interpreter is None:
        raise StepFailed("the environment has no interpreter", where=environment.location)
    options = spec.options
    for artifact in artifacts:
        check_extras(artifact, options.extras)
    if spec.lock is not None or options.pylock:
        _fill_from_lock(spec, environment.interpreter, environment.location, artifacts, context)
    else:
        install(
            environment.interpreter,
            [*options.deps, *group_requirements(options.dependency_groups, spec.project_dir)],
            context,
            prefix=environment.location,
            constraints=options.constraints,
            artifacts=[direct_reference(artifact, options.extras) for artifact in artifacts],
            installer=environment.facts["installer"],
        )
    return installed(environment.location)


def _fill_from_lock(spec: EnvSpec, python: str, location: str, artifacts: Sequence[Artifact], context: Context) -> None:
    if spec.lock is None:
        check_lock(spec.options)
    path = spec.lock or lock_path(spec)
    references = [direct_reference(artifact) for artifact in artifacts]
    install_pylock(python, path, context, prefix=location, references=references, installer=spec.options.installer)
