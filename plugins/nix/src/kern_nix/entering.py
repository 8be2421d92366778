"""Entering an environment: from what is kept in its directory to the variables of a command."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from glob import escape, glob
from typing import TYPE_CHECKING

from kern.api import EnvDelta, StepFailed
from kern_nix.changes import PROFILE, SCRIPT, cleaned, read_entry
from kern_nix.packages import read_package
from kern_nix.pythons import overlay_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kern.api import Context, Environment


@contextmanager
def entered(environment: Environment, context: Context) -> Iterator[EnvDelta]:
    """The change for commands, as long as the activation lasts.

    Raises:
        StepFailed: the environment was collected as garbage, or its ``shellHook`` failed.
    """
    location = environment.location
    if not os.path.exists(os.path.join(location, PROFILE)):
        raise StepFailed(
            "the environment is no longer in the nix store",
            where=location,
            hint="it was collected as garbage; make it anew with --recreate",
        )
    entry = read_entry(location)
    if not entry.hook:
        yield _composed(entry.delta, location)
        return
    from kern_nix.evaluating import bash_file
    from kern_nix.failing import hook_explained
    from kern_shell.api import sourced

    shown = environment.facts.get("expression", location)
    enter, leave = (os.path.join(location, SCRIPT),), (bash_file("leave.bash"),)
    with ExitStack() as stack:
        with hook_explained(shown):
            running = sourced(context, title=f"running the shellHook of {shown}", enter=enter, leave=leave)
            delta = stack.enter_context(running)
        yield _composed(cleaned(delta), location)


def _composed(delta: EnvDelta, location: str) -> EnvDelta:
    """Put the package under test in front of nix's environment, and the virtual environment in front of both."""
    overlay, package = overlay_of(location), read_package(location)
    if not overlay and not package:
        return delta
    prepend = dict(delta.prepend)
    programs = (os.path.join(overlay, "bin"),) if overlay else ()
    prepend["PATH"] = (*programs, *package.get("PATH", ()), *prepend.get("PATH", ()))
    modules = package.get("PYTHONPATH", ())
    if modules or "PYTHONPATH" in prepend or "PYTHONPATH" in delta.set:
        # What PYTHONPATH names comes before the virtual environment's own, unless that is named there too.
        prepend["PYTHONPATH"] = (*_modules(overlay), *modules, *prepend.get("PYTHONPATH", ()))
    return EnvDelta(set=_with_overlay(delta.set, overlay), unset=_unset(delta, overlay), prepend=prepend)


def _modules(overlay: str) -> tuple[str, ...]:
    return tuple(sorted(glob(os.path.join(escape(overlay), "lib", "*", "site-packages")))) if overlay else ()


def _with_overlay(variables: Mapping[str, str], overlay: str) -> Mapping[str, str]:
    return {**variables, "VIRTUAL_ENV": overlay} if overlay else variables


def _unset(delta: EnvDelta, overlay: str) -> tuple[str, ...]:
    return (*delta.unset, "PYTHONHOME") if overlay else delta.unset
