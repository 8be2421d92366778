"""The provider ``docker``: environments in containers, through podman or docker."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from kern.api import Environment, Unavailable
from kern_docker import __version__
from kern_docker.engines import ENGINES, find_engine, need_engine, own_variables
from kern_docker.options import DockerOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Adopted, Artifact, Context, EnvSpec


class DockerProvider:
    """Makes environments whose commands run in a container."""

    api = 1
    Options = DockerOptions
    pools: tuple[str, ...] = ("containers",)
    accepts: tuple[str, ...] = ("wheel", "sdist")

    def claims(self, factor: str) -> bool:  # noqa: ARG002
        """No factor has a meaning of its own here: the image says what is inside."""
        return False

    def probe(self, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether an engine is there; whether it works shows when it is used."""
        if find_engine(spec.options.engine, context.environ):
            return None
        name = "podman or docker" if spec.options.engine == "auto" else spec.options.engine
        return Unavailable(reason=f"{name} is not installed", hint="install it, and have it on PATH", missing=True)

    def fingerprint(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """The options, the containerfile's content, and where the engine is."""
        found: dict[str, Any] = {"kern-docker": __version__, **spec.options._asdict()}
        found["engine"] = find_engine(spec.options.engine, context.environ)
        found["variables"] = own_variables(context.environ)
        if spec.options.containerfile:
            found["content of the containerfile"] = _content(spec, spec.options.containerfile)
        for path in (*spec.options.constraints, *_named(spec.options.deps)):
            found[f"content of {path}"] = _content(spec, path)
        return found

    def provision(self, spec: EnvSpec, context: Context) -> Environment:
        """Get the image, and find out whether a container of it runs: an engine may be there and unable to."""
        from kern_docker.arguments import run_arguments
        from kern_docker.images import provide_image
        from kern_docker.installing import make_virtual_environment

        engine = need_engine(spec.options.engine, context.environ)
        image = provide_image(spec, engine, context)
        arguments = run_arguments(engine, spec)
        python = make_virtual_environment(spec, engine, image.id, arguments, context)
        facts = {
            "engine": engine,
            "image": image.id,
            "path": image.path,
            "arguments": json.dumps(arguments),
            "variables": json.dumps(own_variables(context.environ)),
        }
        return Environment(
            location=spec.location,
            activator="docker",
            interpreter=python,
            watch=(".",),
            volatile=("__pycache__", "run"),
            facts=facts,
        )

    def install(
        self, spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context
    ) -> Mapping[str, str]:
        """Install Python packages inside, if there are any to install."""
        from kern_docker.installing import install, wants_python

        return install(spec, environment, artifacts, context) if wants_python(spec, artifacts) else {}

    def drift(self, spec: EnvSpec, adopted: Adopted, context: Context) -> Sequence[str]:  # noqa: ARG002
        """Nothing can be said about another machine."""
        return ()

    def dispose(self, location: str, context: Context) -> None:
        """Remove the containers of an environment; images stay, since others may be made of them."""
        from kern_docker.containers import remove_left

        for wanted in ENGINES:
            engine = find_engine(wanted, context.environ)
            if engine:
                remove_left(engine, location, context, own_variables(context.environ), every=True)


def _named(deps: Sequence[str]) -> list[str]:
    """Files that requirements name with ``-r`` or ``-c``."""
    words = (dep.partition(" ") for dep in deps if dep.startswith("-"))
    return [file.strip() for _, _, file in words if file]


def _content(spec: EnvSpec, path: str) -> str:
    try:
        with open(os.path.join(spec.project_dir, path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
