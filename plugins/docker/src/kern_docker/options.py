"""What a user may say about an environment in a container in ``[env]`` tables."""

from typing import Literal, NamedTuple


class DockerOptions(NamedTuple):
    """Options of the provider ``docker``.

    Attributes:
        image: Image to run, such as `python:3.12-slim`; pulled if it is not there.
        containerfile: A Containerfile or Dockerfile to build the image from, relative to the project.
        build_context: Directory that the build sees, relative to the project; by default the one of the containerfile.
        engine: Program that runs containers; `auto` takes podman, else docker.
        pull: When to fetch the image from its registry.
        network: Network of the containers, as the engine's `--network` has it; empty for the engine's default.
        memory: Most memory, such as `2g`; empty for no limit.
        cpus: Most processors, such as `1.5`; empty for no limit.
        volumes: More mounts, as the engine's `--volume` has them; relative host paths belong to the project.
        run_options: More arguments for the engine's `run`.
        python: Program inside the image that makes the virtual environment for `deps` and the package.
        deps: Python requirements, installed inside with pip.
        constraints: Constraint files for pip, relative to the project.
        extras: Extras of the package under test.
    """

    image: str = ""
    containerfile: str = ""
    build_context: str = ""
    engine: Literal["auto", "podman", "docker"] = "auto"
    pull: Literal["missing", "always", "never"] = "missing"
    network: str = ""
    memory: str = ""
    cpus: str = ""
    volumes: tuple[str, ...] = ()
    run_options: tuple[str, ...] = ()
    python: str = "python3"
    deps: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
