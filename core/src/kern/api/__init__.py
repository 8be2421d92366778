"""The contract between the kernel and its plugins: values and protocols, nothing else.

A plugin author needs this module and no other. Values are frozen; make them with keywords only, since fields may be added
(they are named tuples because each dataclass costs most of a millisecond of every start). Drivers are plain classes without a base class that
match one of the protocols, are made without arguments, keep no state, and are named by an entry point:

=================== ============== =====================================================
entry point group   protocol       answers
=================== ============== =====================================================
``kern.provider``   `Provider`     how is an environment of this kind made and filled?
``kern.builder``    `Builder`      how is a package of this kind built?
``kern.activator``  `Activator`    how does a command run inside such an environment?
``kern.adopter``    `Adopter`      is this location an environment of this kind? (optional)
``kern.locker``     `Locker`       what exactly does such an environment consist of? (optional)
``kern.hooks``      (functions)    something happened (see the hooks page of the documentation)
=================== ============== =====================================================

What a driver may have besides: `ProviderRequirements`, `AdopterOffers`, `LockerProbe`.

The module that an entry point names is imported in every run that uses it, so it should import only the standard
library's light parts at the top, and what is heavy inside the functions that need it.
"""

from typing import TYPE_CHECKING

from kern.api.values import (
    API,
    MARKER,
    NOTHING,
    Activation,
    Adopted,
    Artifact,
    Command,
    Completed,
    EnvDelta,
    Environment,
    EnvSpec,
    PackageSpec,
    Unavailable,
)
from kern.errors import ConfigError, KernError, StepFailed

if TYPE_CHECKING:
    from kern.api.optional import AdopterOffers, LockerProbe, ProviderRequirements
    from kern.api.protocols import Activator, Adopter, Builder, Context, Locker, Provider, Running

__all__ = [
    "API",
    "MARKER",
    "NOTHING",
    "Activation",
    "Activator",
    "Adopted",
    "Adopter",
    "AdopterOffers",
    "Artifact",
    "Builder",
    "Command",
    "Completed",
    "ConfigError",
    "Context",
    "EnvDelta",
    "EnvSpec",
    "Environment",
    "KernError",
    "Locker",
    "LockerProbe",
    "PackageSpec",
    "Provider",
    "ProviderRequirements",
    "Running",
    "StepFailed",
    "Unavailable",
]

_HOMES = {
    **dict.fromkeys(("AdopterOffers", "LockerProbe", "ProviderRequirements"), "optional"),
    **dict.fromkeys(("Activator", "Adopter", "Builder", "Context", "Locker", "Provider", "Running"), "protocols"),
}


def __getattr__(name: str) -> object:
    """Import the protocols when one is asked for (PEP 562): only the checks of drivers and type checkers ever do."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"kern.api.{home}"), name)
