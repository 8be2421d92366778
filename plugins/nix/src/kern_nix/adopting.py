"""Nix environments that kern did not make: evaluated into the user's cache, so that the project stays as it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Adopted, Environment, StepFailed, Unavailable
from kern_nix.changes import PROFILE
from kern_nix.evaluating import evaluate
from kern_nix.making import facts_of
from kern_nix.programs import missing_nix
from kern_nix.pythons import Python, find_python
from kern_nix.store_paths import store_path
from kern_nix.subject import Subject, Wish, choose_subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Context

_CERTAIN = 3
_READY = "adopted.json"


def adopt(location: str, context: Context) -> Adopted | None:
    """The environment at a location, ``None`` if it is none.

    Raises:
        StepFailed: it is one, but nix is not installed or can't evaluate it.
    """
    path = os.path.normpath(os.path.join(context.project_dir, os.path.expanduser(location)))
    if os.path.isdir(os.path.join(path, "bin")) and store_path(path):
        return _in_store(path)
    wish = _wish(location, path)
    if wish is None:
        return None
    # A file's own directory as the base, so that what was evaluated is found again from anywhere.
    subject = choose_subject(wish, os.path.dirname(wish.nix_file) or context.project_dir)
    missing = subject if isinstance(subject, Unavailable) else missing_nix(context.environ)
    if missing is not None:
        raise StepFailed(missing.reason, where=location, hint=missing.hint)
    return _evaluated(subject, context) if isinstance(subject, Subject) else None


def _wish(location: str, path: str) -> Wish | None:
    """What a location asks to be evaluated; ``None`` if it is not for nix to say."""
    file, _, attr = path.partition("#")
    if file.endswith(".nix") and os.path.isfile(file):
        return Wish(nix_file=file, attr=attr)
    if "#" in location or location.startswith(("github:", "gitlab:", "git+", "path:", "flake:", "sourcehut:")):
        return Wish(flake=location)
    if os.path.isabs(location) or not os.path.isdir(path):
        return None
    found = (os.path.join(path, name) for name in ("shell.nix", "flake.nix", "default.nix"))
    return next((Wish(nix_file=file) for file in found if os.path.isfile(file)), None)


def _in_store(path: str) -> Adopted:
    from kern_venv.api import installed

    names = ("python3", "python")
    interpreter = next(
        (each for each in (os.path.join(path, "bin", name) for name in names) if os.path.isfile(each)), None
    )
    environment = Environment(
        location=path,
        activator="nix",
        interpreter=interpreter,
        watch=(),
        facts={"kind": "path", "store": store_path(path)},
    )
    there = installed(os.path.realpath(path)) if interpreter else {}
    return Adopted(environment, certainty=_CERTAIN, why=f"it is {store_path(path)} in the nix store", installed=there)


def _evaluated(subject: Subject, context: Context) -> Adopted:
    """Evaluate, or find what was evaluated before from the same files.

    A flake from elsewhere is evaluated each time, since only nix can know whether it has changed.
    """
    key = _key(subject, context)
    with context.lock(f"adopted-{key}"):
        directory = os.path.join(context.cache_dir, "adopted", key)
        facts = _known(directory) if subject.directory and not context.recreate else None
        if facts is None:
            facts = _evaluate(subject, directory, context)
    python = facts.get("python") or None
    environment = Environment(location=directory, activator="nix", interpreter=python, watch=(), facts=facts)
    return Adopted(
        environment, certainty=_CERTAIN, why=f"{subject.shown} is a nix expression", installed=_installed(facts)
    )


def _key(subject: Subject, context: Context) -> str:
    import hashlib
    import json

    from kern_nix.fingerprint import expression_inputs

    parts = [subject, expression_inputs(subject, context.environ)]
    return hashlib.blake2b(json.dumps(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _known(directory: str) -> Mapping[str, str] | None:
    import json

    try:
        with open(os.path.join(directory, _READY), encoding="utf-8") as file:
            facts = json.load(file)
    except (OSError, ValueError):
        return None
    whole = isinstance(facts, dict) and os.path.exists(os.path.join(directory, PROFILE))
    return facts if whole else None


def _evaluate(subject: Subject, directory: str, context: Context) -> Mapping[str, str]:
    import json

    os.makedirs(directory, exist_ok=True)
    found = evaluate(subject, directory, context, command="auto", shell_hook="each-run")
    python: Python | None = find_python(found.entry.delta, context)
    facts = facts_of(subject, found, python)
    with open(os.path.join(directory, _READY), "w", encoding="utf-8") as file:
        json.dump(dict(facts), file)
    return facts


def _installed(facts: Mapping[str, str]) -> Mapping[str, str]:
    if not facts.get("python_prefix"):
        return {}
    from kern_venv.api import installed

    return installed(facts["python_prefix"])
