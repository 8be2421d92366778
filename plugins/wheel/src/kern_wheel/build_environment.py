"""kern's own isolated build environments, kept in the user's cache and shared by all projects.

An environment is found by what was asked for: requirements, interpreter and package index. Requirements are seldom
pinned (``hatchling``), so after `REFRESH_AFTER` they are resolved again; if that fails, for want of a network say,
the old environment serves on. See `kern_wheel.generations` for the files.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from kern.api import ConfigError, StepFailed
from kern_venv import api as venv
from kern_wheel import generations
from kern_wheel.generations import DAY, Marker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kern.api import Context
    from kern_venv.api import Interpreter

REFRESH_AFTER = 7 * DAY
"""An environment older than this is resolved anew: a week is how stale ``requires = ["hatchling"]`` may get."""
_STARTED = time.time()
_FORMAT = 1
_INDEX_VARIABLES = (
    "PIP_CONSTRAINT", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_NO_INDEX", "PIP_PRE",
    "UV_BUILD_CONSTRAINT", "UV_CONSTRAINT", "UV_DEFAULT_INDEX", "UV_EXCLUDE_NEWER", "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL", "UV_PRERELEASE", "UV_RESOLUTION",
)  # fmt: skip


class BuildEnvironment(NamedTuple):
    """An environment to call a build backend in. ``reused``: it was there before this call."""

    location: str
    python: str
    reused: bool


def build_environment(
    requirements: Iterable[str], interpreter: Interpreter, context: Context, *, where: str, broken: str = ""
) -> BuildEnvironment:
    """Find or make the environment that holds some requirements.

    Args:
        requirements: PEP 508 requirements; order and repetition do not matter.
        interpreter: what it is made from.
        context: lends the cache, the lock and the processes.
        where: file and key that the requirements come from, for messages.
        broken: location of one that looks whole and has proved otherwise; it is not given out again.

    Raises:
        ConfigError: a requirement is not one.
        StepFailed: it could not be made.
    """
    wanted = tuple(sorted(set(requirements)))
    key = _key(wanted, interpreter, context)
    home = os.path.join(_all(context), key)
    usable = _usable(home, wanted, interpreter, broken)
    if usable is not None and _is_fresh(usable, context):
        return _use(usable)
    _check(wanted, where)
    with context.lock(f"build-environment-{key}"):
        usable = _usable(home, wanted, interpreter, broken)
        if usable is not None and _is_fresh(usable, context):
            return _use(usable)  # somebody else made it while this waited
        environment = _make_or_keep(home, wanted, interpreter, context, usable)
    prune(context)
    return environment


def prune(context: Context) -> None:
    """Throw away what nobody has used for `generations.UNUSED_FOR`."""
    everything = _all(context)
    for key in os.listdir(everything) if os.path.isdir(everything) else ():
        home = os.path.join(everything, key)
        if not generations.is_stale(home):
            continue
        with context.lock(f"build-environment-{key}"):
            if generations.is_stale(home):
                generations.remove(home)


def _all(context: Context) -> str:
    return os.path.join(context.cache_dir, "build-environments")


def _key(wanted: tuple[str, ...], interpreter: Interpreter, context: Context) -> str:
    """A directory name for what decides an environment's content, except time and the interpreter's inside."""
    import hashlib
    import json

    indexes = [(name, context.environ[name]) for name in _INDEX_VARIABLES if name in context.environ]
    content = json.dumps([_FORMAT, wanted, interpreter.path, interpreter.implementation, interpreter.version, indexes])
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _usable(home: str, wanted: tuple[str, ...], interpreter: Interpreter, broken: str) -> Marker | None:
    """The newest generation, if it was made from today's interpreter and its base is still there."""
    for marker in generations.markers(home)[:1]:
        same = marker.requirements == wanted and marker.interpreter == (interpreter.path, interpreter.identity)
        whole = os.path.isfile(os.path.join(marker.location, "pyvenv.cfg")) and os.access(marker.python, os.X_OK)
        if same and whole and marker.location != broken:
            return marker
    return None


def _is_fresh(marker: Marker, context: Context) -> bool:
    if context.recreate and marker.made < _STARTED:
        return False
    return abs(time.time() - marker.made) < REFRESH_AFTER


def _use(marker: Marker, *, reused: bool = True) -> BuildEnvironment:
    if reused:
        generations.touch_marker(marker, time.time())
    return BuildEnvironment(marker.location, marker.python, reused)


def _check(wanted: tuple[str, ...], where: str) -> None:
    """Refuse what is no requirement before an installer could take it for an option of its own."""
    from packaging.requirements import InvalidRequirement, Requirement

    for requirement in wanted:
        try:
            Requirement(requirement)
        except InvalidRequirement as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(f"{requirement!r} is no requirement (PEP 508): {reason}", where=where) from None


def _make_or_keep(
    home: str, wanted: tuple[str, ...], interpreter: Interpreter, context: Context, old: Marker | None
) -> BuildEnvironment:
    """Make a new generation; where that fails and an old one is merely old, keep that."""
    generations.sweep(home, old)
    try:
        marker = _make(home, wanted, interpreter, context)
    except StepFailed as failed:
        if old is None or context.recreate:
            raise
        context.say(f"the build environment could not be refreshed, the old one serves on: {failed.message}")
        return _use(old)
    if old is not None:
        generations.retire(old)
    return _use(marker, reused=False)


def _make(home: str, wanted: tuple[str, ...], interpreter: Interpreter, context: Context) -> Marker:
    location = generations.new_location(home)
    os.makedirs(location)
    try:
        python = venv.make_virtual_environment(location, interpreter, context)
        if wanted:
            venv.install(python, wanted, context, prefix=location)
        there = venv.installed(location) if wanted else {}
        marker = Marker(location, wanted, there, (interpreter.path, interpreter.identity), time.time())
        generations.write_marker(marker)
    except BaseException:
        generations.remove(location)
        raise
    return marker
