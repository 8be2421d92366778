"""What a row of the matrix says about a build: its interpreter, and which builds it can share."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from kern_venv import api as venv
from kern_wheel import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Context, EnvSpec, PackageSpec
    from kern_venv.api import Interpreter

_OLDEST_FOR_SDIST = (3, 8)
"""Backends that make good sdists need at least this; an older row takes the one that kern itself runs on."""

_OLDEST_FOR_WHEEL = (3, 6)
"""What calls a backend's hooks needs at least this."""

_MINOR = 2

_SHORT = {"cpython": "cp", "pypy": "pp", "graalpy": "graalpy"}
_TOOLCHAIN = ("ARCHFLAGS", "CC", "CFLAGS", "CPPFLAGS", "CXX", "CXXFLAGS", "LDFLAGS", "SOURCE_DATE_EPOCH")


def row_interpreter(spec: EnvSpec, context: Context) -> Interpreter | None:
    """The interpreter that builds for a row: the one that it wants, kern's own for a row that names none.

    ``None`` if that is not on this machine; but where the environment brings its own Python, any other will do for
    building: what comes out of it is judged by `row_target`.
    """
    wanted = venv.interpreter_for(spec, context.environ)
    if not brings_python(spec) or (wanted is not None and wanted.version >= _OLDEST_FOR_WHEEL):
        return wanted
    return venv.find_interpreter(("py",), context.environ)


def row_target(spec: EnvSpec, context: Context) -> Interpreter | None:
    """The interpreter that runs in a row's environment; ``None`` if it is not known.

    Where the environment brings its own Python, that one is not there to be looked at: it has no path, and no more of a
    version than the row's name says.
    """
    if not brings_python(spec):
        return venv.interpreter_for(spec, context.environ)
    wish = venv.parse_wanted(venv.wanted_interpreters(spec.options, spec.factors)[0])
    if wish is None or len(wish.version) < _MINOR:
        return None
    identity = f"{wish.implementation}-{'.'.join(map(str, wish.version))}{'t' if wish.free_threaded else ''}"
    return venv.Interpreter("", wish.implementation, wish.version, wish.free_threaded, identity)


def brings_python(spec: EnvSpec) -> bool:
    """Whether a row's environment has a Python of its own instead of one of this machine's.

    Its provider then has no option to choose one of these, and no way of its own to find one.
    """
    return not (hasattr(spec.options, "base_python") or hasattr(spec.options, "find_interpreter"))


def builder_interpreter(spec: EnvSpec, context: Context) -> Interpreter | None:
    """What `row_interpreter` says, at the moment of the build: brought now, if the provider brings it on demand."""
    return row_interpreter(spec, context) if brings_python(spec) else venv.provided_interpreter(spec, context)


def sdist_interpreter(spec: EnvSpec, context: Context) -> Interpreter | None:
    """The interpreter that makes a source distribution for a row: its own, if current backends run on it."""
    interpreter = venv.interpreter_for(spec, context.environ)
    if interpreter is not None and interpreter.version >= _OLDEST_FOR_SDIST:
        return venv.provided_interpreter(spec, context)
    return venv.find_interpreter(("py",), context.environ)


def interpreter_tag(interpreter: Interpreter | None) -> str:
    """The interpreter part of a wheel's tag (``cp312``, ``cp313t``, ``pp310``); empty where there is none.

    One whose version its name does not tell is not asked, since plans start no programs: it shares builds with no other.
    """
    if interpreter is None:
        return ""
    if not interpreter.version:
        return f"python-{zlib.crc32(interpreter.identity.encode(errors='surrogateescape')):08x}"
    short = _SHORT.get(interpreter.implementation, interpreter.implementation)
    return f"{short}{interpreter.version[0]}{interpreter.version[1]}{'t' if interpreter.free_threaded else ''}"


def build_inputs(package: PackageSpec) -> dict[str, Any]:
    """What every build depends on beside the source tree: the options and this plugin's version."""
    return {"config_settings": dict(sorted(package.options.config_settings.items())), "kern-wheel": __version__}


def binary_inputs(package: PackageSpec, spec: EnvSpec, context: Context) -> dict[str, Any]:
    """What a build for one kind of interpreter depends on: also the interpreter and the compiler's variables."""
    interpreter = row_interpreter(spec, context)
    return {
        **build_inputs(package),
        "interpreter": (interpreter.identity or None) if interpreter else "",
        "variables": toolchain(context.environ),
    }


def toolchain(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that compilers and archivers read."""
    return {name: environ[name] for name in _TOOLCHAIN if name in environ}
