"""Which wheels an interpreter takes, told without starting it where its version is enough to know."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import StepFailed

if TYPE_CHECKING:
    from packaging.tags import Tag

    from kern.api import Context
    from kern_venv.inspection import Interpreter

# As packaging itself asks a running interpreter; needs the sysconfig of the target, so it runs there. On Python 2 the
# width of Unicode is part of the ABI.
_QUESTION = """
import json, sys, sysconfig
soabi = sysconfig.get_config_var("SOABI") or ""
wide = "u" if sys.maxunicode > 0xFFFF and sys.version_info[0] == 2 else ""
print(json.dumps({"soabi": soabi, "wide": wide, "version": list(sys.version_info[:3])}))
"""
_cache: dict[str, list[Tag]] = {}


def target_tags(interpreter: Interpreter, context: Context) -> list[Tag]:
    """List the tags of the wheels that an interpreter takes on this machine, the best first.

    Args:
        interpreter: as `kern_venv.interpreters.find_interpreter` gives it.
        context: runs one process for an implementation whose ABI can't be told from its version (PyPy, Python 2);
            the answer is kept in the user's cache.

    Raises:
        StepFailed: that process failed.
    """
    if interpreter.identity not in _cache:
        _cache[interpreter.identity] = _tags(interpreter, context)
    return _cache[interpreter.identity]


def _tags(interpreter: Interpreter, context: Context) -> list[Tag]:
    from packaging.tags import compatible_tags, cpython_tags, generic_tags, platform_tags

    version, abis = interpreter.version[:2], _abis(interpreter)
    if not abis or len(version) < 2:  # noqa: PLR2004
        version, abis = _ask(interpreter, context)
    platforms = list(platform_tags())
    digits = f"{version[0]}{version[1]}"
    if interpreter.implementation == "cpython":
        own = cpython_tags(version, abis, platforms)
        return [*own, *compatible_tags(version, f"cp{digits}", platforms)]
    short = {"pypy": "pp", "graalpy": "graalpy"}.get(interpreter.implementation, interpreter.implementation)
    generic = generic_tags(f"{short}{digits}", abis, platforms)
    return [*generic, *compatible_tags(version, f"{short}{version[0]}", platforms)]


def _abis(interpreter: Interpreter) -> list[str]:
    """Name the ABI of a CPython 3 from its version; a debug build takes these wheels too."""
    version = interpreter.version
    if interpreter.implementation != "cpython" or version[:1] != (3,) or len(version) < 2:  # noqa: PLR2004
        return []
    suffix = "t" if interpreter.free_threaded else "m" if version < (3, 8) else ""
    return [f"cp{version[0]}{version[1]}{suffix}"]


def _ask(interpreter: Interpreter, context: Context) -> tuple[tuple[int, ...], list[str]]:
    import json
    from hashlib import sha256

    name = sha256(interpreter.identity.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    path = os.path.join(context.cache_dir, f"abi-{name}.json")
    try:
        with open(path, encoding="utf-8") as file:
            return _read(json.load(file), interpreter)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    answer = _probe(interpreter, context)
    _write(path, json.dumps(answer))
    return _read(answer, interpreter)


def _probe(interpreter: Interpreter, context: Context) -> dict[str, object]:
    import json

    from kern.api import Command

    command = Command(argv=(interpreter.path, "-E", "-s", "-c", _QUESTION), timeout=60.0)
    completed = context.run(command, check=False, echo=False)
    try:
        answer = json.loads(completed.stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        message = f"the interpreter {interpreter.path} does not start (exit code {completed.exit_code})"
        raise StepFailed(message, where=interpreter.path, tail=completed.stdout[-2000:])
    return answer


def _read(answer: dict[str, object], interpreter: Interpreter) -> tuple[tuple[int, ...], list[str]]:
    soabi, wide, version = str(answer["soabi"]), str(answer["wide"]), answer["version"]
    if not isinstance(version, list):
        raise TypeError("version")
    return tuple(map(int, version[:2])), [_abi_of(soabi, wide, tuple(version), interpreter.implementation)]


def _abi_of(soabi: str, wide: str, version: tuple[int, ...], implementation: str) -> str:
    """Read an ABI tag from ``SOABI``: ``cpython-312-x86_64-linux-gnu``, ``pypy310-pp73-x86_64-linux-gnu``."""
    if implementation == "cpython":
        flags = soabi.split("-")[1].lstrip("0123456789") if soabi.count("-") else "m" + wide
        return f"cp{version[0]}{version[1]}{flags}"
    parts = 3 if implementation == "graalpy" else 2
    return "_".join(soabi.split("-")[:parts]) or "none"


def _write(path: str, text: str) -> None:
    """Publish an answer whole: another kern may write the same one at the same time."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
