"""The plan as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Adopted, Artifact, EnvSpec, PackageSpec
    from kern.sources import Snapshot

REUSE = "reuse"
MAKE = "make"
UPDATE = "update"
BUILD = "build"
SETTLE = "settle"
"""The environment is ready; whether the package must be put in again shows when it has been built."""

EXISTING = "existing"
"""The row runs in an environment that is there already; nothing is done to it."""

SCRIPT = "script"
"""Name of the activator that sources the user's scripts."""


class Row(NamedTuple):
    """One line of the matrix: an environment with one of its packages.

    Attributes:
        name: the environment's name.
        factors: its parts.
        provider: the provider's entry point name.
        package: name of the package definition, empty for none.
        label: what the user sees.
        key: name of its directory, record and logs: the environment's, with ``@package`` where it has several.
        why: the rule that chose the package.
        existing: the target that it runs in instead of an environment of its own; empty for none.
    """

    name: str
    factors: tuple[str, ...]
    provider: str
    package: str
    label: str
    key: str
    why: str
    existing: str = ""


class CommandLine(NamedTuple):
    """A command as configured: words that are still to be substituted, and whether its exit code counts."""

    words: tuple[str, ...]
    ignore_exit: bool


class RunSettings(NamedTuple):
    """The kernel's own settings of a row, resolved."""

    commands_pre: tuple[CommandLine, ...]
    commands: tuple[CommandLine, ...]
    commands_post: tuple[CommandLine, ...]
    change_dir: str
    set_env: Mapping[str, Any]
    pass_env: tuple[str, ...]
    ignore_outcome: bool
    retries: int
    timeout: float | None
    total_timeout: float | None
    limits: tuple[str, ...]
    activate: tuple[str, ...] = ()
    command_prefix: tuple[str, ...] = ()


class Build(NamedTuple):
    """A package that rows need, in one variant.

    Attributes:
        key: ``build:wheel:cp312``.
        package: what is built.
        spec: the environment that it is built for; the first of those that share it.
        variant: what the builder calls this build.
        fingerprint: what it depends on beside the sources.
        snapshot: the source tree; ``None`` where it is built from another artifact.
        action: `REUSE` or `BUILD`.
        reason: why it is built.
        artifact: the artifact, where it is known already.
        source: key of the build that this one starts from, empty for the tree.
        first: key of an earlier variant, whose artifact serves if it fits; empty for the first.
        watches: patterns of the files it depends on.
        pools: limits that the builder takes part in.
    """

    key: str
    package: PackageSpec
    spec: EnvSpec
    variant: str
    fingerprint: Mapping[str, Any]
    snapshot: Snapshot | None
    action: str
    reason: str
    artifact: Artifact | None
    source: str
    first: str
    pools: tuple[str, ...]


class Existing(NamedTuple):
    """The environment that a row runs in instead of one of its own.

    Attributes:
        target: what the user wrote.
        kind: the adopter that recognised it; ``kern`` for an environment of the project.
        adopted: the environment; ``None`` if it can't be had, or is not made yet.
        key: name of its record and its lock, where it is an environment of the project; else empty.
        reason: why it can't be had; else empty.
        hint: how to mend that.
        strict: whether it is an error if it lacks something.
    """

    target: str
    kind: str = ""
    adopted: Adopted | None = None
    key: str = ""
    reason: str = ""
    hint: str = ""
    strict: bool = False


class RowPlan(NamedTuple):
    """What is to be done for a row.

    Attributes:
        row: the row.
        spec: the environment, as its provider sees it.
        run: how its commands run.
        action: `REUSE`, `MAKE`, `UPDATE`, `SETTLE` or `EXISTING`.
        reason: why the environment is made or changed.
        inputs: what the environment depends on, for its record.
        build: key of the build whose artifact is installed, empty for none.
        artifact: a ready artifact that the user handed over.
        stamp: identity of the record that the decision was made on, empty if there was none.
        depends: labels of the rows that run before.
        pools: limits that making the environment takes part in.
        outcome: ``skipped`` or ``error`` where it is clear already that it won't run; else empty.
        hint: how to mend that.
        shown: the commands with everything substituted that is known yet.
        existing: where it runs instead of in an environment of its own.
        drift: what that environment lacks of what the row asks for, in words.
    """

    row: Row
    spec: EnvSpec
    run: RunSettings
    action: str
    reason: str
    inputs: Mapping[str, Any]
    build: str
    artifact: Artifact | None
    stamp: str
    depends: tuple[str, ...]
    pools: tuple[str, ...]
    outcome: str = ""
    hint: str = ""
    shown: tuple[tuple[str, ...], ...] = ()
    existing: Existing | None = None
    drift: tuple[str, ...] = ()


class Plan(NamedTuple):
    """Builds in an order in which they can be made, rows in the order of the matrix, and things to say."""

    builds: tuple[Build, ...]
    rows: tuple[RowPlan, ...]
    notices: tuple[str, ...]
