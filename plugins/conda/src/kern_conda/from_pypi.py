"""The part of a conda environment that comes from PyPI: after conda's, beside it, never in its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import ConfigError, StepFailed
from kern_conda.prefixes import present_packages, python_distributions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kern.api import Artifact, Context, EnvSpec
    from kern_conda.prefixes import Present

CONDA = "conda"
"""The kind of artifacts that are conda packages."""


def add_from_pypi(
    spec: EnvSpec, prefix: str, entries: Sequence[str], artifacts: Sequence[Artifact], context: Context
) -> None:
    """Install what comes from PyPI; what came from conda counts as installed, and is held at its version.

    Args:
        spec: the environment.
        prefix: absolute path of the environment, with all that conda brings.
        entries: as in ``deps``.
        artifacts: the packages under test; conda packages among them are there by now, but not their extras.
        context: runs the installer.

    Raises:
        ConfigError: a package has no such extra.
        StepFailed: the installer failed, or would have to replace what came from conda.
    """
    if not entries and not artifacts:
        return
    from kern_venv.api import check_extras, direct_reference, install

    others = [one for one in artifacts if one.kind != CONDA]
    for artifact in others:
        check_extras(artifact, spec.options.extras)
    names = {one.name for one in artifacts if one.kind == CONDA} if spec.options.extras else set()
    if not entries and not others and not names:
        return
    packages = present_packages(prefix)
    built = (one for one in packages if one.name in names)
    wanted = (*entries, *(text for one in built for text in _with_extras(one, spec.options.extras, prefix)))
    kept = python_distributions(packages)
    try:
        install(
            find_python(prefix),
            wanted,
            context,
            prefix=prefix,
            constraints=spec.options.constraints,
            artifacts=[direct_reference(artifact, spec.options.extras) for artifact in others],
            installer=spec.options.installer,
            keep=kept,
        )
    except StepFailed as error:
        raise _with_hint(error, kept) from None


def add_locked(spec: EnvSpec, prefix: str, lines: Sequence[str], context: Context) -> None:
    """Install a lock's files from PyPI, each with its hash and nothing besides.

    Args:
        spec: the environment.
        prefix: absolute path of the environment.
        lines: of a requirements file, as `kern_conda.questions.Locked` has them.
        context: runs the installer.

    Raises:
        StepFailed: the installer failed; a hash that does not match is one reason.
    """
    from kern_venv.api import install

    if not lines:
        return
    path = os.path.join(context.work_dir, "locked-requirements.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    install(
        find_python(prefix),
        (f"-r {path}",),
        context,
        prefix=prefix,
        installer=spec.options.installer,
        extra_arguments=("--no-deps", "--require-hashes"),
        keep={},
    )


def add_package(spec: EnvSpec, prefix: str, artifacts: Sequence[Artifact], context: Context) -> None:
    """Install packages under test without their dependencies, which a lock has brought.

    Raises:
        ConfigError: a package has no such extra.
        StepFailed: the installer failed.
    """
    from kern_venv.api import check_extras, direct_reference, install

    for artifact in artifacts:
        check_extras(artifact, spec.options.extras)
    if not artifacts:
        return
    install(
        find_python(prefix),
        (),
        context,
        prefix=prefix,
        artifacts=[direct_reference(artifact) for artifact in artifacts],
        installer=spec.options.installer,
        extra_arguments=("--no-deps",),
        keep={},
    )


def find_python(prefix: str) -> str:
    """The path of an environment's Python.

    Raises:
        StepFailed: it has none.
    """
    python = os.path.join(prefix, "bin", "python")
    if not os.path.exists(python):
        raise StepFailed(
            "the environment has no Python to install the package or `deps` with",
            where=prefix,
            hint="a factor like py312 brings one, and so does conda_deps = ['python']",
        )
    return python


def _with_extras(package: Present, extras: Sequence[str], prefix: str) -> Iterator[str]:
    """Ask for extras of a package that is installed, by the name that its distribution has: so only these are added."""
    chosen = ",".join(extras)
    for name, version in python_distributions((package,)).items():
        _check_extras(package, extras, prefix)
        yield f"{name}[{chosen}]=={version}"


def _check_extras(package: Present, extras: Sequence[str], prefix: str) -> None:
    """Refuse extras that a package does not have: installers only warn of them, and the tests run without."""
    files = package.record.get("files", ())
    provided = {extra for path in files if path.endswith(".dist-info/METADATA") for extra in _provided(prefix, path)}
    for extra in extras:
        if _canonical(extra) not in map(_canonical, provided):
            known = f"it has {', '.join(sorted(provided))}" if provided else "it has none"
            raise ConfigError(f"{package.name} {package.version} has no extra {extra!r}", where="extras", hint=known)


def _provided(prefix: str, path: str) -> list[str]:
    from email.parser import BytesParser

    with open(os.path.join(prefix, path), "rb") as file:
        return BytesParser().parse(file, headersonly=True).get_all("Provides-Extra", [])


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _with_hint(error: StepFailed, kept: Mapping[str, str]) -> StepFailed:
    """Say which of the packages in an installer's complaint came from conda, so that nobody looks for them in `deps`."""
    words = set(_canonical(error.tail).replace("=", " ").replace("<", " ").replace(">", " ").replace(",", " ").split())
    named = [f"{name} {version}" for name, version in kept.items() if _canonical(name) in words]
    hint = error.hint
    if named:
        hint = f"conda installed {', '.join(named)}, and what comes from PyPI never replaces it; see conda_deps"
    return StepFailed(error.message, where=error.where, hint=hint, log=error.log, tail=error.tail)
