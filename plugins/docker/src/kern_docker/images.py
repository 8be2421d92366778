"""The image of an environment: pulled or built, then known by its id, which no tag can move."""

from __future__ import annotations

import json
import os
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from kern.api import ConfigError, StepFailed
from kern_docker.engines import call, is_podman

if TYPE_CHECKING:
    from kern.api import Context, EnvSpec

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The search path in an image that sets none."""


class Image(NamedTuple):
    """An image: its id and the search path that it sets."""

    id: str
    path: str


def provide_image(spec: EnvSpec, engine: str, context: Context) -> Image:
    """Pull or build an environment's image.

    Raises:
        ConfigError: neither, or both, of ``image`` and ``containerfile`` are given.
        StepFailed: it can't be had.
    """
    options = spec.options
    if bool(options.image) == bool(options.containerfile):
        raise ConfigError(
            f"{spec.name} needs an image or a containerfile, one of the two",
            where="image",
            hint='image = "python:3.12-slim", or containerfile = "Containerfile"',
        )
    if options.containerfile:
        return _inspected(_built(spec, engine, context), engine, context)
    image = options.image
    if options.pull == "always":
        call(engine, ("pull", image), context)
        return _inspected(image, engine, context)
    found = call(engine, ("image", "inspect", image), context, check=False, echo=False)
    if not found.exit_code:
        return _read(found.stdout, image)
    if options.pull == "never":
        raise StepFailed(
            f"the image {image} is not on this machine", hint=f"`{os.path.basename(engine)} pull {image}` fetches it"
        )
    call(engine, ("pull", image), context)
    return _inspected(image, engine, context)


def _built(spec: EnvSpec, engine: str, context: Context) -> str:
    """Build, under a name of the environment's own, so that the engine's cache serves the next build."""
    options = spec.options
    file = os.path.join(spec.project_dir, options.containerfile)
    if not os.path.isfile(file):
        raise ConfigError(f"there is no {file}", where="containerfile")
    place = os.path.join(spec.project_dir, options.build_context) if options.build_context else os.path.dirname(file)
    name = f"localhost/kern-{zlib.crc32(os.fsencode(spec.location)):08x}"
    never = ("--pull=never",) if options.pull == "never" and is_podman(engine) else ()
    # Relative, since podman takes a comma in the file's name for the end of it.
    call(engine, ("build", *never, "-t", name, "-f", os.path.relpath(file, place), "."), context, cwd=place)
    return name


def _inspected(image: str, engine: str, context: Context) -> Image:
    return _read(call(engine, ("image", "inspect", image), context, echo=False).stdout, image)


def _read(said: str, image: str) -> Image:
    try:
        found: dict[str, Any] = json.loads(said)[0]
        variables = dict(text.split("=", 1) for text in found.get("Config", {}).get("Env") or ())
        return Image(str(found["Id"]), variables.get("PATH", PATH))
    except (ValueError, LookupError, TypeError) as error:
        raise StepFailed(f"the engine says nothing of use about the image {image}", tail=said[-2000:]) from error
