"""The ``[build-system]`` table of a source tree (PEP 517 and 518)."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from kern.api import ConfigError
from kern_wheel.source_tree import has_build_files

_LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
_LEGACY_REQUIRES = ("setuptools>=40.8.0",)  # PEP 518 and 517 name these for trees without the table


class BuildSystem(NamedTuple):
    """Who builds a source tree.

    Attributes:
        backend: the build backend as an object reference.
        requires: requirements to import the backend.
        backend_path: where an in-tree backend is imported from, relative to the tree; empty for an installed one.
        where: the file and table this was read from, for messages.
    """

    backend: str
    requires: tuple[str, ...]
    backend_path: tuple[str, ...]
    where: str


def read_build_system(root: str) -> BuildSystem:
    """Read the table, or the defaults that the standards give to a tree without it.

    Args:
        root: absolute path of the source tree.

    Raises:
        ConfigError: there is nothing to build, or the table is not what the standards allow; names file and key.
    """
    path = os.path.join(root, "pyproject.toml")
    if not has_build_files(root):
        raise ConfigError(
            "neither pyproject.toml nor setup.py is here, so there is nothing to build",
            where=root,
            hint='say package = "none" for environments that need no package',
        )
    table = _document(path).get("build-system")
    where = f"{path} build-system"
    if table is None:
        return BuildSystem(_LEGACY_BACKEND, _LEGACY_REQUIRES, (), where)
    if not isinstance(table, dict):
        raise ConfigError("build-system must be a table", where=where)
    if "requires" not in table:
        raise ConfigError("requires is missing from the build-system table (PEP 518)", where=f"{where}.requires")
    return BuildSystem(
        _backend(table, where),
        _strings(table, "requires", where),
        _backend_path(table, root, where),
        where,
    )


def _document(path: str) -> dict[str, Any]:
    import tomllib

    try:
        with open(path, "rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", where=path) from None
    except ValueError as error:
        raise ConfigError(f"is not valid TOML: {error}", where=path) from None


def _backend(table: dict[str, Any], where: str) -> str:
    backend = table.get("build-backend", _LEGACY_BACKEND)
    if not isinstance(backend, str) or not backend.strip():
        raise ConfigError("build-backend must be a string that names a module", where=f"{where}.build-backend")
    return backend


def _strings(table: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{key} must be a list of strings", where=f"{where}.{key}")
    return tuple(value)


def _backend_path(table: dict[str, Any], root: str, where: str) -> tuple[str, ...]:
    paths = _strings(table, "backend-path", where)
    for path in paths:
        resolved = os.path.realpath(os.path.join(root, path))
        inside = os.path.commonpath([os.path.realpath(root), resolved]) == os.path.realpath(root)
        if os.path.isabs(path) or not inside or not os.path.isdir(resolved):
            raise ConfigError(
                f"backend-path {path!r} is not a directory inside the source tree", where=f"{where}.backend-path"
            )
    return paths
