"""What a driver may have beyond its protocol: each such method a protocol of its own, named after driver and method.

The kernel looks for the method by its name and does without where it is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api.protocols import Context
    from kern.api.values import EnvSpec, Unavailable


class ProviderRequirements(Protocol):
    """Optional for a `Provider`: ``kern show --json`` prints it for those who provide it in another way."""

    def requirements(self, spec: EnvSpec, context: Context) -> Mapping[str, Sequence[str]]:
        """All that the options ask for, by the names of the options, with files and groups followed.

        No network, no process, no write.

        Raises:
            ConfigError: a file that the options name can't be read.
        """


class AdopterOffers(Protocol):
    """Optional for an `Adopter`: the hint where nothing is found behind its ``KIND:``."""

    def offers(self, context: Context) -> str:
        """What can stand behind ``KIND:``, in a sentence; best with the names that there are."""


class LockerProbe(Protocol):
    """Optional for a `Locker`, if more can be locked on a machine than can be made; without it the provider's counts."""

    def probe(self, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether the environment could be locked on this machine. No network, no process, no write; never raises."""


OPTIONAL: Mapping[str, tuple[type, ...]] = {
    "Provider": (ProviderRequirements,),
    "Adopter": (AdopterOffers,),
    "Locker": (LockerProbe,),
}
"""By the name of a driver's protocol: what such a driver may have besides."""
