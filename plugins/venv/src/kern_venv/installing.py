"""Putting requirements and artifacts into an environment: one resolution, by uv or by the environment's own pip."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from kern.api import StepFailed
from kern_venv.dependencies import CONSTRAINT, EDITABLE, FILE, OPTION, Entry, located, parse_entry
from kern_venv.groups import canonical
from kern_venv.identity import Identity, verify_prefix
from kern_venv.installed import forget_bytecode, installed
from kern_venv.pip_config import read_pip_settings
from kern_venv.programs import UV_OLDEST, check_installer, find_uv, pip_environ, tool_environ
from kern_venv.uv_config import UvSettings, secrets_in, uv_names_indexes, uv_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Context

_FLAGS = {FILE: ("-r",), CONSTRAINT: ("-c",), EDITABLE: ("-e",)}


class Target(NamedTuple):
    """What is installed into, and by whom: an interpreter's path, what it says of itself, ``uv`` or ``pip``.

    ``whole`` is true for a prefix with a Python of its own, which no virtual environment has.
    """

    python: str
    identity: Identity
    installer: str
    whole: bool = False


def install(
    python: str,
    requirements: Sequence[str],
    context: Context,
    *,
    prefix: str,
    constraints: Sequence[str] = (),
    artifacts: Sequence[str] = (),
    installer: str = "auto",
    extra_arguments: Sequence[str] = (),
    keep: Mapping[str, str] | None = None,
) -> None:
    """Install requirements and artifacts into an environment, resolved together.

    Args:
        python: absolute path of the environment's interpreter.
        requirements: as in ``deps``: requirements, ``-r FILE``, ``-c FILE``, ``-e PATH``, paths; relative to the
            project.
        context: runs the processes.
        prefix: absolute path of the environment.
        constraints: constraint files, relative to the project.
        artifacts: direct references (``name[extra] @ file:///...``); replaced even where the same version is installed.
        installer: ``uv``, ``pip`` or ``auto``: uv where it is present and serves the interpreter.
        extra_arguments: passed to ``pip install`` or ``uv pip install`` as they are.
        keep: says that ``prefix`` is no virtual environment but has a Python of its own, and which distributions there
            came from elsewhere (names to versions): they count as installed and are never replaced.

    Raises:
        StepFailed: the interpreter would write into something else than ``prefix``, or the installer failed.
    """
    if not requirements and not artifacts:
        return
    target = choose_target(python, prefix, context, installer, whole=keep is not None)
    limits = (*constraints, *_written_constraints(keep or {}, artifacts, context))
    entries = [*map(parse_entry, requirements), *(Entry(CONSTRAINT, path) for path in limits)]
    try:
        _install(target, prefix, (*extra_arguments, *_arguments(entries, context)), artifacts, context, keep or {})
    finally:
        forget_secrets(context)


def _install(
    target: Target,
    prefix: str,
    arguments: Sequence[str],
    artifacts: Sequence[str],
    context: Context,
    keep: Mapping[str, str],
) -> None:
    replaced = {name_in(artifact) for artifact in artifacts} & set(installed(prefix))
    if target.installer == "uv":
        forget_bytecode(prefix, replaced)
        renewed = (f"--reinstall-package={name_in(artifact)}" for artifact in artifacts)
        run_uv(target, (*renewed, *arguments, *artifacts), context)
        if context.distrust:
            _heal(target, prefix, (*arguments, *artifacts), context, keep)
        return
    run_pip(target, (*arguments, *artifacts), context)
    if replaced:
        run_pip(target, ("--force-reinstall", "--no-deps", *artifacts), context)


def choose_target(python: str, prefix: str, context: Context, installer: str, *, whole: bool = False) -> Target:
    """Make sure where an interpreter installs, and decide by whom; ``whole`` as in `Target`.

    Raises:
        StepFailed: it would install into something else than ``prefix``.
    """
    check_installer(installer)
    who = verify_prefix(python, prefix, context, whole=whole)
    if installer == "auto":
        installer = "uv" if who.version >= UV_OLDEST and find_uv(context.environ) else "pip"
    return Target(python, who, installer, whole)


def run_uv(target: Target, arguments: Sequence[str], context: Context) -> None:
    """Run ``uv pip install`` for a target, with pip's configuration in force.

    Raises:
        StepFailed: uv is not there, or failed.
    """
    from kern.api import Command

    uv = find_uv(context.environ)
    if uv is None:
        raise StepFailed("uv is not installed", hint="install uv, or say installer = 'pip'")
    settings = uv_settings_of(arguments, context)
    own = ("--break-system-packages",) if target.whole else ()
    argv = (uv, "pip", "install", "--python", target.python, *own, *settings.arguments, *arguments)
    context.run(Command(argv=argv, cwd=context.project_dir, environ=settings.environ))


def _heal(target: Target, prefix: str, arguments: Sequence[str], context: Context, keep: Mapping[str, str]) -> None:
    """Install once more, from the index instead of from uv's cache.

    uv links files into environments: who changes one in place changes the cache, and every later environment gets it.
    Where nothing could be fetched again the cache is left as it is.
    """
    from kern.api import Command

    uv = find_uv(context.environ)
    settings = _settings(context)
    offline = settings.environ.get("UV_OFFLINE") and not settings.environ.get("UV_NO_INDEX")
    kept = set(map(canonical, keep))
    names = tuple(name for name in installed(prefix) if name not in kept)
    if uv is None or offline or not names:
        return
    context.run(Command(argv=(uv, "cache", "clean", "--quiet", *names), environ=settings.environ), check=False)
    renewed = tuple(f"--reinstall-package={name}" for name in names) if kept else ("--reinstall",)
    run_uv(target, (*renewed, *arguments), context)


def run_pip(target: Target, arguments: Sequence[str], context: Context) -> None:
    """Run ``pip install`` of the environment itself.

    Raises:
        StepFailed: pip is not there, or failed.
    """
    from kern.api import Command

    environ = pip_environ(context.environ)
    if target.whole:
        environ |= {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    _mask(environ, arguments, context)
    isolation = ("-I",) if target.identity.version >= (3,) else ("-E", "-s")
    argv = (target.python, *isolation, "-m", "pip", "install", *arguments)
    context.run(Command(argv=argv, cwd=context.project_dir, environ=environ))


def uv_settings_of(arguments: Sequence[str], context: Context) -> UvSettings:
    """Give what a uv process gets, with pip's configuration in force; secrets in it are masked from now on."""
    settings = _settings(context)
    _mask(settings.environ, arguments, context)
    return settings


def _settings(context: Context) -> UvSettings:
    environ = tool_environ(context.environ)
    own = uv_names_indexes(environ, context.project_dir)
    return uv_settings(read_pip_settings(environ), environ, own_indexes=own)


def _mask(environ: dict[str, str], arguments: Sequence[str], context: Context) -> None:
    for secret in secrets_in(environ):
        context.ask_secret(secret)
    for secret in secrets_in(tuple(arguments)):
        context.ask_secret(secret)


def _arguments(entries: Sequence[Entry], context: Context) -> tuple[str, ...]:
    """Say entries as arguments; what holds a password, or is an option, goes through a file of its own."""
    arguments: list[str] = []
    lines: list[str] = []
    for entry in entries:
        words = (*_FLAGS.get(entry.kind, ()), located(entry, context.project_dir))
        hidden = list(secrets_in((entry.value,)))
        for secret in hidden:
            context.ask_secret(secret)
        if hidden or entry.kind == OPTION:
            lines.append(" ".join(words))
        else:
            arguments += words
    return (*arguments, *(("-r", write_lines(lines, context)) if lines else ()))


def _written_constraints(keep: Mapping[str, str], artifacts: Sequence[str], context: Context) -> tuple[str, ...]:
    """Hold what is there at its version; but not what is replaced, the package under test."""
    replaced = set(map(name_in, artifacts))
    lines = [f"{name}=={version}" for name, version in keep.items() if canonical(name) not in replaced]
    return (write_lines(lines, context, "constraints-of-kern.txt"),) if lines else ()


def write_lines(lines: Sequence[str], context: Context, name: str = "requirements-of-kern.txt") -> str:
    """Write a file for one step where nobody else can read it: an address may hold a password."""
    path = os.path.join(context.work_dir, name)
    if os.path.lexists(path):
        os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    return path


def forget_secrets(context: Context) -> None:
    """Delete the files of `write_lines` that hold a password: what a step that failed leaves behind stays for days."""
    for name in os.listdir(context.work_dir):
        path = os.path.join(context.work_dir, name)
        if not name.startswith("requirements-") or not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8") as file:
            holds = any(secrets_in(tuple(file)))
        if holds:
            os.unlink(path)


def name_in(reference: str) -> str:
    """Read the canonical name from a direct reference: ``name[extra] @ file:///...``."""
    return canonical(reference.partition("@")[0].partition("[")[0].strip())
