"""What a lock file of a virtual environment answers: the configuration in values that mean the same on every machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern_venv.dependencies import CONSTRAINT, FILE, is_url, located, logical_lines, parse_entry, read_file
from kern_venv.groups import group_contents
from kern_venv.interpreters import interpreter_for
from kern_venv.wanted import parse_wanted, wanted_interpreters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kern.api import Artifact, Context, EnvSpec

PLATFORMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
"""Factors that bind an environment to a platform, and what uv calls it."""
_PROVIDED = "Provides-Extra:"
_DOUBTFUL = "sdist "
_DYNAMIC = frozenset(("dependencies", "optional-dependencies"))


def lock_inputs(spec: EnvSpec, context: Context) -> Mapping[str, Any]:
    """List what the lock of an environment depends on, but for what its package requires.

    Raises:
        ConfigError: a file or a group that the options name is not there.
    """
    options = spec.options
    result: dict[str, Any] = {"python": python_version(spec, context)}
    platform = bound_platform(spec)
    if platform:
        result["platform"] = platform
    for name in ("deps", "extras", "constraints"):
        value = [_without_password(text) for text in getattr(options, name)]
        if value:
            result[name] = value
    files = [*options.deps, *(f"-c {path}" for path in options.constraints)]
    result.update(file_digests(files, spec.project_dir, spec.name))
    for name, members in (
        group_contents(options.dependency_groups, spec.project_dir).items() if options.dependency_groups else ()
    ):
        result[f"dependency group {name}"] = [_member(member) for member in members]
    return result


def python_version(spec: EnvSpec, context: Context) -> str:
    """Say which Python an environment is made from, ``3.12``, ``pypy 3.10`` or ``3.13t``; empty if nothing tells."""
    found = interpreter_for(spec, context.environ)
    if found is not None:
        return _spelt(found.implementation, found.version, free_threaded=found.free_threaded)
    for text in wanted_interpreters(spec.options, spec.factors):
        wish = parse_wanted(text)
        if wish is not None and len(wish.version) > 1:
            return _spelt(wish.implementation or "cpython", wish.version, free_threaded=wish.free_threaded)
    return ""


def bound_platform(spec: EnvSpec) -> str:
    """Name the platform that a factor binds an environment to, in uv's words; empty if none does."""
    return next((PLATFORMS[factor] for factor in spec.factors if factor in PLATFORMS), "")


def package_requirements(root: str, artifact: Artifact | None) -> list[str] | None:
    """List what a package requires, in one spelling; ``None`` if only installing it tells.

    An old source distribution's metadata need not be its wheel's (PEP 643): the project's own word counts more.

    Args:
        root: absolute path of its source tree.
        artifact: the package, if it is built.
    """
    reliable = artifact is not None and not any(entry.startswith(_DOUBTFUL) for entry in artifact.requirements)
    stated = None if reliable else stated_requirements(root)
    if artifact is None or stated is not None:
        return stated
    return requirements_of(artifact) or ([] if reliable else None)


def requirements_of(artifact: Artifact) -> list[str]:
    """List what an artifact requires, as its metadata has it, in one spelling."""
    entries = (entry for entry in artifact.requirements if not entry.startswith((_PROVIDED, _DOUBTFUL)))
    return _normalized(entries)


def stated_requirements(root: str) -> list[str] | None:
    """List what a project requires by its own word; ``None`` where its build backend decides.

    https://packaging.python.org/specifications/pyproject-toml: what ``dynamic`` does not name, a backend must not change.
    """
    import tomllib

    try:
        with open(os.path.join(root, "pyproject.toml"), "rb") as file:
            project = tomllib.load(file).get("project")
    except (OSError, ValueError):
        return None
    stated = _stated(project) if isinstance(project, dict) else None
    return None if stated is None else _normalized(stated)


def _stated(project: Mapping[str, Any]) -> list[str] | None:
    """The entries of a ``[project]`` table; ``None`` where they are dynamic, or of a shape that the backend will refuse."""
    extras = project.get("optional-dependencies", {})
    dynamic, *lists = project.get("dynamic", []), project.get("dependencies", [])
    lists += extras.values() if isinstance(extras, dict) else [None]
    if any(not isinstance(each, list) or not all(isinstance(one, str) for one in each) for each in (dynamic, *lists)):
        return None
    if _DYNAMIC.intersection(dynamic):
        return None
    return [*lists[0], *(_of_extra(member, extra) for extra, members in extras.items() for member in members)]


def file_digests(entries: Sequence[str], project_dir: str, environment: str) -> dict[str, str]:
    """Digest all requirement and constraint files that entries lead to.

    Args:
        entries: as in ``deps``.
        project_dir: what they are relative to.
        environment: name of the environment, for messages.

    Returns:
        ``content of PATH``, with the path relative to the project, to a SHA-256.

    Raises:
        ConfigError: a file does not exist or can't be read.
    """
    from hashlib import sha256

    found: dict[str, str] = {}
    pending = [(text, project_dir, f"deps of {environment}") for text in entries]
    while pending:
        text, folder, origin = pending.pop()
        entry = parse_entry(text)
        path = located(entry, folder)
        shown = os.path.relpath(path, project_dir)
        if entry.kind not in (FILE, CONSTRAINT) or is_url(entry.value) or f"content of {shown}" in found:
            continue
        content = read_file(path, origin)
        found[f"content of {shown}"] = sha256(content.encode("utf-8", "surrogateescape")).hexdigest()
        pending += [(line, os.path.dirname(path), shown) for line in logical_lines(content) if line.startswith("-")]
    return dict(sorted(found.items()))


def _spelt(implementation: str, version: tuple[int, ...], *, free_threaded: bool) -> str:
    text = ".".join(map(str, version[:2])) + ("t" if free_threaded else "")
    return text if implementation == "cpython" else f"{implementation} {text}"


def _of_extra(requirement: str, extra: str) -> str:
    from kern_venv.groups import canonical

    text, semicolon, marker = requirement.partition(";")
    condition = f'extra == "{canonical(extra)}"'
    return f"{text} ; ({marker.strip()}) and {condition}" if semicolon else f"{text} ; {condition}"


def _normalized(requirements: Iterable[str]) -> list[str]:
    return sorted({_spelling(text) for text in requirements})


def _spelling(text: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    from kern_venv.groups import canonical

    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        return _without_password(text)
    parsed.name = canonical(parsed.name)
    return _without_password(str(parsed))


def _without_password(text: str) -> str:
    from kern_venv.uv_config import secrets_in

    for secret in secrets_in((text,)) if "@" in text else ():
        text = text.replace(secret, "****")
    return text


def _member(member: object) -> str:
    if isinstance(member, dict):
        return ", ".join(f"{key} {value}" for key, value in member.items())
    return _without_password(str(member))
