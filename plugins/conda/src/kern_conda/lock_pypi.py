"""What a conda environment gets from PyPI, in a lock file of its own (PEP 751) beside conda's.

Not in conda-lock's own section for pip: writing that needs a table of names from the network and leaves pip's
configuration out, and nothing but conda-lock installs it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kern.api import Artifact, Context, EnvSpec
    from kern_conda.questions import Record


def pylock_beside(path: str, environment: str) -> str:
    """Name the lock file for PyPI that stands beside conda's; it is there only if something comes from PyPI."""
    from kern_venv.api import lock_name

    return os.path.join(os.path.dirname(path), lock_name(environment))


def is_beside(path: str, environment: str) -> bool:
    """Whether the lock file for PyPI that stands beside conda's is there and can be read."""
    import tomllib

    try:
        with open(pylock_beside(path, environment), "rb") as file:
            return bool(tomllib.load(file))
    except (OSError, ValueError):
        return False


def lock_pypi(
    spec: EnvSpec,
    wanted: Sequence[str],
    locked: str,
    path: str,
    artifact: Artifact | None,
    upgrade: Sequence[str] | None,
    context: Context,
) -> None:
    """Lock what comes from PyPI; what conda brings stays as it is, and is left out.

    Args:
        spec: the environment.
        wanted: entries as in ``deps``.
        locked: absolute path of conda's lock file, just written.
        path: absolute path that it will have.
        artifact: the package under test, if it is Python's and not conda's.
        upgrade: as in `kern.api.Locker.lock`.
        context: runs the processes.

    Raises:
        StepFailed: uv can't resolve it.
    """
    from kern_venv.api import Resolution, direct_reference, write_lock

    beside = pylock_beside(path, spec.name)
    if not wanted and artifact is None:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        return
    package = [direct_reference(artifact, spec.options.extras)] if artifact else []
    python, present = _python_side(locked, spec, context)
    constraints = os.path.join(context.work_dir, "from-conda.txt")
    with open(constraints, "w", encoding="utf-8") as file:
        file.writelines(f"{name}=={version}\n" for name, version in present.items())
    resolution = Resolution(
        requirements=[*wanted, *package],
        constraints=[*spec.options.constraints, constraints],
        python=python,
        omitted=[*present, *((artifact.name,) if artifact else ())],
        upgrade=upgrade,
    )
    write_lock(resolution, beside, {"beside": os.path.basename(path)}, context)


def install_beside(spec: EnvSpec, prefix: str, context: Context, *, needed: bool) -> None:
    """Install what the lock file for PyPI says into an environment that conda's lock has filled.

    Args:
        spec: the environment, with its ``lock``.
        prefix: absolute path of the environment.
        context: runs the installer.
        needed: whether a package of Python's is installed besides, so that there must be such a file.

    Raises:
        StepFailed: the file is absent, or the installer failed; a hash that does not match is one reason.
    """
    from kern.api import StepFailed
    from kern_conda.environment_file import read_environment_file
    from kern_venv.api import install_pylock

    options = spec.options
    path = pylock_beside(spec.lock or "", spec.name)
    stated = options.deps or options.dependency_groups
    if not (needed or stated or read_environment_file(options.environment_file, spec.project_dir).pypi):
        return
    if not os.path.exists(path):
        shown = os.path.relpath(path, spec.project_dir)
        raise StepFailed(f"there is no lock file {shown}", hint=f"kern lock {spec.name} --upgrade")
    _check_beside(path, prefix)
    python = os.path.join(prefix, "bin", "python")
    install_pylock(python, path, context, prefix=prefix, installer=options.installer, whole=True)


def _check_beside(path: str, prefix: str) -> None:
    """Make sure that nothing that came from conda would be replaced: only now is it known for sure what that is.

    Raises:
        StepFailed: the lock has another version of it.
    """
    import tomllib

    from packaging.utils import canonicalize_name

    from kern.api import StepFailed
    from kern_conda.prefixes import present_packages, python_distributions

    present = {canonicalize_name(name): text for name, text in python_distributions(present_packages(prefix)).items()}
    try:
        with open(path, "rb") as file:
            packages = tomllib.load(file).get("packages", [])
    except (OSError, ValueError) as error:
        raise StepFailed(f"the lock file for PyPI can't be read: {error}", where=path) from None
    for package in packages:
        here = present.get(canonicalize_name(package["name"]), package.get("version"))
        if here != package.get("version"):
            raise StepFailed(
                f"conda installed {package['name']} {here}, and the lock for PyPI has {package.get('version')}",
                where=path,
                hint=f"say {package['name']}=={here} in deps, so that both agree",
            )


def _python_side(locked: str, spec: EnvSpec, context: Context) -> tuple[str, dict[str, str]]:
    """The version of Python in conda's lock, and the Python distributions in it."""
    from kern_conda.lock_inputs import lock_platforms
    from kern_conda.requests import read_lock

    records = read_lock(locked, lock_platforms(spec)[0], context).records
    versions = [record["version"] for record in records if record["name"] == "python"]
    return ".".join(versions[0].split(".")[:2]) if versions else "", dict(_distributions(records))


def _distributions(records: Iterable[Record]) -> Iterable[tuple[str, str]]:
    """Name and version of what needs a Python, in PyPI's words as far as they are known.

    Before it is installed nothing tells for sure, and a name that nobody asks for does no harm.
    """
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    for record in records:
        if any(str(each).partition(" ")[0] in ("python", "python_abi") for each in record.get("depends", ())):
            with suppress(InvalidVersion):
                Version(record["version"])
                for name in _project_names(record["name"]):
                    yield canonicalize_name(name), record["version"]


def _project_names(package: str) -> list[str]:
    """The names that a conda package may have on PyPI."""
    from kern_conda.renames import DEFAULT

    return [package, *(name for name, conda in DEFAULT.items() if conda == package and "[" not in name)]
