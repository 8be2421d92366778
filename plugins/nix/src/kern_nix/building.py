"""From an expression to a package in the nix store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Artifact, Command, ConfigError, StepFailed, Unavailable
from kern_nix.evaluating import nix_environ
from kern_nix.failing import explained
from kern_nix.programs import FEATURES, nix_program
from kern_nix.store_paths import read_name, store_path
from kern_nix.subject import PACKAGE_FILES, Subject, choose_subject, wish_of

if TYPE_CHECKING:
    from kern.api import Context, PackageSpec

LINK = "result"


def subject_of(package: PackageSpec) -> Subject:
    """What the options say is to be built.

    Raises:
        StepFailed: it is not there.
    """
    subject = choose_subject(wish_of(package.options), package.root, PACKAGE_FILES)
    if isinstance(subject, Unavailable):
        raise StepFailed(subject.reason, where=f"package.{package.name}", hint=subject.hint)
    return subject


def build(package: PackageSpec, source: Artifact | None, context: Context) -> Artifact:
    """Build a package; in ``context.output_dir`` is a link to it.

    The link is a root of nix's garbage collector only until kern moves it to its place: an environment that the package
    is installed in has a root of its own, and one that no environment uses may be collected, and is built again.

    Raises:
        ConfigError: it is to be built from another package.
        StepFailed: nix failed.
    """
    if source is not None:
        where = f"package.{package.name}.from"
        raise ConfigError(f"{package.name} can't be built from {source.kind}: nix builds from the tree", where=where)
    subject = subject_of(package)
    link = os.path.join(context.output_dir, LINK)
    with explained(subject, "build"):
        context.run(Command(argv=_argv(subject, link, context), cwd=subject.base, environ=nix_environ(context)))
    artifact = read(link)
    if artifact is None:
        raise StepFailed(f"{subject.shown} is no package that can be installed: its output is no directory", where=link)
    return artifact


def _argv(subject: Subject, link: str, context: Context) -> tuple[str, ...]:
    if subject.flake:
        return (nix_program(context), "build", *FEATURES, "--out-link", link, *subject.arguments, subject.flake)
    chosen = ("-A", subject.attr) if subject.attr else ()
    return (nix_program(context, "nix-build"), subject.file, *chosen, *subject.arguments, "--out-link", link)


def read(path: str) -> Artifact | None:
    """The artifact that a directory in the store is; ``None`` for anything else."""
    place = store_path(path)
    named = read_name(place) if place and os.path.isdir(place) else None
    if named is None:
        return None
    facts = {"store": place}
    return Artifact(
        kind="nix", path=path, name=named.name, version=named.version or "0", digest=named.digest, facts=facts
    )
