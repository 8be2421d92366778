"""Everything that the content of an environment depends on, read anew in each run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern_venv.interpreters import interpreter_for
from kern_venv.programs import check_installer, choose_installer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Context, EnvSpec


def make_fingerprint(spec: EnvSpec, context: Context) -> Mapping[str, Any]:
    """List what an environment depends on: names as a user knows them to JSON values.

    The address of an index is not among it, nor the release of uv or pip: another one is no reason to install again.

    Raises:
        ConfigError: a file or a group that the options name is not there.
    """
    options = spec.options
    check_installer(options.installer)
    result: dict[str, Any] = _interpreter(spec, context)
    stated = {
        "deps": options.deps,
        "extras": options.extras,
        "constraints": options.constraints,
        "pylock": options.pylock,
        "system_site_packages": options.system_site_packages,
    }
    for name, value in stated.items():
        if value:
            result[name] = list(value) if isinstance(value, tuple) else value
    return {**result, **_files(spec), **_groups(spec), **_lock(spec)}


def _interpreter(spec: EnvSpec, context: Context) -> dict[str, Any]:
    found = interpreter_for(spec, context.environ)
    if found is None:
        return {"interpreter": None}
    installer = choose_installer(spec.options.installer, found, context.environ)
    return {"interpreter": f"{found.path} {found.identity}", "installer": installer}


def _files(spec: EnvSpec) -> dict[str, str]:
    options = spec.options
    if not options.deps and not options.constraints:
        return {}
    from kern_venv.dependencies import contents

    in_deps = contents(options.deps, spec.project_dir, f"deps of {spec.name}")
    constraints = [f"-c {path}" for path in options.constraints]
    in_constraints = contents(constraints, spec.project_dir, f"constraints of {spec.name}")
    return {f"content of {path}": text for path, text in {**in_deps, **in_constraints}.items()}


def _groups(spec: EnvSpec) -> dict[str, Any]:
    if not spec.options.dependency_groups:
        return {}
    from kern_venv.groups import group_contents

    found = group_contents(spec.options.dependency_groups, spec.project_dir)
    chosen = {"dependency_groups": list(spec.options.dependency_groups)}
    return {**chosen, **{f"dependency group {name}": members for name, members in found.items()}}


def _lock(spec: EnvSpec) -> dict[str, str]:
    if spec.lock is not None:
        return {"lock": _digest(spec.lock)}
    if not spec.options.pylock:
        return {}
    from kern_venv.dependencies import read_file
    from kern_venv.locks import check_lock, lock_path

    check_lock(spec.options)
    return {f"content of {spec.options.pylock}": read_file(lock_path(spec), f"pylock of {spec.name}")}


def _digest(path: str) -> str:
    from hashlib import sha256

    from kern_venv.dependencies import read_file

    return sha256(read_file(path, "--locked").encode("utf-8", "surrogateescape")).hexdigest()
