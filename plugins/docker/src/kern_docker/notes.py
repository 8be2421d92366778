"""Notes of the containers that an environment has: files in its directory, so that no engine is asked in vain."""

from __future__ import annotations

import os
import zlib

PREFIX = "kern-"


def place_of(location: str) -> str:
    """The directory of an environment for what comes and goes while it is in use; made when it is not there.

    Whoever commands run as inside writes into it, which is the image's user with ``run_options = ["--user=..."]``.
    """
    place = os.path.join(location, "run")
    try:
        os.mkdir(place)
        os.chmod(place, 0o1777)  # noqa: S103 - as /tmp is, below a directory that the user's mode protects
    except FileExistsError:
        pass
    return place


def new_note(location: str) -> str:
    """Write down that a container is about to be started, and by which process.

    Returns:
        The container's name.
    """
    name = f"{PREFIX}{zlib.crc32(os.fsencode(location)):08x}-{os.urandom(4).hex()}"
    with open(os.path.join(place_of(location), name), "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}.{_started(os.getpid())}")
    return name


def forget(location: str, *containers: str) -> None:
    """Remove the notes of containers that are gone, and those of their commands; see `kern_docker.client`."""
    for name in _names(location):
        if name in containers or any(name.startswith(f"command.{container}.") for container in containers):
            os.unlink(os.path.join(location, "run", name))


def left(location: str, *, every: bool = False) -> list[str]:
    """The containers whose kern is no more; or all that there is a note of."""
    notes = [name for name in _names(location) if name.startswith(PREFIX) and not name.endswith(".ready")]
    return [name for name in notes if every or not _lives(_owner(os.path.join(location, "run", name)))]


def _names(location: str) -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(location, "run")))
    except FileNotFoundError:
        return []


def _owner(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _lives(owner: str) -> bool:
    pid, _, started = owner.partition(".")
    return pid.isdigit() and bool(started) and _started(int(pid)) == started


def _started(pid: int) -> str:
    """What tells a process from a later one of the same number."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "unknown"
