"""What activating a prefix means.

As conda does it (https://docs.conda.io/projects/conda/en/stable/dev-guide/deep-dives/activation.html): ``bin`` comes
first on ``PATH``; the variables ``CONDA_...`` say which environment is active; packages set variables by
``etc/conda/env_vars.d``, the user by ``conda env config vars`` (``conda-meta/state``), which wins; then the scripts of
``etc/conda/activate.d`` are sourced by name, and those of ``deactivate.d`` in the opposite order when it is over.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from kern.api import Activation, StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.api import Context

UNSET = "***unset***"
"""The value by which ``conda env config vars unset`` takes a variable away that packages set."""

_OF_THE_ACTIVE = ("CONDA_PREFIX", "CONDA_SHLVL", "CONDA_DEFAULT_ENV", "CONDA_PROMPT_MODIFIER", "CONDA_STACKED_")
_OF_OTHER_KINDS = ("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PYTHONHOME")


class Change(NamedTuple):
    """Variables that an activation sets and unsets before any script is sourced."""

    set: dict[str, str]
    unset: tuple[str, ...]


@contextmanager
def activated(prefix: str, mode: str, context: Context) -> Iterator[Activation]:
    """Activate a prefix.

    Args:
        prefix: absolute path of the environment.
        mode: ``snapshot`` or ``wrap``, see the option ``activation``.
        context: ``context.environ`` is what is changed.

    Raises:
        StepFailed: a script ended the shell, or a file of variables is damaged.
    """
    from kern_shell.api import prefix_delta, sourced, wrapped

    change = change_for(prefix, context.environ, os.environ)
    enter, leave = scripts(prefix)
    if mode == "wrap":
        after = {name: value for name, value in context.environ.items() if name not in change.unset} | change.set
        yield Activation(prefix_delta(context.environ, after), wrapped(enter, leave))
        return
    with sourced(
        context,
        title=f"activating {prefix}",
        enter=enter,
        leave=leave,
        set=change.set,
        unset=change.unset,
        lock=lock_name(prefix),
    ) as delta:
        yield Activation(delta)


def change_for(prefix: str, environ: Mapping[str, str], host: Mapping[str, str]) -> Change:
    """What an activation changes by itself.

    Args:
        prefix: absolute path of the environment.
        environ: what commands see without the activation.
        host: what kern sees: an environment that is active there is left, since ours would come to lie on top of it.
    """
    stale = [name for name in environ if name.startswith(_OF_THE_ACTIVE) or name.startswith("__CONDA_SHLVL_")]
    name = display_name(prefix)
    values = {
        **stated_variables(prefix),
        "PATH": search_path(prefix, environ, host),
        "CONDA_PREFIX": prefix,
        "CONDA_SHLVL": "1",
        "CONDA_DEFAULT_ENV": name,
        "CONDA_PROMPT_MODIFIER": f"({name}) ",
    }
    return Change(values, tuple(name for name in (*stale, *_OF_OTHER_KINDS) if name not in values))


def search_path(prefix: str, environ: Mapping[str, str], host: Mapping[str, str]) -> str:
    """``PATH`` with the prefix's programs first and those of an environment that is active already left out."""
    active = {
        os.path.join(value, "bin")
        for variables in (environ, host)
        for name, value in variables.items()
        if value and (name == "CONDA_PREFIX" or name.startswith("CONDA_PREFIX_"))
    }
    programs = os.path.join(prefix, "bin")
    present = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join([programs, *(path for path in present if path not in {programs, *active})])


def display_name(prefix: str) -> str:
    """What conda calls an environment: ``base``, the name of its directory below ``envs``, or its whole path."""
    above, name = os.path.split(prefix)
    if os.path.basename(above) == "envs":
        return name
    return "base" if os.path.isdir(os.path.join(prefix, "condabin")) else prefix


def stated_variables(prefix: str) -> dict[str, str]:
    """The variables that packages and the user have stated for a prefix.

    Raises:
        StepFailed: a file is damaged.
    """
    values: dict[str, object] = {}
    for path in _listed(prefix, "env_vars.d", ".json"):
        values.update(_table(path))
    state = os.path.join(prefix, "conda-meta", "state")
    if os.path.isfile(state):
        mine = _table(state).get("env_vars") or {}
        values.update(mine if isinstance(mine, dict) else {})
    return {name: str(value) for name, value in values.items() if value != UNSET}


def scripts(prefix: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The scripts to source on entering and on leaving, in order."""
    enter = _listed(prefix, "activate.d", ".sh")
    leave = _listed(prefix, "deactivate.d", ".sh")
    return tuple(enter), tuple(reversed(leave))


def lock_name(prefix: str) -> str:
    """The name of the lock under which scripts of a prefix run: they may write into it."""
    import zlib

    path = os.fsencode(os.path.realpath(prefix))
    return f"activation-{zlib.crc32(path):08x}"


def _listed(prefix: str, folder: str, suffix: str) -> list[str]:
    place = os.path.join(prefix, "etc", "conda", folder)
    try:
        names = sorted(name for name in os.listdir(place) if name.endswith(suffix))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [path for name in names if os.path.isfile(path := os.path.join(place, name))]


def _table(path: str) -> dict[str, object]:
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError) as error:
        raise StepFailed(f"a file of variables can't be read: {error}", where=path, hint="mend or remove it") from None
    return value if isinstance(value, dict) else {}
