"""The files below ``build-environments/``: what is there, what is complete, what may go.

::

    build-environments/<key>/<uuid>/        a virtual environment, made where it stays
    build-environments/<key>/<uuid>.json    its marker, written last: without it the directory is rubbish
    build-environments/<key>/<uuid>/kern-hooks/<digest>.json    what the backend's hooks have answered

The newest generation with a valid marker is the one in use. Another process may still be building in an older
one, so a replaced generation stays for a day; nobody ever changes one in place.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, NamedTuple

DAY = 86_400.0
RETIRED_FOR = 1 * DAY
"""How long a replaced environment stays: a build that still runs in it is longer dead than this."""
UNUSED_FOR = 60 * DAY
"""Environments that nobody has used for so long are thrown away."""
_SUFFIX = ".json"
_UUID_LENGTH = 32


class Marker(NamedTuple):
    """A complete build environment.

    Attributes:
        location: absolute path of its directory, named by the uuid.
        requirements: what was asked for, sorted.
        installed: what is there, name to version.
        interpreter: path and identity of the interpreter it was made from.
        made: when, in seconds of the epoch.
    """

    location: str
    requirements: tuple[str, ...]
    installed: dict[str, str]
    interpreter: tuple[str, str]
    made: float

    @property
    def file(self) -> str:
        """Where the marker is written."""
        return self.location + _SUFFIX

    @property
    def python(self) -> str:
        """The environment's interpreter."""
        return os.path.join(self.location, "bin", "python")


def new_location(home: str) -> str:
    """A directory name that nobody has used."""
    return os.path.join(home, os.urandom(_UUID_LENGTH // 2).hex())


def markers(home: str) -> list[Marker]:
    """The complete generations of one key, newest first."""
    found = [read_marker(os.path.join(home, name)) for name in _names(home) if name.endswith(_SUFFIX)]
    return sorted((each for each in found if each is not None), key=lambda each: each.made, reverse=True)


def read_marker(path: str) -> Marker | None:
    """A marker, if it is whole and belongs to the directory beside it."""
    location = path.removesuffix(_SUFFIX)
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
        marker = _marker(value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return marker if marker.location == location and _is_uuid(os.path.basename(location)) else None


def write_marker(marker: Marker) -> None:
    """Declare a generation complete, in one atomic step."""
    write_json(marker.file, marker._asdict())


def touch_marker(marker: Marker, now: float) -> None:
    """Note that an environment is in use, at most once a day."""
    try:
        if abs(now - os.stat(marker.file).st_mtime) > DAY:
            os.utime(marker.file, (now, now))
    except OSError:
        pass  # a read-only cache can still be used


def write_json(path: str, value: object) -> None:
    """Write a JSON file so that a reader sees the whole of it or none."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    with open(temporary, "w", encoding="utf-8") as stream:
        json.dump(value, stream)
    os.replace(temporary, path)


def sweep(home: str, keep: Marker | None) -> None:
    """Remove what one key has no use for: half-made, damaged and long replaced generations. Needs the key's lock."""
    now = time.time()
    whole = {os.path.basename(each.location): each for each in markers(home)}
    for name in _names(home):
        marker = whole.get(name.removesuffix(_SUFFIX))
        if marker is None or (marker != keep and not _younger(marker.file, RETIRED_FOR, now)):
            remove(os.path.join(home, name))


def retire(marker: Marker) -> None:
    """Start the time that a replaced generation stays."""
    try:
        os.utime(marker.file)
    except OSError:
        pass


def is_stale(home: str) -> bool:
    """Whether nobody has used any generation of a key for so long that it may go."""
    now = time.time()
    files = [os.path.join(home, name) for name in _names(home) if name.endswith(_SUFFIX)]
    if not files:
        return not _younger(home, DAY, now)  # killed while being made
    return not any(_younger(each, UNUSED_FOR, now) for each in files)


def remove(path: str) -> None:
    """Remove a file or a directory tree, markers first; a link is removed, never followed."""
    import shutil

    if not os.path.isdir(path) or os.path.islink(path):
        try:
            os.unlink(path)
        except OSError:
            pass
        return
    for name in _names(path):
        if name.endswith(_SUFFIX):
            remove(os.path.join(path, name))
    shutil.rmtree(path, ignore_errors=True)


def _marker(value: Any) -> Marker:
    return Marker(
        location=str(value["location"]),
        requirements=tuple(map(str, value["requirements"])),
        installed={str(name): str(version) for name, version in value["installed"].items()},
        interpreter=(str(value["interpreter"][0]), str(value["interpreter"][1])),
        made=float(value["made"]),
    )


def _is_uuid(name: str) -> bool:
    return len(name) == _UUID_LENGTH and all(letter in "0123456789abcdef" for letter in name)


def _younger(path: str, age: float, now: float) -> bool:
    try:
        return now - os.stat(path).st_mtime < age
    except OSError:
        return False


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
