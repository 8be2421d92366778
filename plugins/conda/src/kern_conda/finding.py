"""Where conda environments of a name are, and what is in one: looked up in files, as conda does; no process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kern.api import Context

_HISTORY = os.path.join("conda-meta", "history")
_LISTS = ("CONDA_ENVS_DIRS", "CONDA_ENVS_PATH")
_PROGRAMS = ("conda", "mamba")
_USUAL_ROOTS = ("miniforge3", "miniconda3", "mambaforge", "anaconda3", "micromamba")
"""Where installers put themselves, below the home directory, unless they are told otherwise."""
_MACHINE_ROOTS = ("/opt/conda", "/opt/miniconda3", "/opt/miniforge3")


def find_named(name: str, context: Context) -> str:
    """The prefix of a name: ``base``, or an environment of conda, mamba, micromamba, or pixi in this project.

    Args:
        name: of an environment, without any slash.
        context: ``environ`` tells where conda looks, ``project_dir`` where pixi does.

    Returns:
        An absolute path; empty if there is none.

    Raises:
        StepFailed: several have this name; names them.
        ConfigError: a configuration file of conda can't be read.
    """
    if name in (os.curdir, os.pardir):
        return ""
    found: dict[str, str] = {}
    for prefix in _candidates(name, context):
        if os.path.isfile(os.path.join(prefix, _HISTORY)):
            found.setdefault(os.path.realpath(prefix), prefix)
    if len(found) > 1:
        raise StepFailed(
            f"several conda environments are called {name}: {' and '.join(found.values())}",
            where=name,
            hint="give the path of the one that is meant",
        )
    return next(iter(found.values()), "")


def names(context: Context) -> list[str]:
    """The names that `find_named` would find, apart from those that conda has only noted down.

    Raises:
        ConfigError: a configuration file of conda can't be read.
    """
    roots = list(dict.fromkeys(_roots(context.environ)))
    base = ["base"] if any(os.path.isfile(os.path.join(root, _HISTORY)) for root in roots) else []
    places = (*_directories(roots, context.environ), os.path.join(context.project_dir, ".pixi", "envs"))
    found = (name for place in places if os.path.isdir(place) for name in os.listdir(place))
    return base + sorted({name for name in found if _is_there(places, name)})


def _is_there(places: Sequence[str], name: str) -> bool:
    """Whether one of some directories holds an environment of a name."""
    return any(os.path.isfile(os.path.join(place, name, _HISTORY)) for place in places)


def contents(prefix: str) -> dict[str, str]:
    """Name to version of the conda packages in a prefix and of the Python distributions; the former win."""
    from kern_venv.api import installed

    names = os.listdir(os.path.join(prefix, "conda-meta"))
    parts = (name.removesuffix(".json").rsplit("-", 2) for name in names if name.endswith(".json"))
    packages = {part[0]: part[1] for part in parts if len(part) == len(("name", "version", "build"))}
    return dict(sorted({**installed(prefix), **packages}.items()))


def _candidates(name: str, context: Context) -> Iterator[str]:
    roots = list(dict.fromkeys(_roots(context.environ)))
    if name == "base":
        yield from roots
    for directory in _directories(roots, context.environ):
        yield os.path.join(directory, name)
    yield os.path.join(context.project_dir, ".pixi", "envs", name)
    yield from (prefix for prefix in _registered(context.environ) if os.path.basename(prefix) == name)


def _roots(environ: Mapping[str, str]) -> Iterator[str]:
    """Installations of conda, mamba and micromamba."""
    yield from filter(None, (environ.get(name) for name in ("CONDA_ROOT", "CONDA", "MAMBA_ROOT_PREFIX")))
    if environ.get("CONDA_EXE"):
        yield _root_of(environ["CONDA_EXE"])
    for directory in environ.get("PATH", "").split(os.pathsep):
        for program in _PROGRAMS:
            path = os.path.join(directory, program)
            if os.path.isabs(directory) and os.access(path, os.X_OK):
                yield _root_of(os.path.realpath(path))
    yield from (os.path.join(_home(environ), name) for name in _USUAL_ROOTS)
    yield from _MACHINE_ROOTS


def _root_of(program: str) -> str:
    return os.path.dirname(os.path.dirname(program))


def _directories(roots: list[str], environ: Mapping[str, str]) -> Iterator[str]:
    """Directories of named environments."""
    for variable in _LISTS:
        yield from (os.path.expanduser(path) for path in environ.get(variable, "").split(os.pathsep) if path)
    from kern_conda.condarc import condarc_files, read_condarc

    if condarc_files(environ):
        yield from read_condarc(environ).envs_dirs
    yield from (os.path.join(root, "envs") for root in roots)
    yield os.path.join(_home(environ), ".conda", "envs")


def _registered(environ: Mapping[str, str]) -> list[str]:
    """The prefixes that conda has noted down for this user."""
    try:
        with open(os.path.join(_home(environ), ".conda", "environments.txt"), encoding="utf-8") as file:
            return [line.strip() for line in file if line.strip()]
    except (OSError, ValueError):
        return []


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or os.path.expanduser("~")
