"""What tests of the kernel share: drivers that do nothing but answer, and sessions on projects made of a text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from kern.api import API, Artifact, EnvSpec, PackageSpec, Unavailable
from kern.drivers import Entry
from kern.errors import PluginError
from kern.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Open = Callable[..., Session]


class VenvOptions(NamedTuple):
    """Options of the provider that tests call venv.

    Attributes:
        deps: what is installed.
        base_python: the interpreter.
    """

    deps: tuple[str, ...] = ()
    base_python: str = ""


class CondaOptions(NamedTuple):
    """Options of the provider that tests call conda."""

    deps: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


class PackageOptions(NamedTuple):
    """Options of all builders of the tests."""

    flags: tuple[str, ...] = ()


@dataclass
class FakeProvider:
    """Claims ``pyNN``; what it can't have, and what its content depends on beside the options, is up to the test."""

    Options: type[Any]
    accepts: tuple[str, ...]
    pools: tuple[str, ...] = ()
    absent: dict[str, Unavailable] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    disposed: list[str] = field(default_factory=list)
    api: int = API

    def claims(self, factor: str) -> bool:
        return factor.startswith("py")

    def probe(self, spec: EnvSpec, context: object) -> Unavailable | None:
        return self.absent.get(spec.name)

    def fingerprint(self, spec: EnvSpec, context: object) -> Mapping[str, Any]:
        return {**spec.options._asdict(), **self.inputs}

    def drift(self, spec: EnvSpec, adopted: object, context: object) -> tuple[str, ...]:
        return ()

    def dispose(self, location: str, context: object) -> None:
        self.disposed.append(location)


@dataclass
class FakeBuilder:
    """Builds nothing. Variants, and what can't be built, are up to the test, by name of the environment."""

    produces: str
    pools: tuple[str, ...] = ()
    watches: tuple[str, ...] = ("*.py",)
    variants: dict[str, str] = field(default_factory=dict)
    absent: dict[str, Unavailable] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    fits: dict[str, int] = field(default_factory=dict)
    implied: str = ""
    Options: type[Any] = PackageOptions
    api: int = API

    def probe(self, package: PackageSpec, spec: EnvSpec, context: object) -> Unavailable | None:
        return self.absent.get(spec.name)

    def source(self, options: object) -> str:
        return self.implied

    def variant(self, package: PackageSpec, spec: EnvSpec, context: object) -> str:
        return self.variants.get(spec.name, "")

    def fingerprint(self, package: PackageSpec, spec: EnvSpec, context: object) -> Mapping[str, Any]:
        return {"flags": package.options.flags, **self.inputs}

    def fit(self, artifact: Artifact, spec: EnvSpec, context: object) -> int | None:
        return self.fits.get(artifact.name)

    def read(self, path: str, context: object) -> Artifact | None:
        if not path.endswith(f".{self.produces}"):
            return None
        name = path.rpartition("/")[2].partition(".")[0]
        return Artifact(self.produces, path, name, "1", f"digest of {name}")


class FakeRegistry:
    """The drivers of a test by group and name, and what was asked for."""

    def __init__(self) -> None:
        self.venv = FakeProvider(VenvOptions, ("sdist", "wheel"), pools=("making",))
        self.conda = FakeProvider(CondaOptions, ("conda",))
        self.sdist = FakeBuilder("sdist")
        self.wheel = FakeBuilder("wheel", pools=("building",))
        self.condarc = FakeBuilder("conda")
        self.drivers: dict[str, dict[str, Any]] = {
            "kern.provider": {"conda": self.conda, "venv": self.venv},
            "kern.builder": {"conda": self.condarc, "sdist": self.sdist, "wheel": self.wheel},
        }
        self.hidden: set[str] = set()
        self.loaded: list[tuple[str, str]] = []
        self.required: list[tuple[str, ...]] = []

    def names(self, group: str) -> tuple[str, ...]:
        return tuple(sorted(set(self.drivers.get(group, {})) - self.hidden))

    def all(self, group: str, *, refused: bool = False) -> tuple[Entry, ...]:
        return tuple(Entry(group, name, f"fakes:{name}", "kern-fakes", "1") for name in self.names(group))

    def load(self, group: str, name: str) -> Any:
        self.loaded.append((group, name))
        if name not in self.drivers.get(group, {}):
            raise PluginError(f"nothing offers {name} in {group}", hint=f"install kern-{name}")
        return self.drivers[group][name]

    def restrict(self, restrictions: object) -> None:
        """Everything is allowed."""

    def require(self, requires: tuple[str, ...], *, where: str = "") -> None:
        self.required.append(requires)


@pytest.fixture
def drivers() -> FakeRegistry:
    """The drivers that sessions of a test see."""
    return FakeRegistry()


@pytest.fixture
def open_session(tmp_path: Path, drivers: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a session on a project in the folder ``project`` with this ``kern.toml``; keywords are the session's."""
    monkeypatch.setattr("kern.session.registry", lambda: drivers)
    monkeypatch.setenv("KERN_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()

    def opened(text: str, **keywords: Any) -> Session:
        (folder / "kern.toml").write_text(text, encoding="utf-8")
        keywords.setdefault("environ", {"HOME": "/home/me", "PATH": "/bin"})
        keywords.setdefault("warn", lambda _: None)
        return Session(str(folder), **keywords)

    return opened
