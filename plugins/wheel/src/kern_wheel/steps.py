"""What the three builders do when something is really built: choose the tree, guard it, build."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from kern.api import ConfigError, StepFailed
from kern_wheel.archives import refuse_own_folder, unpack_sdist
from kern_wheel.backend import Job
from kern_wheel.build_system import read_build_system
from kern_wheel.building import build

if TYPE_CHECKING:
    from kern.api import Artifact, Context, PackageSpec
    from kern_venv.api import Interpreter

OLDEST = (3, 6)
"""What calls a backend's hooks inside the build environment needs at least this."""

_OWN_FOLDER = ".kern"


def build_from(
    kind: str, package: PackageSpec, source: Artifact | None, interpreter: Interpreter | None, context: Context
) -> str:
    """Build one file into ``context.output_dir``.

    Args:
        kind: ``sdist``, ``wheel`` or ``editable``.
        package: the definition that asks for it.
        source: a source distribution to build from instead of the tree; wheels only.
        interpreter: what runs the backend.
        context: lends everything else.

    Returns:
        Absolute path of what was built.

    Raises:
        ConfigError: the tree can't be built as it is, or not from that source.
        StepFailed: no interpreter, or the build failed.
    """
    if interpreter is None:
        raise StepFailed(f"no Python interpreter was found to build the {kind} with", where=package.root)
    if interpreter.version and interpreter.version < OLDEST:
        version = ".".join(map(str, interpreter.version))
        raise StepFailed(
            f"no build backend runs on Python {version}",
            where=interpreter.path,
            hint='say package = "sdist" for this environment: a source distribution is made by a newer Python',
        )
    if source is not None and (kind != "wheel" or source.kind != "sdist"):
        raise ConfigError(
            f"{package.name} can't be built from {source.kind}: only a wheel can be built from another package, and "
            "only from an sdist",
            where=f"package.{package.name}.from",
        )
    tree = package.root if source is None else unpack_sdist(source.path, context.work_dir)
    job = Job(kind, tree, read_build_system(tree), package.options.config_settings, context)
    # Backends write into the tree they build (``*.egg-info``, compiled files), so two builds there have to take turns.
    with context.lock(_tree_lock(tree)) if source is None else nullcontext():
        path = build(job, interpreter)
    if source is None and path.endswith((".whl", ".tar.gz")):
        refuse_own_folder(path, _OWN_FOLDER)
    return path


def _tree_lock(tree: str) -> str:
    import hashlib
    import os

    return f"tree-{hashlib.sha256(os.fsencode(os.path.realpath(tree))).hexdigest()[:32]}"
