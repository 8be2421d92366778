"""Installing a lock file (PEP 751): exactly what it says, hashes verified by the installer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import ConfigError, StepFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kern.api import Context, EnvSpec
    from kern_venv.installing import Target
    from kern_venv.options import VenvOptions

PIP_OLDEST = (26, 1)
"""The oldest pip that installs a lock file."""


def lock_path(spec: EnvSpec) -> str:
    """Give the absolute path of an environment's lock."""
    return os.path.normpath(os.path.join(spec.project_dir, spec.options.pylock))


def check_lock(options: VenvOptions) -> None:
    """Refuse what can't go with a lock, and a name that no installer takes for one.

    Raises:
        ConfigError: a lock is all that an environment gets, and is called ``pylock.toml`` or ``pylock.NAME.toml``.
    """
    for key in ("deps", "dependency_groups", "constraints"):
        if getattr(options, key):
            raise ConfigError(
                f"pylock and {key} can't go together: a lock is all that an environment gets",
                where="pylock",
                hint=f"lock what {key} has too, and say {key} = [] for this environment",
            )
    _check_name(options.pylock)


def _check_name(path: str) -> None:
    name = os.path.basename(path)
    middle = name.removeprefix("pylock").removesuffix(".toml")
    well_formed = middle == "" or (middle.startswith(".") and middle.count(".") == 1 and len(middle) > 1)
    if not (name.startswith("pylock") and name.endswith(".toml") and well_formed):
        raise ConfigError(
            f"the lock file {path} must be called pylock.toml or pylock.NAME.toml",
            where="pylock",
            hint="PEP 751 fixes the name, and installers go by it",
        )


def install_pylock(
    python: str,
    path: str,
    context: Context,
    *,
    prefix: str,
    references: Sequence[str] = (),
    installer: str = "auto",
    whole: bool = False,
) -> None:
    """Install what a lock file says into an environment, and beside it packages without what they require.

    Args:
        python: absolute path of the environment's interpreter.
        path: absolute path of the lock.
        context: runs the processes.
        prefix: absolute path of the environment.
        references: direct references to packages whose requirements the lock has.
        installer: ``uv``, ``pip`` or ``auto``.
        whole: the environment has a Python of its own, so it is no virtual one.

    Raises:
        StepFailed: the interpreter would write into something else than ``prefix``, the installer is too old or
            failed, a hash does not match.
    """
    from kern_venv.installing import choose_target

    target = choose_target(python, prefix, context, installer, whole=whole)
    install_lock(target, path, context, prefix=prefix)
    install_without_dependencies(target, references, context, prefix=prefix)


def install_lock(target: Target, path: str, context: Context, *, prefix: str) -> None:
    """Install what a lock file says into an environment.

    Args:
        target: the environment's interpreter and its installer.
        path: absolute path of the lock.
        context: runs the processes.
        prefix: absolute path of the environment.

    Raises:
        StepFailed: the installer is too old or failed, a hash does not match.
    """
    from kern_venv.installing import run_pip, run_uv

    if target.installer == "uv":
        run_uv(target, ("-r", path), context)
        return
    _check_pip(prefix)
    run_pip(target, ("-r", path), context)


def install_without_dependencies(target: Target, references: Sequence[str], context: Context, *, prefix: str) -> None:
    """Install artifacts beside a lock, which has all that they need; replaced where they are installed already."""
    from kern_venv.installed import forget_bytecode
    from kern_venv.installing import name_in, run_pip, run_uv

    if not references:
        return
    if target.installer == "uv":
        forget_bytecode(prefix, set(map(name_in, references)))
        run_uv(target, ("--no-deps", "--reinstall", *references), context)
    else:
        run_pip(target, ("--no-deps", "--force-reinstall", *references), context)


def _check_pip(prefix: str) -> None:
    from packaging.version import Version

    from kern_venv.installed import installed

    present = installed(prefix).get("pip", "0")
    if Version(present).release < PIP_OLDEST:
        raise StepFailed(
            f"the environment's pip {present} can't install a lock file",
            where="pylock",
            hint="installer = 'uv' can, for every Python from 3.6 on",
        )
