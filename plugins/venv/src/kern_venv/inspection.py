"""What a program on disk is, told from its name, its place and its status alone; no process."""

# No `from __future__ import annotations`: named tuples compile annotations that are strings, at every start.
import os
import stat
from typing import NamedTuple

from kern_venv.wanted import Wanted, parse_version

PROGRAMS = {"cpython": "python", "pypy": "pypy", "graalpy": "graalpy"}
"""Implementation to the name its programs begin with."""


class Interpreter(NamedTuple):
    """An interpreter that exists.

    Attributes:
        path: absolute path of the program; never a shim.
        implementation: ``cpython``, ``pypy``...
        version: major, minor and micro, as far as they are known without running it.
        free_threaded: whether it is a build without the global lock.
        identity: changes when the program is replaced or upgraded.
    """

    path: str
    implementation: str
    version: tuple[int, ...]
    free_threaded: bool
    identity: str


def inspect_program(path: str) -> Interpreter | None:
    """Describe the program at a path by its name alone, or ``None`` if it is not recognisably an interpreter."""
    if _is_script(path):
        return None
    real = os.path.realpath(path)
    named = _read_name(os.path.basename(real))
    if named is None or not named.version:
        return None
    version = _micro_in(real, named.version) or named.version
    return describe_program(path, named.implementation, version, free_threaded=named.free_threaded)


def base_of(directory: str) -> str | None:
    """Name the interpreter below a virtual environment, from its ``pyvenv.cfg``; ``None`` if there is no such file."""
    settings = read_pyvenv(directory)
    if settings is None:
        return None
    stated = settings.get("base-executable") or settings.get("executable")
    real = os.path.realpath(os.path.join(directory, "bin", "python"))
    in_home = os.path.join(settings.get("home", ""), os.path.basename(real))
    return next((path for path in (stated, in_home, real) if path and os.path.isfile(path)), None)


def describe_program(
    path: str, implementation: str, version: tuple[int, ...], *, free_threaded: bool
) -> Interpreter | None:
    """Describe the program at a path, with what is known of it; ``None`` if it is no executable file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode) or not os.access(path, os.X_OK):
        return None
    identity = f"{os.path.realpath(path)}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
    return Interpreter(path, implementation, version, free_threaded, identity)


def _leading_digits(text: str) -> str:
    end = next((place for place, letter in enumerate(text) if not letter.isdigit()), len(text))
    return text[:end]


def named_version(implementation: str, text: str) -> Wanted | None:
    """Read a version with at least two numbers from a name: ``3.12``, ``3.13.0t``, ``3.14.0rc1``."""
    free_threaded = text.endswith("t")
    numbers = text.removesuffix("t").split(".")
    numbers[-1] = _leading_digits(numbers[-1])
    version = parse_version(".".join(numbers)) if len(numbers) > 1 else None
    return Wanted(implementation, version, free_threaded) if version else None


def _read_name(name: str) -> Wanted | None:
    """Read the name of a program: ``python3.12``, ``python3.13t``, ``pypy3.10``."""
    for implementation, program in PROGRAMS.items():
        if name.startswith(program):
            return named_version(implementation, name[len(program) :])
    return None


def _micro_in(real: str, version: tuple[int, ...]) -> tuple[int, ...] | None:
    """Find the full version in a path like ``.../versions/3.12.1/bin/python3.12``."""
    for part in real.replace("+", "-").replace("/", "-").split("-"):
        if part.count(".") == 2:  # noqa: PLR2004
            full = parse_version(part)
            if full and full[:2] == version:
                return full
    return None


def read_pyvenv(directory: str) -> dict[str, str] | None:
    """Read a ``pyvenv.cfg``; ``None`` if a directory has none."""
    try:
        with open(os.path.join(directory, "pyvenv.cfg"), encoding="utf-8", errors="surrogateescape") as file:
            pairs = (line.partition("=") for line in file)
            return {key.strip().lower(): value.strip() for key, _, value in pairs}
    except OSError:
        return None


def _is_script(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True
