"""From a source tree to a built file: environment, hook for extra requirements, build; each remembered or reused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import StepFailed
from kern_wheel.backend import BackendMissing, Job, produce, required_by_backend
from kern_wheel.build_environment import BuildEnvironment, build_environment
from kern_wheel.bytecode import forget_cut_bytecode
from kern_wheel.generations import write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern_venv.api import Interpreter

_TOLD_BY = (".py", ".toml", ".cfg", ".txt", ".in", ".ini", ".build")
"""Endings of the files in the root of a tree that a hook may take extra requirements from."""


def build(job: Job, interpreter: Interpreter) -> str:
    """Build into ``context.output_dir``.

    Returns:
        Absolute path of the built file.

    Raises:
        ConfigError: a requirement of the build-system table is not one.
        StepFailed: the build environment could not be made, or the backend failed.
    """
    where = f"{job.system.where}.requires"
    used: dict[str, BuildEnvironment] = {}

    def environment(extra: tuple[str, ...], broken: str = "") -> BuildEnvironment:
        wanted = (*job.system.requires, *extra)
        found = build_environment(wanted, interpreter, job.context, where=where, broken=broken)
        used[found.location] = found
        return found

    try:
        return _build_with_backend(job, environment)
    except StepFailed:
        if not forget_cut_bytecode(used.values(), job.context):
            raise
    job.context.say("the build environment held compiled modules that were cut off, as on a full disk: once more")
    try:
        return _build_with_backend(job, environment)
    except StepFailed:
        forget_cut_bytecode(used.values(), job.context)
        raise


def _build_with_backend(job: Job, environment: Callable[..., BuildEnvironment]) -> str:
    """Build, in a new environment if the backend can't be imported from the one that was there."""
    try:
        return _build_in(job, environment)
    except BackendMissing as missing:
        lost = missing.environment
        if not lost.reused or not job.system.requires:
            raise
        job.context.say("the build environment has lost the backend and is made anew")
        return _build_in(job, lambda extra: environment(extra, lost.location))


def _build_in(job: Job, environment: Callable[[tuple[str, ...]], BuildEnvironment]) -> str:
    base = environment(())
    memory = _memory(job, base)
    extra = _remembered(memory)
    remembered = extra is not None
    if extra is None:
        extra = _ask(job, base, memory)
    try:
        return produce(job, environment(extra) if extra else base)
    except BackendMissing:
        raise
    except StepFailed:
        # The answer may have depended on more than the files in the root: ask before the failure is believed.
        again = _ask(job, base, memory) if remembered else extra
        if again == extra:
            raise
    return produce(job, environment(again) if again else base)


def _ask(job: Job, base: BuildEnvironment, memory: str) -> tuple[str, ...]:
    """Ask the backend what it needs beyond the table, and remember the answer."""
    answer = required_by_backend(job, base)
    extra = tuple(each for each in dict.fromkeys(answer) if each not in job.system.requires)
    if memory:
        write_json(memory, list(extra))
    return extra


def _memory(job: Job, base: BuildEnvironment) -> str:
    """Where the answer is remembered: it goes with the environment, so with the backend's version.

    An in-tree backend may look anywhere; its answers are not remembered.
    """
    if job.system.backend_path:
        return ""
    import hashlib
    import json

    digest = hashlib.sha256(json.dumps([job.kind, job.system.backend, sorted(job.config_settings.items())]).encode())
    for entry in sorted(os.scandir(job.tree), key=lambda each: each.name):
        if entry.name.endswith(_TOLD_BY) and entry.is_file():
            digest.update(os.fsencode(entry.name) + b"\0")
            with open(entry.path, "rb") as stream:
                digest.update(hashlib.sha256(stream.read()).digest())
    return os.path.join(base.location, "kern-hooks", f"{digest.hexdigest()}.json")


def _remembered(memory: str) -> tuple[str, ...] | None:
    if not memory:
        return None
    import json

    try:
        with open(memory, encoding="utf-8") as stream:
            value = json.load(stream)
    except (OSError, ValueError):
        return None
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return tuple(value) if is_list else None
