"""Which Python interpreter an environment is made from: found by reading the file system, no process.

Where is looked, in this order; the first interpreter that fits is taken:

1. the interpreter that runs kern, for a wish without a minor version (``py``, ``py3``, ``>=3.11``);
2. the directories of ``PATH``, in their order. A shim is not an interpreter: where a directory holds pyenv's shims,
   that pyenv's versions are looked through instead, the newest first, whether pyenv has them activated or not;
3. the pyenv roots that are not on ``PATH`` (``PYENV_ROOT``, ``~/.pyenv``);
4. the interpreters that uv manages;
5. the interpreter that runs kern.

An interpreter inside a virtual environment is never a base; given by its path, the interpreter below it is taken.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kern_venv.inspection import PROGRAMS, Interpreter, base_of, describe_program, inspect_program, named_version
from kern_venv.wanted import Wanted, is_path, parse_wanted, wanted_interpreters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from kern.api import Context, EnvSpec
    from kern_venv.optional import OptionsFindInterpreter, OptionsProvideInterpreter

__all__ = [
    "Interpreter",
    "all_interpreters",
    "base_of",
    "find_interpreter",
    "fits",
    "inspect_program",
    "interpreter_for",
    "provided_interpreter",
    "searched_places",
    "wanted_interpreters",
]

_MINORS = {2: (7,), 3: tuple(range(20, 4, -1))}
_cache: dict[tuple[object, ...], Interpreter | None] = {}


def find_interpreter(wanted: Sequence[str], environ: Mapping[str, str]) -> Interpreter | None:
    """Find the first interpreter of a list that exists on this machine.

    Args:
        wanted: wishes as `parse_wanted` reads them, the best first.
        environ: of which ``PATH``, ``HOME``, ``PYENV_ROOT``, ``UV_PYTHON_INSTALL_DIR`` and ``XDG_DATA_HOME`` matter.

    Returns:
        The interpreter, or ``None``.
    """
    for text in wanted:
        wish = parse_wanted(text)
        found = _find(wish, environ) if wish is not None else None
        if found is not None:
            return found
    return None


def interpreter_for(spec: EnvSpec, environ: Mapping[str, str]) -> Interpreter | None:
    """Find the interpreter of an environment; looked up once a process for equal inputs.

    Options that are `OptionsFindInterpreter` are asked instead.
    """
    if hasattr(spec.options, "find_interpreter"):
        finding: OptionsFindInterpreter = spec.options
        return finding.find_interpreter(spec, environ)
    wanted = tuple(_absolute(text, spec.project_dir) for text in wanted_interpreters(spec.options, spec.factors))
    names = ("PATH", "HOME", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME")
    key = (wanted, *map(environ.get, names))
    if key not in _cache:
        _cache[key] = find_interpreter(wanted, environ)
    return _cache[key]


def provided_interpreter(spec: EnvSpec, context: Context) -> Interpreter | None:
    """Find the interpreter of an environment at the moment when it is to be run.

    Options that are `OptionsProvideInterpreter` are asked; all others have what `interpreter_for` finds.

    Raises:
        StepFailed: it could not be brought.
    """
    if not hasattr(spec.options, "provide_interpreter"):
        return interpreter_for(spec, context.environ)
    providing: OptionsProvideInterpreter = spec.options
    return providing.provide_interpreter(spec, context)


def all_interpreters(environ: Mapping[str, str]) -> list[Interpreter]:
    """List every interpreter that could be found, the best of each version; for messages, not for the hot path."""
    seen: dict[tuple[str, tuple[int, ...], bool], Interpreter] = {}
    for implementation in PROGRAMS:
        for found in _candidates(Wanted(implementation), environ):
            seen.setdefault((found.implementation, found.version[:2], found.free_threaded), found)
    return sorted(seen.values(), key=lambda found: (found.implementation, found.version))


def searched_places(environ: Mapping[str, str]) -> list[str]:
    """List where interpreters are looked for, as a user would name the places."""
    return ["PATH", *(os.path.join(root, "versions") for root in _pyenv_roots(environ)), _uv_folder(environ)]


def _find(wish: Wanted, environ: Mapping[str, str]) -> Interpreter | None:
    if wish.path:
        return _at_path(wish.path, environ)
    return next((found for found in _candidates(wish, environ) if fits(wish, found)), None)


def _candidates(wish: Wanted, environ: Mapping[str, str]) -> Iterator[Interpreter]:
    if len(wish.version) < 2:  # noqa: PLR2004
        yield _running()
    roots = _pyenv_roots(environ)
    for directory in dict.fromkeys(environ.get("PATH", os.defpath).split(os.pathsep)):
        root = _root_of_shims(directory)
        if root in roots:
            roots.remove(root)
            yield from _in_pyenv(root)
        elif os.path.isabs(directory):
            yield from _in_directory(wish, directory)
    for root in roots:
        yield from _in_pyenv(root)
    yield from _managed_by_uv(_uv_folder(environ))
    yield _running()


def fits(wish: Wanted, found: Interpreter) -> bool:
    """Whether an interpreter is what a wish asks for."""
    if wish.implementation and wish.implementation != found.implementation:
        return False
    if wish.specifier:
        return not found.free_threaded and _fits_specifier(wish.specifier, found.version)
    if wish.version and wish.free_threaded != found.free_threaded:
        return False
    return found.version[: len(wish.version)] == wish.version


def _fits_specifier(specifier: str, version: tuple[int, ...]) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(specifier).contains(".".join(map(str, version)), prereleases=True)
    except InvalidSpecifier:
        return False


def _running() -> Interpreter:
    """Describe the interpreter that runs kern, or the one below it where kern lives in a virtual environment."""
    name = PROGRAMS.get(sys.implementation.name, "python")
    in_prefix = os.path.join(sys.base_prefix, "bin", f"{name}{sys.version_info[0]}.{sys.version_info[1]}")
    paths = (getattr(sys, "_base_executable", ""), in_prefix, sys.executable)
    path = next(path for path in paths if path and os.path.isfile(path))
    found = describe_program(
        path, sys.implementation.name, sys.version_info[:3], free_threaded="t" in getattr(sys, "abiflags", "")
    )
    return found or Interpreter(path, sys.implementation.name, sys.version_info[:3], False, path)


def _in_directory(wish: Wanted, directory: str) -> Iterator[Interpreter]:
    in_environment = None
    for name in _program_names(wish):
        path = os.path.join(directory, name)
        if not os.path.exists(path):
            continue
        if in_environment is None:
            in_environment = os.path.exists(os.path.join(os.path.dirname(directory), "pyvenv.cfg"))
        found = None if in_environment else inspect_program(path)
        if found is not None:
            yield found


def _program_names(wish: Wanted) -> list[str]:
    program = PROGRAMS.get(wish.implementation or "cpython", "python")
    suffix = "t" if wish.free_threaded else ""
    if len(wish.version) > 1:
        majors, minors = wish.version[:1], wish.version[1:2]
    else:
        majors = wish.version or (3, 2)
        minors = ()
    exact = [f"{program}{major}.{minor}{suffix}" for major in majors for minor in minors or _MINORS.get(major, ())]
    return [*exact, *(f"{program}{major}{suffix}" for major in majors), program]


def _pyenv_roots(environ: Mapping[str, str]) -> list[str]:
    shims = map(_root_of_shims, environ.get("PATH", "").split(os.pathsep))
    places = (environ.get("PYENV_ROOT", ""), *shims, os.path.join(environ.get("HOME", ""), ".pyenv"))
    absolute = (os.path.normpath(place) for place in places if os.path.isabs(place))
    return [root for root in dict.fromkeys(absolute) if os.path.isdir(os.path.join(root, "versions"))]


def _root_of_shims(directory: str) -> str:
    path = os.path.normpath(directory)
    return os.path.dirname(path) if os.path.basename(path) == "shims" else ""


def _in_pyenv(root: str) -> Iterator[Interpreter]:
    folder = os.path.join(root, "versions")
    for named, name in _newest_first(folder, _read_pyenv_name):
        if not os.path.exists(os.path.join(folder, name, "pyvenv.cfg")):
            yield from _in_installation(os.path.join(folder, name), named)


def _managed_by_uv(folder: str) -> Iterator[Interpreter]:
    for named, name in _newest_first(folder, _read_uv_name):
        yield from _in_installation(os.path.join(folder, name), named)


def _uv_folder(environ: Mapping[str, str]) -> str:
    data = environ.get("XDG_DATA_HOME") or os.path.join(environ.get("HOME", ""), ".local", "share")
    return environ.get("UV_PYTHON_INSTALL_DIR") or os.path.join(data, "uv", "python")


def _newest_first(folder: str, read: Callable[[str], Wanted | None]) -> list[tuple[Wanted, str]]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    described = ((read(name), name) for name in names)
    known = [(named, name) for named, name in described if named is not None and named.version]
    return sorted(known, key=lambda pair: (pair[0].version, -len(pair[1]), pair[1]), reverse=True)


def _in_installation(directory: str, named: Wanted) -> Iterator[Interpreter]:
    program = PROGRAMS[named.implementation]
    exact = f"{program}{named.version[0]}.{named.version[1]}{'t' if named.free_threaded else ''}"
    for name in (exact, "python", program):
        path = os.path.join(directory, "bin", name)
        if os.path.isfile(path):
            found = describe_program(path, named.implementation, named.version, free_threaded=named.free_threaded)
            if found is not None:
                yield found
            return


def _read_pyenv_name(name: str) -> Wanted | None:
    """Read a folder of pyenv: ``3.12.1``, ``3.13.0t``, ``3.14.0rc1``, ``3.15-dev``, ``pypy3.10-7.3.17``."""
    first = name.partition("-")[0]
    if first.startswith("pypy"):
        return named_version("pypy", first[4:])
    return named_version("cpython", first)


def _read_uv_name(name: str) -> Wanted | None:
    """Read a folder of uv: ``cpython-3.13.0+freethreaded-linux-x86_64-gnu``."""
    implementation, _, rest = name.partition("-")
    version, _, variant = rest.partition("-")[0].partition("+")
    if implementation not in PROGRAMS or version.count(".") != 2:  # noqa: PLR2004 - others are links to these
        return None
    return named_version(implementation, version + ("t" if variant == "freethreaded" else ""))


def _at_path(text: str, environ: Mapping[str, str]) -> Interpreter | None:
    path = os.path.join(environ.get("HOME", ""), text[2:]) if text.startswith("~/") else os.path.abspath(text)
    if os.path.isdir(path):
        path = os.path.join(path, "bin", "python")
    path = base_of(os.path.dirname(os.path.dirname(path))) or path
    if _root_of_shims(os.path.dirname(path)):
        return None
    return inspect_program(path) or describe_program(path, "cpython", (), free_threaded=False)


def _absolute(text: str, project_dir: str) -> str:
    return os.path.join(project_dir, text) if is_path(text) and not text.startswith("~") else text
