"""The engine: which program it is, which variables are its own, and how it is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Command, StepFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Completed, Context

ENGINES = ("podman", "docker")
OWN = ("DOCKER_", "CONTAINER_", "CONTAINERS_", "REGISTRY_AUTH_FILE")
"""How the names of the variables begin that say where an engine is and how it works."""
HOME = ("PATH", "HOME", "TMPDIR", "XDG_")
"""Those by which it finds the user's own things, which commands may have set to something else."""


def find_engine(wanted: str, environ: Mapping[str, str]) -> str:
    """The path of the engine's program; empty if it is not there. Nothing is run.

    Args:
        wanted: ``podman``, ``docker``, or ``auto`` for the first of the two that is there.
        environ: of the host.
    """
    from shutil import which

    names = ENGINES if wanted == "auto" else (wanted,)
    found = (which(name, path=environ.get("PATH", "")) for name in names)
    return next(filter(None, found), "")


def own_variables(environ: Mapping[str, str], names: tuple[str, ...] = OWN) -> dict[str, str]:
    """The variables that an engine reads: those whose names begin so."""
    return {name: value for name, value in environ.items() if name.startswith(names)}


def is_podman(engine: str) -> bool:
    """Whether the engine is podman, which knows a few words more; its ``docker`` is a script of another name."""
    return os.path.basename(os.path.realpath(engine)).startswith("podman")


def call(
    engine: str,
    words: Sequence[str],
    context: Context,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: str | None = None,
    check: bool = True,
    echo: bool = True,
    always: bool = False,
) -> Completed:
    """Run the engine.

    Args:
        engine: path of its program.
        words: what stands after it.
        context: runs the process.
        environ: laid over the context's.
        cwd: absolute directory; ``None`` is the project's.
        check: see `kern.api.Context.run`.
        echo: see `kern.api.Context.run`.
        always: see `kern.api.Context.run`.

    Raises:
        StepFailed: with ``check``: it failed.
    """
    merged = {**context.environ, **(environ or {})}
    return context.run(Command(argv=(engine, *words), cwd=cwd, environ=merged), check=check, echo=echo, always=always)


def remove(engine: str, containers: Sequence[str], context: Context, environ: Mapping[str, str]) -> bool:
    """End containers and remove them, with everything that runs in them; those that are gone are no error.

    Returns:
        Whether they are gone for sure.
    """
    at_once = ("-t", "0", "-i") if is_podman(engine) else ()
    words = ("rm", "-f", *at_once, *containers)
    done = call(engine, words, context, environ=environ, check=False, echo=False, always=True)
    return done.exit_code == 0


def need_engine(wanted: str, environ: Mapping[str, str]) -> str:
    """The path of the engine's program.

    Raises:
        StepFailed: it is not there.
    """
    found = find_engine(wanted, environ)
    if not found:
        name = "podman or docker" if wanted == "auto" else wanted
        raise StepFailed(f"{name} is not installed", hint="install it, and have it on PATH")
    return found
