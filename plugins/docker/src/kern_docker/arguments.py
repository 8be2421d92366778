"""What an environment's options mean among the arguments of an engine's ``run``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import StepFailed
from kern_docker.engines import is_podman

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.api import EnvSpec
    from kern_docker.options import DockerOptions


def run_arguments(engine: str, spec: EnvSpec) -> list[str]:
    """The arguments of the engine's ``run`` that an environment's options mean.

    Args:
        engine: path of its program.
        spec: the environment, whose project and directory are at the same paths inside.

    Raises:
        StepFailed: a path that no engine can mount.
    """
    options: DockerOptions = spec.options
    inside = spec.location.startswith(spec.project_dir + os.sep)
    found = mounts([spec.project_dir] if inside else [spec.project_dir, spec.location])
    # Where SELinux is on, a container sees none of the user's files otherwise; changing their labels is not for kern.
    found += ["--security-opt", "label=disable"]
    limits = {"network": options.network, "memory": options.memory, "cpus": options.cpus}
    found += [f"--{name}={value}" for name, value in limits.items() if value]
    for volume in options.volumes:
        found += _volume(volume, spec.project_dir)
    return [*found, *_user(engine), *options.run_options]


def mounts(places: Sequence[str], targets: Sequence[str] | None = None, *, readonly: bool = False) -> list[str]:
    """Arguments that mount host paths at the same paths inside, or at others.

    ``--mount`` is one line of CSV, so that colons, commas and quotes can stand in paths; ``--volume`` has no such way.

    Raises:
        StepFailed: a path has a line break.
    """
    found = []
    for place, target in zip(places, targets or places, strict=True):
        if "\n" in place or "\r" in place:
            raise StepFailed("a path with a line break can't be mounted", where=repr(place))
        fields = ("type=bind", _quoted(f"src={place}"), _quoted(f"dst={target}"), *(["readonly"] if readonly else []))
        found += ["--mount", ",".join(fields)]
    return found


def _volume(volume: str, project_dir: str) -> list[str]:
    """One of ``volumes``; ``--mount`` where the project's path has a colon, which ``--volume`` can't have.

    Raises:
        StepFailed: it has flags besides, that only ``--volume`` knows.
    """
    host, colon, rest = volume.partition(":")
    place = os.path.normpath(os.path.join(project_dir, host)) if host.startswith((".", "/")) else host
    if ":" not in place:
        return ["-v", f"{place}{colon}{rest}"]
    target, _, flags = rest.partition(":")
    if flags not in ("", "ro", "rw"):
        raise StepFailed("a path with a colon can only be mounted with ro or rw", where=volume)
    return mounts([place], targets=[target], readonly=flags == "ro")


def _quoted(field: str) -> str:
    """A field of CSV; see RFC 4180."""
    return '"' + field.replace('"', '""') + '"' if any(sign in field for sign in ',"') else field


def _user(engine: str) -> list[str]:
    """Have what is written into the project belong to who runs kern, whoever the image's user is."""
    if os.getuid() == 0:
        return ["--user", "0:0"]
    return ["--userns=keep-id"] if is_podman(engine) else ["--user", f"{os.getuid()}:{os.getgid()}", "-e", "HOME=/tmp"]
