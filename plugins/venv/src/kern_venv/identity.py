"""Asking an interpreter who it is, in one isolated process, before anything is written into its environment."""

# No `from __future__ import annotations`: named tuples compile annotations that are strings, whenever an environment is made.
import os
from typing import TYPE_CHECKING, NamedTuple

from kern.api import StepFailed

if TYPE_CHECKING:
    from kern.api import Context

# Runs on every Python from 2.7 on, and imports next to nothing: it runs whenever an environment is made, and importing
# json takes as long as starting Python. The paths travel as hexadecimal bytes: what an interpreter takes for its file
# system encoding depends on its version and on the locale, the bytes do not.
_QUESTION = """
import binascii, os, sys
def packed(path):
    data = path if isinstance(path, bytes) else os.fsencode(path)
    return binascii.hexlify(data).decode("ascii")
kind = getattr(sys, "implementation", None)
for name, value in [
    ("prefix", packed(sys.prefix)),
    ("base", packed(getattr(sys, "base_prefix", sys.prefix))),
    ("version", ".".join(map(str, sys.version_info[:3]))),
    ("implementation", kind.name if kind else "cpython"),
    ("cache_tag", getattr(kind, "cache_tag", "") or ""),
    ("platform", getattr(kind, "_multiarch", "") or sys.platform),
    ("flags", getattr(sys, "abiflags", "")),
    ("bits", 64 if sys.maxsize > 2 ** 32 else 32),
    ("unicode", sys.maxunicode),
]:
    print("kern %s=%s" % (name, value))
"""
_ANSWER = "kern "
_TIMEOUT = 60.0


class Identity(NamedTuple):
    """What an interpreter says of itself.

    Attributes:
        prefix: ``sys.prefix``: the environment that it would install into.
        base: ``sys.base_prefix``: the installation below.
        version: major, minor, micro.
        implementation: ``sys.implementation.name``.
        facts: more of the same for the record, strings only.
    """

    prefix: str
    base: str
    version: tuple[int, ...]
    implementation: str
    facts: dict[str, str]


def identify(python: str, context: "Context", *, old: bool = False) -> Identity:
    """Ask an interpreter who it is.

    Args:
        python: absolute path of the interpreter.
        context: runs the process.
        old: the interpreter is a Python 2, which can't isolate itself wholly.

    Raises:
        StepFailed: it does not start, or does not answer.
    """
    from kern.api import Command
    from kern_venv.programs import tool_environ

    isolation = ("-E", "-s") if old else ("-I",)
    command = Command(
        argv=(python, *isolation, "-c", _QUESTION), environ=tool_environ(context.environ), timeout=_TIMEOUT
    )
    completed = context.run(command, check=False, echo=False)
    if completed.exit_code == 2 and not old:  # noqa: PLR2004 - "unknown option -I": a Python 2
        return identify(python, context, old=True)
    lines = [line.removeprefix(_ANSWER) for line in completed.stdout.splitlines() if line.startswith(_ANSWER)]
    try:
        return _read(dict(line.split("=", 1) for line in lines))
    except (ValueError, KeyError):
        message = f"the interpreter {python} does not start (exit code {completed.exit_code})"
        raise StepFailed(message, where=python, tail=completed.stdout[-2000:]) from None


def verify_prefix(python: str, prefix: str, context: "Context", *, whole: bool = False) -> Identity:
    """Make sure that installing with an interpreter writes into one directory and nowhere else.

    Args:
        python: absolute path of the environment's interpreter.
        prefix: absolute path of the environment.
        context: runs the process.
        whole: the environment has a Python of its own, so it is no virtual one.

    Raises:
        StepFailed: the interpreter belongs to something else: an environment without its ``pyvenv.cfg`` is its base.
    """
    who = identify(python, context)
    borrowed = not whole and who.prefix == who.base
    if os.path.realpath(who.prefix) != os.path.realpath(prefix) or borrowed:
        raise StepFailed(
            f"{python} would write into {who.prefix}, not into the environment at {prefix}",
            where=prefix,
            hint="the environment is damaged (is its pyvenv.cfg whole?); make it anew with --recreate",
        )
    return who


def read_identity(python: str, prefix: str) -> Identity | None:
    """What an environment is by its files alone, as Python itself decides it at its start (PEP 405).

    It spares the starting of an interpreter that nothing is installed with yet; whoever installs asks it.

    Args:
        python: absolute path of the environment's interpreter.
        prefix: absolute path of the environment.

    Returns:
        ``None`` if the files do not prove that the interpreter is this environment's.
    """
    try:
        with open(os.path.join(prefix, "pyvenv.cfg"), encoding="utf-8") as file:
            pairs = [line.partition("=") for line in file]
    except (OSError, ValueError):
        return None
    said = {key.strip(): value.strip() for key, _, value in pairs}
    home, version = said.get("home", ""), said.get("version_info", "").split(".")[:3]
    target = os.path.realpath(python)
    if not os.path.isfile(target) or os.path.realpath(home) != os.path.dirname(target) or not _is_release(version):
        return None
    implementation = said.get("implementation", "").lower()
    facts = {"version": ".".join(version), "implementation": implementation}
    return Identity(prefix, os.path.dirname(home), tuple(map(int, version)), implementation, facts)


def _is_release(parts: list[str]) -> bool:
    return len(parts) > 1 and all(part.isdecimal() for part in parts)


def _read(answer: dict[str, str]) -> Identity:
    words = ("version", "implementation", "cache_tag", "platform", "flags", "bits", "unicode")
    return Identity(
        os.fsdecode(bytes.fromhex(answer["prefix"])),
        os.fsdecode(bytes.fromhex(answer["base"])),
        tuple(int(part) for part in answer["version"].split(".")),
        answer["implementation"],
        {word: answer[word] for word in words},
    )
