"""Writing a lock file (PEP 751): uv resolves, and what the lock answers is written to its end."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from kern.api import StepFailed
from kern_venv.artifacts import check_extras, direct_reference
from kern_venv.dependencies import CONSTRAINT, EDITABLE, FILE, PATH, Entry, is_url, located, parse_entry
from kern_venv.groups import group_requirements
from kern_venv.interpreters import provided_interpreter
from kern_venv.lock_files import table_of_inputs
from kern_venv.lock_inputs import bound_platform
from kern_venv.programs import UV_OLDEST, find_uv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, EnvSpec


class Resolution(NamedTuple):
    """What uv is asked to resolve.

    Attributes:
        requirements: as in ``deps``, relative to the project.
        constraints: constraint files, relative to the project.
        python: version of the interpreter, major and minor: ``3.12``.
        interpreter: path of the interpreter, for building source distributions; empty for any.
        platform: in uv's words; empty for all platforms.
        omitted: names of distributions that are resolved, but left out of the lock.
        upgrade: names of packages that may get another version; ``None`` for all.
    """

    requirements: Sequence[str]
    constraints: Sequence[str] = ()
    python: str = ""
    interpreter: str = ""
    platform: str = ""
    omitted: Sequence[str] = ()
    upgrade: Sequence[str] | None = ()


def lock_environment(
    spec: EnvSpec,
    path: str,
    inputs: Mapping[str, Any],
    artifact: Artifact | None,
    upgrade: Sequence[str] | None,
    context: Context,
) -> None:
    """Lock what a virtual environment gets; see `kern.api.Locker.lock`."""
    options = spec.options
    found = provided_interpreter(spec, context)
    _check_version(found.version if found else (), spec.name)
    if artifact is not None:
        check_extras(artifact, options.extras)
    package = [direct_reference(artifact, options.extras)] if artifact else []
    wanted = [*options.deps, *group_requirements(options.dependency_groups, spec.project_dir), *package]
    resolution = Resolution(
        requirements=wanted,
        constraints=options.constraints,
        python=inputs["python"].rpartition(" ")[2].removesuffix("t"),
        interpreter=found.path if found else "",
        platform=bound_platform(spec),
        omitted=[artifact.name] if artifact else [],
        upgrade=upgrade,
    )
    write_lock(resolution, path, inputs, context)


def write_lock(resolution: Resolution, path: str, inputs: Mapping[str, Any], context: Context) -> None:
    """Resolve and write a lock file.

    Args:
        resolution: what is resolved.
        path: absolute path of the file, called ``pylock.NAME.toml``; replaced whole or left as it is.
        inputs: what the lock answers; `kern_venv.lock_files.read_inputs` finds them again.
        context: runs uv.

    Raises:
        StepFailed: uv is not there, can't resolve it, or would write a password into the file.
    """
    # Beside its final place, since paths in a lock are relative to it; the name is one that uv takes for a lock's.
    draft = os.path.join(
        os.path.dirname(path), f"pylock.kern~{os.getpid()}~{os.path.basename(path).split('.')[1]}.toml"
    )
    try:
        _seed(draft, path, resolution.upgrade)
        _compile(resolution, draft, context)
        _finish(draft, inputs, context)
        os.replace(draft, path)
    except OSError as error:
        raise StepFailed(f"the lock file can't be written: {error.strerror}", where=path) from None
    finally:
        with suppress(OSError):
            os.unlink(draft)


def _check_version(version: tuple[int, ...], environment: str) -> None:
    if version and version < UV_OLDEST:
        raise StepFailed(
            f"uv, which writes locks, does not know Python {'.'.join(map(str, version[:2]))}",
            where=environment,
            hint="leave this environment out: kern lock --skip",
        )


def _seed(draft: str, path: str, upgrade: Sequence[str] | None) -> None:
    """Give uv the lock that is there: it keeps its versions as far as they fit. One that is damaged has none."""
    if upgrade is None:
        return
    import tomllib

    with suppress(FileNotFoundError, ValueError):
        with open(path, "rb") as file:
            data = file.read()
        if "lock-version" in tomllib.loads(data.decode()):
            with open(draft, "wb") as file:
                file.write(data)


def _compile(resolution: Resolution, draft: str, context: Context) -> None:
    from kern.api import Command
    from kern_venv.installing import forget_secrets, uv_settings_of

    uv = find_uv(context.environ)
    if uv is None:
        raise StepFailed("uv is not installed, and it is what writes locks", hint="install uv")
    settings = uv_settings_of(resolution.requirements, context)
    sources = _sources(resolution, context)
    argv = (uv, "pip", "compile", *sources, *_arguments(resolution), *settings.arguments, "--output-file", draft)
    try:
        context.run(Command(argv=argv, cwd=context.project_dir, environ=settings.environ))
    except StepFailed as error:
        raise StepFailed("uv can't resolve it", log=error.log, tail=error.tail) from None
    finally:
        forget_secrets(context)


def _arguments(resolution: Resolution) -> list[str]:
    arguments = ["--format", "pylock.toml", "--quiet", "--no-header", "--no-python-downloads"]
    arguments += ["--python-platform", resolution.platform] if resolution.platform else ["--universal"]
    arguments += ["--python-version", resolution.python] if resolution.python else []
    arguments += ["--python", resolution.interpreter] if resolution.interpreter else []
    arguments += [f"--no-emit-package={name}" for name in resolution.omitted]
    if resolution.upgrade is None:
        return [*arguments, "--upgrade"]
    return [*arguments, *(f"--upgrade-package={name}" for name in resolution.upgrade)]


def _sources(resolution: Resolution, context: Context) -> list[str]:
    """Say what is wanted as arguments: files by their names, everything else through a file of its own."""
    from kern_venv.installing import write_lines

    entries = [
        *map(parse_entry, resolution.requirements),
        *(Entry(CONSTRAINT, path) for path in resolution.constraints),
    ]
    arguments: list[str] = []
    lines: list[str] = []
    for entry in entries:
        place = located(entry, context.project_dir)
        if entry.kind in (FILE, CONSTRAINT):
            arguments += [place] if entry.kind == FILE else ["-c", place]
        else:
            local = entry.kind in (EDITABLE, PATH) and " " in place and not is_url(place)
            lines.append(("-e " if entry.kind == EDITABLE else "") + (f"file://{quote(place)}" if local else place))
    return [write_lines(lines, context, "requirements-to-lock.in"), *arguments]


def _finish(draft: str, inputs: Mapping[str, Any], context: Context) -> None:
    from kern_venv.installing import uv_settings_of
    from kern_venv.uv_config import secrets_in

    with open(draft, encoding="utf-8") as file:
        text = file.read()
    if any(f"{secret}@" in text for secret in secrets_in(uv_settings_of((), context).environ)):
        raise StepFailed(
            "the lock would hold the password of an index",
            where=draft,
            hint="keep it out of the address: ~/.netrc or a keyring can hold it",
        )
    with open(draft, "w", encoding="utf-8") as file:
        file.write(text + table_of_inputs(inputs))
