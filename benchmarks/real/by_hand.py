"""The project's tests the way its own documentation says, with nothing but venv and pip."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from typing import IO, Any, NamedTuple

from counting import Counts, count

SECONDS = 1800


class Recipe(NamedTuple):
    """What a person would type.

    Attributes:
        install: arguments of ``pip install``.
        commands: what runs afterwards, in order, up to the first failure.
        set_env: variables for it.
    """

    install: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]
    set_env: dict[str, str]


class Outcome(NamedTuple):
    """How it went.

    Attributes:
        passed: whether every step ended with 0.
        counts: the tests' outcomes.
        log: path of what was printed.
        python: ``sys.version`` of the interpreter.
    """

    passed: bool
    counts: Counts
    log: str
    python: str


def recipe_of(project: dict[str, Any], environment: str) -> Recipe:
    """What the list says for this environment."""
    variants = project.get("variants", {})
    rest = environment.partition("-")[2]
    said = {**project, **variants.get(rest, {}), **variants.get(environment, {})}
    commands = tuple(tuple(command) for command in said["commands"])
    return Recipe(tuple(said["install"]), commands, dict(said.get("set_env", {})))


def version_of(environment: str) -> str | None:
    """``3.11`` for ``py311`` and ``py311-re2``; ``None`` for what names no interpreter and so tests nothing."""
    match = re.match(r"py(\d)(\d+)(?:-|$)", environment)
    return f"{match[1]}.{match[2]}" if match else None


def find_interpreter(version: str) -> str | None:
    """An interpreter of this version: one on PATH that starts, else the newest of pyenv."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    installed = glob.glob(os.path.join(root, "versions", f"{version}.*", "bin", "python"))
    newest = sorted(installed, key=lambda path: [int(part) for part in re.findall(r"\d+", path)], reverse=True)
    candidates = [shutil.which(f"python{version}"), *newest]
    return next((path for path in candidates if path and _starts(path)), None)


def _starts(path: str) -> bool:
    # pyenv's shims are there for every version and start only one
    return subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0


def python_of(interpreter: str) -> str:
    """Its ``sys.version``, empty if it does not start."""
    command = [interpreter, "-c", "import sys; print(sys.version)"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def test_by_hand(interpreter: str, tree: str, recipe: Recipe, folder: str) -> Outcome:
    """Make an environment in ``folder``, install, run; what was printed is kept in ``folder`` too."""
    os.makedirs(folder)
    log = os.path.join(folder, "log")
    programs = os.path.join(folder, "venv", "bin")
    python = os.path.join(programs, "python")
    # pip of a fresh environment may be older than dependency groups and requires-python of today
    preparation = [
        (interpreter, "-m", "venv", os.path.join(folder, "venv")),
        (python, "-m", "pip", "install", "--quiet", "--upgrade", "pip"),
        (python, "-m", "pip", "install", "--quiet", *recipe.install),
    ]
    environ = {**os.environ, **recipe.set_env, "PATH": programs + os.pathsep + os.environ["PATH"]}
    with open(log, "wb") as file:
        passed = all(_run(command, tree, environ, file) for command in [*preparation, *recipe.commands])
    with open(log, encoding="utf-8", errors="replace") as text:
        return Outcome(passed, count(text.read()), log, python_of(interpreter))


def _run(command: tuple[str, ...], tree: str, environ: dict[str, str], log: IO[bytes]) -> bool:
    log.write(f"$ {' '.join(command)}\n".encode())
    log.flush()
    program = shutil.which(command[0], path=environ["PATH"]) or command[0]
    try:
        code = subprocess.call(
            [program, *command[1:]],
            cwd=tree,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return code == 0
