"""Whether and how well a built file serves an environment: by its tags and its Requires-Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern_wheel.rows import brings_python, row_target
from kern_wheel.source_tree import allows, has_build_files, stated_requirement

if TYPE_CHECKING:
    from kern.api import Artifact, Context, EnvSpec, Unavailable

PURE = 100_000
"""The rank of ``py3-none-any``: behind every wheel that is made for an interpreter, of which there are some thousand."""


def wheel_rank(artifact: Artifact, spec: EnvSpec, context: Context) -> int | None:
    """The place of a wheel among all that an environment's interpreter takes: 0 is the closest fit.

    Only the plainest kind of wheel is judged without asking for the interpreter's list of tags.
    """
    tags = frozenset(artifact.facts.get("tags", "").split())
    pure = "py3-none-any" in tags
    interpreter = row_target(spec, context)
    if interpreter is None:
        return PURE if pure else None  # an environment that brings its own Python: what fits all fits it
    if not allows(artifact.facts.get("requires_python", ""), interpreter.version):
        return None
    if pure and interpreter.version[:1] in {(), (3,)}:
        return PURE
    from kern_venv.api import target_tags

    for rank, tag in enumerate(target_tags(interpreter, context)):
        if str(tag) in tags:
            return rank
    return None


def refuse_misfit(artifact: Artifact, spec: EnvSpec, context: Context) -> None:
    """Make sure that a wheel serves a row whose Python is not the one that built it.

    Raises:
        StepFailed: it is for the Python that built it alone.
    """
    from kern.api import StepFailed

    if brings_python(spec) and wheel_rank(artifact, spec, context) is None:
        raise StepFailed(
            f"{artifact.path.rpartition('/')[2]} does not fit the Python of {spec.name}",
            where=artifact.path,
            hint="it is built with a Python of this machine; install one of the version that the environment has",
        )


def sdist_rank(artifact: Artifact, spec: EnvSpec, context: Context) -> int | None:
    """0 for every environment that the source distribution's Requires-Python does not exclude."""
    interpreter = row_target(spec, context)
    if interpreter is None:
        return 0
    return 0 if allows(artifact.facts.get("requires_python", ""), interpreter.version) else None


def unavailable(root: str, spec: EnvSpec, context: Context) -> Unavailable | None:
    """What can be known against building a tree for an environment without building it. Reads two files at most."""
    from kern.api import Unavailable

    if not has_build_files(root):
        return Unavailable(
            reason=f"{root} has neither pyproject.toml nor setup.py, so there is nothing to build",
            hint='say package = "none" for environments that need no package',
            missing=False,
        )
    requirement = stated_requirement(root)
    interpreter = row_target(spec, context) if requirement else None
    if interpreter is None or allows(requirement, interpreter.version):
        return None
    version = ".".join(map(str, interpreter.version))
    return Unavailable(
        reason=f"the package requires Python {requirement}, {spec.name} has {version}",
        hint="leave this environment out of env_list, or lower requires-python in pyproject.toml",
        missing=False,
    )
