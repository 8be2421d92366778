"""What entering a nix environment changes in the environment variables: cleaning and keeping."""

from __future__ import annotations

import os
from typing import NamedTuple

from kern.api import EnvDelta, StepFailed

PROFILE = "profile"
"""Name of the link that keeps an environment from the garbage collector."""

SCRIPT = "activate.bash"
"""Name of the file with what ``nix print-dev-env`` said."""

FILE = "activation.json"
"""Name of the file, in an environment's directory, that `write_entry` writes."""

_OF_BASH = frozenset(("SHELL", "shellHook"))
_TEMPORARY = ("TMPDIR", "TMP", "TEMP", "TEMPDIR")
_OF_BUILDS = {
    "HOME": "/homeless-shelter",
    "SSL_CERT_FILE": "/no-cert-file.crt",
    "NIX_SSL_CERT_FILE": "/no-cert-file.crt",
}
"""Values that nix gives to builds so that they can't reach what these variables mean."""

_NO_PATH = "/path-not-set"
"""What nix sets PATH to for a build that sets none."""


class Entry(NamedTuple):
    """How commands get into an environment.

    Attributes:
        delta: what entering changed when the environment was made.
        hook: whether the environment has a ``shellHook`` that is to be run at each activation.
    """

    delta: EnvDelta
    hook: bool


def cleaned(delta: EnvDelta) -> EnvDelta:
    """Take away what only a build, or bash itself, has a use for.

    The temporary directory that nix's script makes for each shell is removed with the activation, so the variables
    that name it go too; one that a ``shellHook`` has set to something else stays.
    """
    temporary = delta.set.get("NIX_BUILD_TOP", "")
    left_out = {*_OF_BASH, "NIX_BUILD_TOP", *(name for name in _TEMPORARY if delta.set.get(name) == temporary)}
    left_out |= {name for name, value in _OF_BUILDS.items() if delta.set.get(name) == value}
    return EnvDelta(
        set={name: value for name, value in delta.set.items() if name not in left_out},
        unset=tuple(name for name in delta.unset if name not in left_out),
        prepend={name: tuple(path for path in paths if path != _NO_PATH) for name, paths in delta.prepend.items()},
    )


def write_entry(directory: str, entry: Entry) -> None:
    """Keep an entry in an environment's directory."""
    import json

    value = {
        "set": dict(entry.delta.set),
        "unset": list(entry.delta.unset),
        "prepend": {name: list(paths) for name, paths in entry.delta.prepend.items()},
        "hook": entry.hook,
    }
    with open(os.path.join(directory, FILE), "w", encoding="utf-8", errors="surrogateescape") as file:
        json.dump(value, file, ensure_ascii=False)


def read_entry(directory: str) -> Entry:
    """Read what `write_entry` kept.

    Raises:
        StepFailed: it is not there or is damaged.
    """
    import json

    path = os.path.join(directory, FILE)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            value = json.load(file)
        prepend = {name: tuple(paths) for name, paths in value["prepend"].items()}
        return Entry(EnvDelta(value["set"], tuple(value["unset"]), prepend), bool(value["hook"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        hint = "make the environment anew with --recreate"
        raise StepFailed(f"{FILE} of the environment can't be read", where=path, hint=hint) from None
