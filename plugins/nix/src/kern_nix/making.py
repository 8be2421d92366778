"""Making a nix environment and filling it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import MARKER, Environment, StepFailed, Unavailable
from kern_nix import packages, pythons
from kern_nix.evaluating import Evaluated, evaluate
from kern_nix.store_paths import LINK, watch_store
from kern_nix.subject import Subject, choose_subject, wish_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Artifact, Context, EnvSpec


def subject_of(spec: EnvSpec) -> Subject:
    """What the options say is to be evaluated.

    Raises:
        StepFailed: it is not there.
    """
    subject = choose_subject(wish_of(spec.options), spec.project_dir)
    if isinstance(subject, Unavailable):
        raise StepFailed(subject.reason, where=spec.name, hint=subject.hint)
    return subject


def make(spec: EnvSpec, context: Context) -> Environment:
    """Evaluate, keep, and find the Python in it."""
    subject, options = subject_of(spec), spec.options
    context.say(f"evaluating {subject.shown}")
    found = evaluate(subject, spec.location, context, command=options.nix_command, shell_hook=options.shell_hook)
    python = pythons.find_python(found.entry.delta, context)
    pythons.check_factor(spec, python, subject.shown)
    for name in (packages.FOLDER, pythons.FOLDER):
        os.mkdir(os.path.join(spec.location, name))
    interpreter = pythons.link_python(spec.location, python) if python else None
    return Environment(
        location=spec.location,
        activator="nix",
        interpreter=interpreter,
        watch=(*_kept(spec.location), *watch_store(spec.location, found.roots)),
        volatile=("__pycache__",),
        facts=facts_of(subject, found, python),
    )


def facts_of(subject: Subject, found: Evaluated, python: pythons.Python | None) -> Mapping[str, str]:
    """What is worth finding again of an environment."""
    facts = {"kind": "environment", "expression": subject.shown, "drv": found.derivation, "store": found.roots[0]}
    if python is not None:
        facts |= {"python": python.path, "python_prefix": python.prefix, "version": python.version}
    return facts


def _kept(location: str) -> tuple[str, ...]:
    """All that is in an environment's directory, the links among it by which nix knows that it is in use."""
    return tuple(name for name in sorted(os.listdir(location)) if name not in (MARKER, LINK))


def fill(spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context) -> Mapping[str, str]:
    """Install Python packages into a virtual environment on top, and use what nix built.

    Returns:
        Name to version: of the packages under test, of what the virtual environment has, and of what nix's Python has.
    """
    location, facts = environment.location, environment.facts
    found: dict[str, str] = {}
    if facts.get("python_prefix"):
        from kern_venv.api import installed

        found |= installed(facts["python_prefix"])
    if pythons.needs_overlay(spec, artifacts):
        own = [artifact for artifact in artifacts if artifact.kind in pythons.PYTHON_KINDS]
        found |= pythons.fill_overlay(spec, location, facts, own, context)
    for artifact in artifacts:
        if artifact.kind == "nix":
            packages.use_package(location, artifact, facts.get("version", ""), context)
            found[artifact.name] = artifact.version
    return found
