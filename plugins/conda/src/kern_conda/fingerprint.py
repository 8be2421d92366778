"""Everything that the content of a conda environment depends on, read anew in each run; quick, so no YAML, no rattler."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.api import Context, EnvSpec

_STATED = ("conda_deps", "deps", "extras", "constraints", "virtual_packages")
_CHOSEN = ("channel_priority", "conda_platform", "link", "link_scripts", "activation", "installer")


def make_fingerprint(spec: EnvSpec, context: Context) -> Mapping[str, Any]:
    """List what an environment depends on: names as a user knows them to JSON values.

    Channels' content is not among it: a new release of a package is no reason to make an environment anew.

    Raises:
        ConfigError: a file or a group that the options name is not there.
    """
    from kern_conda import __version__
    from kern_conda.secrets import without_secrets
    from kern_conda.wishes import python_specs

    options, defaults = spec.options, type(spec.options)._field_defaults
    result: dict[str, Any] = {"kern-conda": __version__, "engine": _engine(spec, context)}
    python = python_specs(spec.factors)
    if python:
        result["python"] = python[0]
    for name in _STATED:
        if getattr(options, name):
            result[name] = [without_secrets(text) for text in getattr(options, name)]
    for name in _CHOSEN:
        if getattr(options, name) != defaults[name]:
            result[name] = getattr(options, name)
    return {**result, **_channels(spec, context), **dict(_machine(context)), **_files(spec), **_groups(spec)}


def _engine(spec: EnvSpec, context: Context) -> str:
    """Name the engine; of rattler the release, read from the name of its metadata folder."""
    if spec.options.engine != "rattler":
        from kern_conda.engines import find_engine

        return f"{spec.options.engine} {find_engine(spec.options, context.environ) or ''}".strip()
    return f"rattler {_rattler_version()}".strip()


def _rattler_version() -> str:
    from importlib.util import find_spec

    found = find_spec("rattler")
    if found is None or found.origin is None:
        return ""
    packages = os.path.dirname(os.path.dirname(found.origin))
    names = (name for name in os.listdir(packages) if name.startswith("py_rattler-"))
    return next(names, "").removeprefix("py_rattler-").removesuffix(".dist-info")


def _channels(spec: EnvSpec, context: Context) -> dict[str, Any]:
    """Channels as they are stated; where names stand for something, also what conda's configuration says."""
    from kern_conda.channels import is_placed
    from kern_conda.secrets import without_secrets

    stated = spec.options.channels
    result: dict[str, Any] = {"channels": [without_secrets(name) for name in stated]} if stated else {}
    named = [text.rpartition("::")[0].strip() for text in spec.options.conda_deps if "::" in text]
    if stated and all(map(is_placed, (*stated, *named))):
        return result
    return {**result, **_configuration(context)}


def _configuration(context: Context) -> dict[str, str]:
    """Digest what decides about the names of channels: files may hold tokens, so not their text."""
    from kern_conda.condarc import condarc_files

    result = {}
    for path in condarc_files(context.environ):
        from hashlib import sha256

        with open(path, "rb") as file:
            result[f"content of {path}"] = sha256(file.read()).hexdigest()
    names = ("CONDA_CHANNELS", "CONDA_CHANNEL_ALIAS")
    return {**result, **{name: context.environ[name] for name in names if context.environ.get(name)}}


def _machine(context: Context) -> Iterator[tuple[str, str]]:
    for name in sorted(context.environ):
        if name.startswith("CONDA_OVERRIDE_"):
            yield name, context.environ[name]


def _files(spec: EnvSpec) -> dict[str, str]:
    options = spec.options
    result: dict[str, str] = {}
    entries = (*options.deps, *(f"-c {path}" for path in options.constraints))
    if options.environment_file:
        from kern_conda.environment_file import pip_files, read_text

        text = read_text(options.environment_file, spec.project_dir)
        result[f"content of {options.environment_file}"] = text
        entries += pip_files(text, options.environment_file)
    if spec.lock is not None:
        from kern_conda.lock_pypi import pylock_beside

        result["content of the lock file"] = _lock(spec.lock)
        beside = pylock_beside(spec.lock, spec.name)
        if os.path.exists(beside):
            result["content of the lock file for PyPI"] = _lock(beside)
    if not entries:
        return result
    from kern_venv.api import contents

    found = contents(entries, spec.project_dir, f"deps of {spec.name}")
    return {**result, **{f"content of {path}": text for path, text in found.items()}}


def _lock(path: str) -> str:
    from hashlib import sha256

    from kern.api import ConfigError

    try:
        with open(path, "rb") as file:
            return sha256(file.read()).hexdigest()
    except OSError as error:
        raise ConfigError(f"the lock file {path} can't be read: {error.strerror}", where=path) from None


def _groups(spec: EnvSpec) -> dict[str, Any]:
    if not spec.options.dependency_groups:
        return {}
    from kern_venv.api import group_contents

    found = group_contents(spec.options.dependency_groups, spec.project_dir)
    chosen = {"dependency_groups": list(spec.options.dependency_groups)}
    return {**chosen, **{f"dependency group {name}": members for name, members in found.items()}}
