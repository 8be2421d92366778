"""Making empty virtual environments: through uv where it serves the interpreter, else through virtualenv."""

# No `from __future__ import annotations`: named tuples compile annotations that are strings, whenever an environment is made.
import os
from typing import TYPE_CHECKING, NamedTuple

from kern.api import StepFailed
from kern_venv.identity import Identity, read_identity, verify_prefix
from kern_venv.programs import find_uv, pip_environ, tool_environ, uv_serves

if TYPE_CHECKING:
    from kern.api import Context
    from kern_venv.inspection import Interpreter


class Made(NamedTuple):
    """An environment that was made and has answered: its interpreter's path and what that says of itself."""

    python: str
    identity: Identity


def make_virtual_environment(
    location: str,
    interpreter: "Interpreter",
    context: "Context",
    *,
    seed_pip: bool = False,
    system_site_packages: bool = False,
) -> str:
    """Make an empty virtual environment.

    Args:
        location: absolute path of a directory that is empty or does not exist.
        interpreter: which it is made from.
        context: runs the processes.
        seed_pip: put a pip into it, the newest that runs there.
        system_site_packages: let it see what is installed in the interpreter.

    Returns:
        Absolute path of the environment's python.

    Raises:
        StepFailed: it could not be made, or is not what was asked for.
    """
    made = make_and_identify(
        location, interpreter, context, seed_pip=seed_pip, system_site_packages=system_site_packages
    )
    return made.python


def make_and_identify(
    location: str,
    interpreter: "Interpreter",
    context: "Context",
    *,
    seed_pip: bool = False,
    system_site_packages: bool = False,
) -> Made:
    """Make an environment as `make_virtual_environment` does, and say what its interpreter says of itself."""
    _refuse_occupied(location)
    uv = find_uv(context.environ) if uv_serves(interpreter) and not seed_pip else None
    if uv is not None:
        _make_with_uv(uv, location, interpreter, context, system_site_packages=system_site_packages)
    else:
        _make_with_virtualenv(
            location, interpreter, context, seed_pip=seed_pip, system_site_packages=system_site_packages
        )
    made = _verify(location, interpreter, context)
    if seed_pip:
        _verify_pip(made.python, location, context)
    return made


def _refuse_occupied(location: str) -> None:
    """Refuse a directory with anything in it but the kernel's marker: the tools would write over what is there."""
    from kern.api import MARKER

    if os.path.isdir(location) and set(os.listdir(location)) - {MARKER}:
        raise StepFailed(f"{location} is not empty, so no environment is made there", where=location)


def _make_with_uv(
    uv: str, location: str, interpreter: "Interpreter", context: "Context", *, system_site_packages: bool
) -> None:
    from kern.api import Command

    # --allow-existing: the directory is there already and holds the marker that says it is the kernel's.
    alone = ("--no-config", "--no-project", "--no-python-downloads", "--quiet", "--allow-existing")
    visible = ("--system-site-packages",) if system_site_packages else ()
    argv = (uv, "venv", *alone, *visible, "--python", interpreter.path, location)
    context.run(Command(argv=argv, environ=tool_environ(context.environ)))


def _make_with_virtualenv(
    location: str, interpreter: "Interpreter", context: "Context", *, seed_pip: bool, system_site_packages: bool
) -> None:
    from kern.api import Command
    from kern_venv.bootstrap import virtualenv_command

    seed = () if seed_pip else ("--no-seed",)
    visible = ("--system-site-packages",) if system_site_packages else ()
    program = virtualenv_command(interpreter, context, seed_pip=seed_pip)
    argv = (*program, "--no-periodic-update", *seed, *visible, "--python", interpreter.path, location)
    environ = {**tool_environ(context.environ), "VIRTUALENV_CONFIG_FILE": os.devnull}
    context.run(Command(argv=argv, environ=environ))


def _verify(location: str, interpreter: "Interpreter", context: "Context") -> Made:
    python = os.path.join(location, "bin", "python")
    who = read_identity(python, location) or verify_prefix(python, location, context)
    known = interpreter.version
    if who.version[: len(known)] != known:
        raise StepFailed(
            f"{interpreter.path} made an environment of Python {'.'.join(map(str, who.version))}, "
            f"not of the {'.'.join(map(str, known))} that its name says",
            where=interpreter.path,
            hint="give the interpreter you mean by its path in base_python",
        )
    return Made(python, who)


def _verify_pip(python: str, location: str, context: "Context") -> None:
    """Start the new pip: some releases of virtualenv put a pip into an old Python that does not run there."""
    from kern.api import Command

    completed = context.run(
        Command(argv=(python, "-m", "pip", "--version"), environ=pip_environ(context.environ), cwd=location),
        check=False,
        echo=False,
    )
    if completed.exit_code != 0:
        raise StepFailed(
            "the pip of the new environment does not run",
            where=python,
            hint="installer = 'uv' needs no pip in the environment",
            tail=completed.stdout[-2000:],
        )
