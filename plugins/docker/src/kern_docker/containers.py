"""One kept container: started, entered by commands, removed with everything in it."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.api import Command, StepFailed
from kern_docker.engines import call, is_podman, remove
from kern_docker.notes import forget, left, new_note, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kern.api import Context, Running

LABEL = "org.kern.environment"
"""A label of every container that kern starts, for people who look for them; its value is the environment's directory."""
KEPT = """command -v sleep >/dev/null || { echo "the image has no program called sleep"; exit 69; }
trap "exit 0" TERM
: > "$0"
while :; do sleep 3600 & wait; done"""
"""What the first process of a container does: say that it is there, then nothing but collect the dead and wait for SIGTERM."""
LOOK = 0.01
"""Seconds between two looks for that."""
GRACE = 10.0
"""Seconds that the engine's program has to end by itself once its container was removed by force."""
PATIENCE = 120.0
"""Seconds after which a container that does not start is given up."""


@contextmanager
def kept(
    engine: str, image: str, arguments: Sequence[str], location: str, context: Context, environ: Mapping[str, str]
) -> Iterator[str]:
    """Start a container and keep it until the end of the block.

    Args:
        engine: path of the engine's program.
        image: id of the image.
        arguments: of the engine's ``run``; see `run_arguments`.
        location: the environment's directory.
        context: runs the engine.
        environ: the engine's own variables.

    Yields:
        The container's name.

    Raises:
        StepFailed: it can't be started.
    """
    remove_left(engine, location, context, environ)
    name = new_note(location)
    ready = os.path.join(place_of(location), f"{name}.ready")
    words = (*_run(engine, name, location), "--rm", *arguments, "--entrypoint", "sh", image, "-c", KEPT, ready)
    # In the foreground of a process that kern keeps: what an engine leaves in the background would end with its client.
    running = context.start(Command(argv=words, environ={**context.environ, **environ}))
    try:
        if not _starts(running, ready):
            _explain(engine, image, arguments, location, context, environ)
        yield name
    finally:
        _end(running, engine, name, location, context, environ)
        if os.path.exists(ready):
            os.unlink(ready)


def run_once(
    engine: str,
    image: str,
    arguments: Sequence[str],
    location: str,
    argv: Sequence[str],
    context: Context,
    environ: Mapping[str, str],
) -> str:
    """Run one command in a container of its own.

    Args:
        engine: path of the engine's program.
        image: id of the image.
        arguments: of the engine's ``run``; see `run_arguments`.
        location: the environment's directory.
        argv: the command.
        context: runs the engine.
        environ: the engine's own variables, and those that ``arguments`` hand on.

    Returns:
        What it prints.

    Raises:
        StepFailed: the container can't be started, or the command failed.
    """
    name = new_note(location)
    # Without --rm: with it the docker program can't be trusted to tell podman's exit codes.
    words = (*_run(engine, name, location)[1:], *arguments, "--entrypoint", argv[0], image, *argv[1:])
    try:
        return call(engine, words, context, environ=environ).stdout
    except StepFailed as error:
        error.where = f"{os.path.basename(engine)} run {image}"  # the log has all the words
        raise
    finally:
        if remove(engine, [name], context, environ):
            forget(location, name)


def remove_left(
    engine: str, location: str, context: Context, environ: Mapping[str, str], *, every: bool = False
) -> None:
    """Remove the containers of an environment whose kern is no more, as after SIGKILL; or all of them.

    The engine is asked only where there is a note of a container.
    """
    names = left(location, every=every)
    if names and remove(engine, names, context, environ):
        forget(location, *names)


def _run(engine: str, name: str, location: str) -> tuple[str, ...]:
    return engine, "run", "--name", name, "--label", f"{LABEL}={location}"


def _starts(running: Running, ready: str) -> bool:
    """Wait until the first process says that it is there; whether it does."""
    limit = time.monotonic() + PATIENCE
    while not os.path.exists(ready):
        if running.wait(LOOK) is not None or time.monotonic() > limit:
            return False
    return True


def _explain(
    engine: str,
    image: str,
    arguments: Sequence[str],
    location: str,
    context: Context,
    environ: Mapping[str, str],
) -> None:
    """Find out in whose words a container does not start.

    Raises:
        StepFailed: always.
    """
    if call(engine, ("image", "inspect", image), context, environ=environ, check=False, echo=False).exit_code:
        raise StepFailed(
            "the image that this environment was made with is no longer there",
            where=image,
            hint="`kern run --recreate` makes the environment anew",
        )
    run_once(engine, image, arguments, location, ("sh", "-c", "command -v sleep"), context, environ)
    raise StepFailed(
        "the container does not start",
        where=f"{os.path.basename(engine)} run {image}",
        hint="the log has what the engine says",
    )


def _end(running: Running, engine: str, name: str, location: str, context: Context, environ: Mapping[str, str]) -> None:
    """Have the first process end, with which all others do; by force if that does not work."""
    gone = running.end(0).exit_code == 0
    if not gone or is_podman(
        engine
    ):  # podman forgets to when it has been killed in the middle of looking after a command
        gone = remove(engine, [name], context, environ)
        running.end(GRACE)
    if gone:
        forget(location, name)
