"""Solving, in the worker process."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rattler import Client, Gateway, GenericVirtualPackage, MatchSpec, RepoDataRecord, Subdir
    from rattler.package.package_name import PackageName


_SEVERAL = 2
_PATTERN = frozenset("*^$")


class SpecError(Exception):
    """A text is no MatchSpec; says which."""


class Built:
    """Packages as files, as a source that the solver reads like a channel."""

    def __init__(self, records: Sequence[RepoDataRecord]) -> None:
        """Keep the packages' records."""
        self._records = records

    async def fetch_package_records(self, platform: Subdir, name: PackageName) -> list[RepoDataRecord]:
        """List those of a name and platform."""
        return [one for one in self._records if one.name == name and one.subdir == str(platform)]

    def package_names(self, platform: Subdir) -> list[str]:
        """List all names of a platform."""
        return [one.name.normalized for one in self._records if one.subdir == str(platform)]


async def solve(question: dict[str, Any], machine: dict[str, Any]) -> list[RepoDataRecord]:
    """Find the packages that answer a question (see `kern_conda.questions.Question`)."""
    import rattler
    from rattler.channel import ChannelPriority

    from kern_conda.rattling_records import from_json

    built = await read_packages(question["packages"])
    specs = [*(exactly(record) for record in built), *question["specs"]]
    if not specs:
        return []
    _say_what(specs, question["channels"])
    platform = question["platform"] or str(rattler.Subdir.current())
    return await rattler.solve(
        sources=[*((Built(built),) if built else ()), *question["channels"]],
        specs=_with_names([match_spec(spec) for spec in specs], question),
        gateway=_gateway(question, machine),
        platforms=[platform, "noarch"],  # type: ignore[list-item]
        virtual_packages=virtual_packages(question),
        channel_priority=ChannelPriority[question["channel_priority"].capitalize()],
        constraints=question["constraints"] or None,
        locked_packages=from_json(question["preferred"]),
    )


def _with_names(specs: list[MatchSpec], question: dict[str, Any]) -> list[MatchSpec]:
    """Ask for each name besides, without a version, where it counts that a channel has the name at all.

    The solver is given only what matches what is asked for. Under strict priority a channel with nothing but other
    versions of a package has to be seen, or a later one is taken in its place.
    """
    if question["channel_priority"] != "strict" or len(question["channels"]) < _SEVERAL:
        return specs
    names = dict.fromkeys(str(spec.name.normalized) for spec in specs if spec.channel is None and spec.name is not None)
    return [*specs, *(match_spec(name) for name in names if not _PATTERN & set(name))]


def match_spec(text: str) -> MatchSpec:
    """Read a MatchSpec.

    Raises:
        SpecError: it is none.
    """
    from rattler import MatchSpec

    try:
        return MatchSpec(text, strict=False)
    except Exception as error:  # noqa: BLE001 - rattler's errors have no common class
        raise SpecError(f"{text!r} is no MatchSpec: {error}") from None


async def read_packages(paths: Iterable[str]) -> list[RepoDataRecord]:
    """Read the records of package files."""
    from rattler import RepoDataRecord

    records = []
    for path in paths:
        record = await RepoDataRecord.from_package_archive(path)
        record.channel = Path(os.path.dirname(path)).as_uri()
        records.append(record)
    return records


def exactly(record: RepoDataRecord) -> str:
    """Say one file as a MatchSpec: nothing else of its name, from wherever, has its hash."""
    digest = record.sha256.hex() if record.sha256 else ""
    return f"{record.name.normalized}[sha256={digest}]"


def virtual_packages(question: dict[str, Any]) -> list[GenericVirtualPackage]:
    """List what the machine is known to have: detected where that counts, then what the user says in its place."""
    from rattler import VirtualPackage, VirtualPackageOverrides

    detected = []
    if question["detect"]:
        detected = [one.into_generic() for one in VirtualPackage.detect(VirtualPackageOverrides.from_env())]
    stated = [_virtual_package(text) for text in question["virtual_packages"]]
    names = {one.name.normalized for one in stated}
    return [*(one for one in detected if one.name.normalized not in names), *stated]


def client(machine: dict[str, Any]) -> Client:
    """Make the one that fetches: proxies, certificates and credentials as `kern_conda.network` found them."""
    return _client(machine["client"])


@functools.cache
def _client(settings: str) -> Client:
    from rattler import Client, Config

    return Client.from_config(Config.from_toml(settings), user_agent="kern-conda")


def _virtual_package(text: str) -> GenericVirtualPackage:
    from rattler import GenericVirtualPackage, PackageName, Version
    from rattler.package import BuildString

    name, _, rest = text.partition("=")
    version, _, build = rest.partition("=")
    return GenericVirtualPackage(PackageName(name), Version(version or "0"), BuildString(build or "0"))


def _gateway(question: dict[str, Any], machine: dict[str, Any]) -> Gateway:
    from rattler import Gateway, SourceConfig

    action = "force-cache-only" if question["offline"] else "no-cache" if machine["renew"] else "cache-or-fetch"
    return Gateway(
        cache_dir=Path(machine["repodata"]),
        default_config=SourceConfig(cache_action=action),  # type: ignore[arg-type]
        client=client(machine),
    )


def _say_what(specs: Sequence[str], channels: Sequence[str]) -> None:
    from kern_conda.secrets import without_secrets

    shown = ", ".join(map(without_secrets, channels)) or "no channel"
    print(f"solving {', '.join(specs)} from {shown}", flush=True)  # noqa: T201 - standard output is the step's log
