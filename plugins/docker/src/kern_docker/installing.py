"""Python packages inside: a virtual environment of the image's own Python, filled by its pip."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from kern.api import StepFailed
from kern_docker.activation import VENV
from kern_docker.arguments import mounts
from kern_docker.client import hidden
from kern_docker.containers import run_once
from kern_docker.engines import own_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, Environment, EnvSpec

CONFIGURATIONS = ("~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf")
"""Where pip looks for its configuration on Linux (pip's documentation, "Configuration")."""
FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE")
FROM_FILES = ("-r", "-c", "--requirement", "--constraint")
"""Options of pip that may stand before a file's name in ``deps``."""
MAKE = """command -v "$0" >/dev/null || { echo "kern: no python"; exit 0; }
exec "$0" -m venv --without-pip "$1\""""
FILL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "filling.py")


def wants_python(spec: EnvSpec, artifacts: Sequence[Artifact]) -> bool:
    """Whether Python packages are to be installed."""
    return bool(spec.options.deps or artifacts)


def make_virtual_environment(
    spec: EnvSpec, engine: str, image: str, arguments: Sequence[str], context: Context
) -> str | None:
    """Make a virtual environment, still without pip, with the Python of the image; this shows too that containers run.

    Returns:
        The path of its interpreter; ``None`` if the image has no Python, or none is wanted.

    Raises:
        StepFailed: no container runs, or its Python makes no environment.
    """
    place = os.path.join(spec.location, VENV)
    argv = ("sh", "-c", MAKE, spec.options.python, place) if spec.options.python else ("sh", "-c", "exit 0")
    run_once(engine, image, arguments, spec.location, argv, context, own_variables(context.environ))
    python = os.path.join(place, "bin", "python")
    return python if os.path.lexists(python) else None


def install(
    spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context
) -> Mapping[str, str]:
    """Install into the virtual environment, in a container of its own.

    Returns:
        Name to version of what is installed now.

    Raises:
        StepFailed: the image has no Python that can do it, or pip failed.
    """
    python = environment.interpreter
    if not python:
        raise StepFailed(
            f"the image has no {spec.options.python}".rstrip() + ", so no Python package can be installed",
            where=spec.name,
            hint="name its Python with the option python, or use another image",
        )
    wanted = [
        *(word for dep in spec.options.deps for word in _words(dep)),
        *(word for path in spec.options.constraints for word in ("-c", path)),
        *(_reference(artifact, spec.options.extras) for artifact in artifacts),
    ]
    files = _pip_files(context)
    environ = {**context.environ, **files}
    flags = [word for name in environ if name in files or not hidden(name) for word in ("-e", name)]
    facts = environment.facts
    arguments = (*json.loads(facts["arguments"]), *_mounts(artifacts, files), "-w", spec.project_dir, *flags)
    argv = (python, FILL, json.dumps(wanted), json.dumps([artifact.path for artifact in artifacts]))
    run_once(facts["engine"], facts["image"], arguments, environment.location, argv, context, environ)
    return _installed(environment.location)


def _words(dep: str) -> list[str]:
    """A requirement as pip takes it; ``-r requirements.txt`` is two words."""
    option, _, file = dep.partition(" ")
    return [option, file.strip()] if option in FROM_FILES and file else [dep]


def _installed(location: str) -> dict[str, str]:
    """Name to version of what lies in the virtual environment; the directory is mounted, so no container is needed."""
    import glob
    from importlib.metadata import distributions

    places = glob.glob(os.path.join(glob.escape(os.path.join(location, VENV)), "lib*", "*", "site-packages"))
    found = ((each.metadata["Name"], each.version) for each in distributions(path=places))
    return {name: version for name, version in found if name}


def _reference(artifact: Artifact, extras: Sequence[str]) -> str:
    wanted = f"[{','.join(extras)}]" if extras else ""
    return f"{artifact.path}{wanted}"


def _mounts(artifacts: Sequence[Artifact], files: Mapping[str, str]) -> list[str]:
    """What pip needs from the host: the artifacts, its configuration and certificates, at the same paths."""
    places = {os.path.dirname(artifact.path) for artifact in artifacts} | set(files.values()) | {FILL}
    return mounts(sorted(places), readonly=True)


def _pip_files(context: Context) -> dict[str, str]:
    named = {name: context.environ[name] for name in FILES if name in context.environ}
    if "PIP_CONFIG_FILE" not in named:
        usual = (os.path.expanduser(path) for path in CONFIGURATIONS)
        named["PIP_CONFIG_FILE"] = next(filter(os.path.isfile, usual), "")
    return {name: path for name, path in named.items() if os.path.isfile(path)}
