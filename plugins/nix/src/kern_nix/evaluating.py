"""Evaluating an expression into a directory: a profile that keeps it from nix's garbage collector, and how to enter it.

The environment is what ``nix print-dev-env`` says of it. Its output for programs (``--json``) is of no use: it does not
run the ``shellHook`` and holds the variables of the build, so the output for bash is sourced and the outcome compared.
Where nix is older than that command (2.4), ``nix-shell`` does it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from kern.api import Command, EnvDelta, StepFailed
from kern_nix.changes import PROFILE, SCRIPT, Entry, cleaned, write_entry
from kern_nix.failing import explained, hook_explained
from kern_nix.programs import FEATURES, find_bash, find_nix, nix_program
from kern_shell.api import prefix_delta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Context
    from kern_nix.subject import Subject

DUMP = "environment.dump"

_REDIRECT = 'exec "$@" > "$KERN_OUTPUT"'
_ALWAYS = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "TZ", "TERM")


class Evaluated(NamedTuple):
    """An environment in the store.

    Attributes:
        roots: store paths that it consists of, all kept by links in the directory.
        derivation: path of its ``.drv``.
        entry: how commands get into it.
    """

    roots: tuple[str, ...]
    derivation: str
    entry: Entry


def evaluate(subject: Subject, directory: str, context: Context, *, command: str, shell_hook: str) -> Evaluated:
    """Evaluate and build an environment.

    Args:
        subject: what to evaluate.
        directory: absolute path of the directory that keeps it.
        context: runs the processes.
        command: ``nix``, ``nix-shell`` or ``auto``.
        shell_hook: ``each-run`` or ``once``.

    Raises:
        StepFailed: nix failed.
    """
    if command == "nix-shell" or (command == "auto" and not find_nix(context.environ)):
        found = _with_nix_shell(subject, directory, context)
    else:
        found = _with_nix(subject, directory, context, command, shell_hook)
    write_entry(directory, found.entry)
    return found


def nix_environ(context: Context, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What nix sees: all that tools may see, but no start-up file for bash."""
    kept = {name: value for name, value in context.environ.items() if name not in ("BASH_ENV", "ENV")}
    return {**kept, **(more or {})}


def installable(subject: Subject) -> tuple[str, ...]:
    """How a subject is said to the new commands."""
    if subject.flake:
        return (*subject.arguments, subject.flake)
    return (*subject.arguments, "--file", subject.file, *filter(None, (subject.attr,)))


def _with_nix(subject: Subject, directory: str, context: Context, command: str, shell_hook: str) -> Evaluated:
    program = nix_program(context)
    script, profile = os.path.join(directory, SCRIPT), os.path.join(directory, PROFILE)
    argv = (program, "print-dev-env", *FEATURES, "--profile", profile, *installable(subject))
    words = (find_bash(context.environ), "--norc", "-c", _REDIRECT, "bash", *argv)
    environ = nix_environ(context, {"KERN_OUTPUT": script})
    try:
        with explained(subject, "evaluate"):
            context.run(Command(argv=words, cwd=subject.base, environ=environ))
    except StepFailed as error:
        if command == "auto" and subject.file and "not a recognised command" in error.tail:
            context.say("this nix has no print-dev-env, so nix-shell is asked")
            return _with_nix_shell(subject, directory, context)
        raise
    root = os.path.realpath(profile)
    hook = has_hook(script)
    with hook_explained(subject.shown) if hook else explained(subject, "enter"):
        delta = _enter(script, context, scrubbed=not hook)
    return Evaluated((root,), _deriver(root, context), Entry(delta, hook and shell_hook == "each-run"))


def bash_file(name: str) -> str:
    """The absolute path of one of this package's scripts."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


def has_hook(script: str) -> bool:
    """Whether the environment in a script of ``nix print-dev-env`` has a ``shellHook`` that does something."""
    with open(script, encoding="utf-8", errors="surrogateescape") as file:
        lines = (line.removeprefix("export ").removeprefix("declare -x ") for line in file)
        hooks = [line.partition("=")[2].strip() for line in lines if line.startswith("shellHook=")]
    return any(hook.strip("$'\"") or hook in ("'", '"', "$'") for hook in hooks)


def _enter(script: str, context: Context, *, scrubbed: bool) -> EnvDelta:
    """Source a script in bash and compare what was before with what is then.

    Without a ``shellHook`` the script only sets variables: all of them are seen if none of the host's is there that
    could have the same value already. A hook gets the host's: it may do anything, and what it unsets must be there.
    """
    environ = nix_environ(context)
    if scrubbed:
        environ = {name: value for name, value in environ.items() if name in _ALWAYS}
    dump = os.path.join(os.path.dirname(script), DUMP)
    bash = find_bash(environ)
    argv = (bash, "--norc", "--noprofile", bash_file("capture.bash"), script, _env_program(environ), dump)
    context.run(Command(argv=argv, cwd=context.project_dir, environ=environ))
    return cleaned(prefix_delta(environ, _read_dump(dump)))


def _env_program(environ: Mapping[str, str]) -> str:
    from shutil import which

    return which("env", path=environ.get("PATH")) or "/usr/bin/env"


def _read_dump(path: str) -> dict[str, str]:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        pairs = [entry.partition("=") for entry in file.read().split("\0") if entry]
    os.unlink(path)
    return {name: value for name, _, value in pairs if name not in ("KERN_OUTPUT", "KERN_DUMP")}


def _deriver(path: str, context: Context) -> str:
    """The derivation that a store path was built by; empty where nix does not know it."""
    argv = (nix_program(context, "nix-store"), "--query", "--deriver", path)
    found = context.run(Command(argv=argv, environ=nix_environ(context)), check=False, echo=False)
    return found.stdout.strip() if found.exit_code == 0 and ".drv" in found.stdout else ""


def _with_nix_shell(subject: Subject, directory: str, context: Context) -> Evaluated:
    """Take the environment from ``nix-shell``, with its derivation and all its inputs as roots."""
    if not subject.file:
        raise StepFailed(
            f"nix-shell can't evaluate the flake {subject.shown}",
            where=subject.shown,
            hint="say nix_file, or nix_command = 'nix'",
        )
    profile, inputs = os.path.join(directory, PROFILE), os.path.join(directory, "input")
    environ = nix_environ(context)
    chosen = ("-A", subject.attr) if subject.attr else ()
    instantiate = (nix_program(context, "nix-instantiate"), subject.file, *chosen, *subject.arguments)
    with explained(subject, "evaluate"):
        # IN_NIX_SHELL: what nix-shell itself sets, by which expressions tell a shell from a build.
        told = {**environ, "IN_NIX_SHELL": "impure"}
        argv = (*instantiate, "--add-root", profile, "--indirect")
        context.run(Command(argv=argv, cwd=subject.base, environ=told))
        derivation = os.path.realpath(profile)
        needed = _references(derivation, context)
        if needed:
            keep = (nix_program(context, "nix-store"), "--realise", *needed, "--add-root", inputs, "--indirect")
            context.run(Command(argv=keep, environ=environ))
    dump = os.path.join(directory, DUMP)
    run = (nix_program(context, "nix-shell"), derivation, "--run", 'env -0 > "$KERN_DUMP"')
    with explained(subject, "enter"):
        context.run(Command(argv=run, cwd=subject.base, environ={**environ, "KERN_DUMP": dump}))
    delta = cleaned(prefix_delta(environ, _read_dump(dump)))
    names = (name for name in os.listdir(directory) if name.startswith("input"))
    roots = sorted(os.path.realpath(os.path.join(directory, name)) for name in names)
    return Evaluated((derivation, *roots), derivation, Entry(delta, hook=False))


def _references(derivation: str, context: Context) -> tuple[str, ...]:
    argv = (nix_program(context, "nix-store"), "--query", "--references", derivation)
    found = context.run(Command(argv=argv, environ=nix_environ(context)), echo=False)
    return tuple(found.stdout.split())
