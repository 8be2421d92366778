"""Writing the lock files of a conda environment: conda-lock for conda's packages, uv for what comes from PyPI."""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from kern.api import Command, StepFailed
from kern_conda.lock_files import comment_of_inputs
from kern_conda.lock_inputs import CONDA, lock_platforms
from kern_conda.private_files import write_private
from kern_conda.secrets import secrets_of
from kern_conda.wishes import gather_wishes, question_of, spec_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, EnvSpec
    from kern_conda.logins import Logins
    from kern_conda.questions import Question, Record

_PROBLEM = ".problem"


class _Task(NamedTuple):
    """What conda-lock is to do."""

    question: Question
    platforms: tuple[str, ...]
    preferred: Mapping[str, Sequence[Record]]


def lock_environment(
    spec: EnvSpec,
    path: str,
    inputs: Mapping[str, Any],
    artifact: Artifact | None,
    upgrade: Sequence[str] | None,
    context: Context,
) -> None:
    """Lock what a conda environment gets; see `kern.api.Locker.lock`."""
    from kern_conda.condarc import read_condarc
    from kern_conda.lock_pypi import lock_pypi

    condarc = read_condarc(context.environ)
    python = artifact is not None and artifact.kind != CONDA
    if spec.options.extras and artifact is not None and not python:
        raise StepFailed(
            "the extras of a conda package can't be locked",
            where=f"extras of {spec.name}",
            hint="name what they need in conda_deps or deps, or test this environment with a wheel",
        )
    wishes = gather_wishes(spec, condarc, python=python)
    question = question_of(spec, wishes, offline=spec.options.offline or condarc.offline)
    depends = artifact.requirements if artifact is not None and artifact.kind == CONDA else ()
    pip = ("pip",) if spec.options.installer == "pip" and (wishes.pypi or python) else ()
    question = question._replace(specs=(*question.specs, *depends, *pip))
    platforms = lock_platforms(spec)
    draft = _run(_Task(question, platforms, _preferred(path, platforms, upgrade, context)), context)
    lock_pypi(spec, wishes.pypi, draft, path, artifact if python else None, upgrade, context)
    _publish(draft, path, inputs, wishes.channels)


def _preferred(
    path: str, platforms: Sequence[str], upgrade: Sequence[str] | None, context: Context
) -> dict[str, list[Record]]:
    """The packages of the lock that is there, as far as they are to be kept; what can't be read is made anew."""
    from kern_conda.requests import read_lock

    found: dict[str, list[Record]] = {}
    if upgrade is None or not os.path.exists(path):
        return found
    for platform in platforms:
        with suppress(StepFailed):
            records = read_lock(path, platform, context).records
            found[platform] = [_with_channel(record) for record in records if record["name"] not in upgrade]
    return found


def _with_channel(record: Record) -> Record:
    """Say which channel a record is from; a lock file has only the whole address: ``CHANNEL/SUBDIR/FILE``."""
    return {**record, "channel": record.get("channel") or record["url"].rsplit("/", 2)[0]}


def _run(task: _Task, context: Context) -> str:
    """Have conda-lock write a lock file; its path."""
    from kern_conda.lock_tool import conda_lock_python
    from kern_conda.logins import lent, logins_of
    from kern_conda.network import mask_secrets, worker_environ

    python = conda_lock_python(context)
    mask_secrets({"question": task.question._asdict()}, context)
    logins = logins_of(task.question.channels)
    folder = os.path.join(context.work_dir, "conda-lock")
    os.makedirs(folder, exist_ok=True)
    draft = os.path.join(folder, "draft.conda-lock.yml")
    described = _write_environment(task, logins, folder)
    with lent(logins, worker_environ(context), context.work_dir) as environ:
        asked = _write_request(task, logins, environ, folder, context)
        options = ["--conda", _write_shim(asked, folder), "--file", described, "--lockfile", draft]
        argv = (python, "-m", "conda_lock", "lock", "--log-level", "WARNING", *options)
        try:
            context.run(Command(argv=argv, cwd=folder, environ={**environ, "NO_COLOR": "1"}))
        except StepFailed as error:
            raise _failed(asked, error) from None
        finally:
            os.unlink(asked)  # it may hold tokens
    return draft


def _failed(asked: str, error: StepFailed) -> StepFailed:
    """In the solver's words, where it is the solver that failed."""
    try:
        with open(asked + _PROBLEM, encoding="utf-8") as file:
            told = json.load(file)
    except FileNotFoundError:
        return StepFailed("conda-lock failed", log=error.log, tail=error.tail)
    message = f"{told['message']} on {told['platform']}"
    return StepFailed(message, where=told["where"], hint=told["hint"], log=error.log, tail=told["tail"])


def _write_request(task: _Task, logins: Logins, environ: Mapping[str, str], folder: str, context: Context) -> str:
    from kern_conda.asking import machine

    request = logins.without({"question": task.question._asdict(), "preferred": task.preferred})
    path = os.path.join(folder, "request.json")
    write_private(path, json.dumps({**request, "machine": machine(context, environ, logins)}))
    with suppress(FileNotFoundError):
        os.unlink(path + _PROBLEM)
    return path


def _write_shim(asked: str, folder: str) -> str:
    """Write the program that conda-lock calls; a shell's script, since the path of an interpreter may have spaces."""
    path = os.path.join(folder, "conda")
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lock_shim.py")
    write_private(path, f'#!/bin/sh\nexec {shlex.join((sys.executable, "-I", "-S", program, asked))} "$@"\n', 0o700)
    return path


def _write_environment(task: _Task, logins: Logins, folder: str) -> str:
    """Write the environment file that conda-lock demands: names alone, the shim knows the rest. JSON is YAML too."""
    path = os.path.join(folder, "environment.yml")
    names = list(dict.fromkeys(map(spec_name, task.question.specs)))
    channels = list(logins.without(task.question.channels))
    content = {"channels": channels, "dependencies": names, "platforms": list(task.platforms)}
    write_private(path, json.dumps(content, indent=1))
    return path


def _publish(draft: str, path: str, inputs: Mapping[str, Any], channels: Sequence[str]) -> None:
    """Put what conda-lock wrote in its place, with what it answers; its own comment names commands that don't fit."""
    with open(draft, encoding="utf-8") as file:
        lines = file.readlines()
    body = "".join(line for line in lines if not line.startswith("#"))
    if any(secret in body for url in channels for secret in secrets_of(url)):
        raise StepFailed(
            "the lock would hold the password or token of a channel",
            where="channels",
            hint="keep it out of the address: a file that RATTLER_AUTH_FILE names can hold it",
        )
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(comment_of_inputs(inputs) + body.lstrip("\n"))
        os.replace(part, path)
    except OSError as error:
        raise StepFailed(f"the lock file can't be written: {error.strerror}", where=path) from None
    finally:
        with suppress(OSError):
            os.unlink(part)
