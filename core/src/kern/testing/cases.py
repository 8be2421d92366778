"""What an author says about a driver, so that the contract can be tested on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kern.api import Activator, Adopter, Artifact, Builder, Environment, Locker, Provider
    from kern.testing.workbench import Workbench

Table = Mapping[str, Any]
"""Options as a user writes them in TOML."""


@dataclass(frozen=True, kw_only=True)
class ProviderCase:
    """A provider, and a small environment of its kind that this machine can make.

    Attributes:
        driver: the provider.
        factors: of the environment's name.
        options: of the environment.
        changes: other options, laid over ``options``; each of them must be seen in the fingerprint.
        files: of the project, by relative path.
        file_changes: other contents of such files; each must be seen in the fingerprint.
        artifacts: makes what is installed besides, with the workbench.
        activator: what activates it; the installed activator that its `Environment` names by default.
        environ: variables of the host beside those of the process.
    """

    driver: Provider
    factors: tuple[str, ...] = ()
    options: Table = field(default_factory=dict)
    changes: Sequence[Table] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    file_changes: Mapping[str, str] = field(default_factory=dict)
    artifacts: Callable[[Workbench], Sequence[Artifact]] | None = None
    activator: Activator | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BuilderCase:
    """A builder, and a small project that it can build.

    Attributes:
        driver: the builder.
        files: of the project, by relative path.
        options: of the package definition.
        changes: other options, laid over ``options``; each of them must be seen in the fingerprint.
        provider: whose environments the package is for.
        factors: of the environment's name.
        environment: options of the environment.
        source: makes the artifact that it is built from, where it is not built from the tree.
        leaves: patterns (`fnmatch`, relative paths) of files that the build tool leaves in the tree.
        environ: variables of the host beside those of the process.
    """

    driver: Builder
    files: Mapping[str, str]
    options: Table = field(default_factory=dict)
    changes: Sequence[Table] = ()
    provider: Provider | None = None
    factors: tuple[str, ...] = ()
    environment: Table = field(default_factory=dict)
    source: Callable[[Workbench], Artifact] | None = None
    leaves: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ActivatorCase:
    """An activator, and an environment for it.

    Attributes:
        driver: the activator.
        environment: makes the environment, with the workbench; called once.
        environ: variables of the host beside those of the process.
    """

    driver: Activator
    environment: Callable[[Workbench], Environment]
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AdopterCase:
    """An adopter, and an environment that it recognises.

    Attributes:
        driver: the adopter.
        location: makes such an environment as its users do, with the workbench, and says where it is; called once.
        name: a name that it knows the same environment by, if it knows names.
        environ: variables of the host beside those of the process.
    """

    driver: Adopter
    location: Callable[[Workbench], str]
    name: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LockerCase:
    """A locker, and an environment that it can lock on this machine.

    Attributes:
        driver: the locker.
        provider: of the environment.
        factors: of the environment's name.
        options: of the environment.
        changes: other options, laid over ``options``; a lock of the first does not answer any of them.
        files: of the project, by relative path.
        file_changes: other contents of such files; a lock of the first does not answer any of them.
        artifact: makes the package under test, with the workbench; ``files`` are its source tree.
        environ: variables of the host beside those of the process.
    """

    driver: Locker
    provider: Provider
    factors: tuple[str, ...] = ()
    options: Table = field(default_factory=dict)
    changes: Sequence[Table] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    file_changes: Mapping[str, str] = field(default_factory=dict)
    artifact: Callable[[Workbench], Artifact] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
