"""The Python of a nix environment, and the virtual environment on top of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple

from kern.api import Command, ConfigError, Environment, StepFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, EnvDelta, EnvSpec

FOLDER = "python"
"""Name of the virtual environment in an environment's directory; of a directory with a link where there is none."""

Installer = Literal["auto", "uv", "pip"]

PYTHON_KINDS = ("wheel", "sdist", "editable")
_SEED = frozenset(("pip", "setuptools", "wheel"))
_QUESTION = "import sys; print('kern', sys.prefix, '.'.join(map(str, sys.version_info[:3])), sep='\\0')"
_PARTS = 3


class Python(NamedTuple):
    """A Python: its program, its ``sys.prefix``, and its version as text."""

    path: str
    prefix: str
    version: str


def find_python(delta: EnvDelta, context: Context) -> Python | None:
    """Find the Python that an environment brings; the host's, which is behind it on ``PATH``, is none.

    Raises:
        StepFailed: it is there but does not start.
    """
    own = delta.prepend.get("PATH") or tuple(delta.set.get("PATH", "").split(os.pathsep))
    paths = (os.path.join(place, name) for place in own if os.path.isabs(place) for name in ("python3", "python"))
    path = next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), "")
    return _asked(path, context) if path else None


def _asked(path: str, context: Context) -> Python:
    argv = (path, "-I", "-c", _QUESTION)
    said = context.run(Command(argv=argv, timeout=60.0), check=False, echo=False)
    parts = said.stdout.strip().split("\0")
    if said.exit_code or len(parts) != _PARTS:
        message = f"the Python of the environment does not start (exit code {said.exit_code})"
        raise StepFailed(message, where=path, tail=said.stdout[-2000:])
    return Python(path, parts[1], parts[2])


def check_factor(spec: EnvSpec, python: Python | None, shown: str) -> None:
    """Refuse an environment whose Python is not the one that its name promises.

    Raises:
        ConfigError: ``py312-nix`` would have another Python, or none.
    """
    for factor in spec.factors:
        wanted = _wanted_version(factor)
        have = python.version if python else ""
        if wanted and have.split(".")[: len(wanted)] != wanted:
            gives = f"gives Python {have}" if have else "has no Python"
            raise ConfigError(
                f"{shown} {gives}, but the name {spec.name} says {factor}",
                where=spec.name,
                hint=f'say attr or nix_args in [env.{factor}], such as nix_args = ["--argstr", "python", "..."]',
            )


def _wanted_version(factor: str) -> list[str]:
    """The version in a factor: ``py312``, ``py3.12``, ``py3``; nothing for anything else."""
    text = factor.removeprefix("python") if factor.startswith("python") else factor.removeprefix("py")
    if text == factor or not text or not text.replace(".", "").isdecimal():
        return []
    return text.split(".") if "." in text else [text[0], *filter(None, [text[1:]])]


def link_python(location: str, python: Python) -> str:
    """Put a link to a Python where the virtual environment's will be if there has to be one; its path."""
    place = os.path.join(location, FOLDER, "bin")
    os.makedirs(place, exist_ok=True)
    path = os.path.join(place, "python")
    os.symlink(python.path, path)
    return path


def overlay_of(location: str) -> str:
    """The virtual environment in an environment's directory; empty if there is none."""
    place = os.path.join(location, FOLDER)
    return place if os.path.isfile(os.path.join(place, "pyvenv.cfg")) else ""


def needs_overlay(spec: EnvSpec, artifacts: Sequence[Artifact]) -> bool:
    """Whether there is something for a virtual environment."""
    options = spec.options
    python = any(artifact.kind in PYTHON_KINDS for artifact in artifacts)
    return bool(options.overlay or options.deps or options.dependency_groups or python)


def fill_overlay(
    spec: EnvSpec, location: str, facts: Mapping[str, str], artifacts: Sequence[Artifact], context: Context
) -> Mapping[str, str]:
    """Make the virtual environment if it is not there yet, and install into it.

    Returns:
        Name to version of what is installed in it.

    Raises:
        ConfigError: the options forbid it.
        StepFailed: the environment has no Python, or installing failed.
    """
    from kern_venv.api import VenvProvider

    path, prefix = facts.get("python", ""), facts.get("python_prefix", "")
    if spec.options.overlay is False:
        message = "overlay = false leaves no place for deps or a Python package under test"
        raise ConfigError(message, where=spec.name, hint="take overlay away, or say package = 'none' and no deps")
    if not path:
        message = f"the nix environment of {spec.name} has no Python to install Python packages for"
        raise StepFailed(message, where=spec.name, hint="add a Python to the expression, or take deps and package away")
    installer = choose_installer(spec.options.installer, prefix)
    place = os.path.join(location, FOLDER)
    above = virtual_spec(spec, base_python=(path,), installer=installer)._replace(location=place)
    if not overlay_of(location):
        _take_link_away(place)
        made = VenvProvider().provision(above, context)
    else:
        made = Environment(place, "venv", os.path.join(place, "bin", "python"), facts={"installer": installer})
    return VenvProvider().install(above, made, artifacts, context)


def virtual_spec(spec: EnvSpec, *, base_python: tuple[str, ...] = (), installer: Installer = "auto") -> EnvSpec:
    """The row as kern-venv knows it: what is said about Python packages, and nothing of nix."""
    from kern_venv.api import VenvProvider

    said = spec.options
    options = VenvProvider.Options(
        base_python=base_python,
        deps=said.deps,
        extras=said.extras,
        dependency_groups=said.dependency_groups,
        constraints=said.constraints,
        installer=installer,
        system_site_packages=True,
    )
    return spec._replace(options=options)


def choose_installer(installer: Installer, prefix: str) -> Installer:
    """Decide who installs: uv does not see what lies below a virtual environment, and would bring nix's packages again."""
    from kern_venv.api import installed

    return "pip" if installer == "auto" and set(installed(prefix)) - _SEED else installer


def _take_link_away(place: str) -> None:
    os.unlink(os.path.join(place, "bin", "python"))
    os.rmdir(os.path.join(place, "bin"))
