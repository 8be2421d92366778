"""Drivers that are whole and do next to nothing: for unit tests, and the smallest examples there are."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kern.api import Activation, Adopted, Artifact, EnvDelta, Environment, StepFailed
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kern.api import Context, EnvSpec, PackageSpec


class FakeOptions(NamedTuple):
    """Options of all fakes.

    Attributes:
        words: Anything.
    """

    words: tuple[str, ...] = ()


class FakeProvider:
    """An environment is a directory with a file of words."""

    api = 1
    Options = FakeOptions
    pools: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ("fake",)

    def claims(self, factor: str) -> bool:
        """Whether a factor begins with ``fake``."""
        return factor.startswith("fake")

    def probe(self, spec: EnvSpec, context: Context) -> None:  # noqa: ARG002
        """It can always be made."""
        return

    def fingerprint(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:  # noqa: ARG002
        """The words."""
        return {"words": list(spec.options.words)}

    def provision(self, spec: EnvSpec, context: Context) -> Environment:  # noqa: ARG002
        """Write the words."""
        with open(os.path.join(spec.location, "words"), "w", encoding="utf-8") as file:
            file.write("\n".join(spec.options.words))
        return Environment(location=spec.location, activator="fake", watch=("words",))

    def install(
        self,
        spec: EnvSpec,  # noqa: ARG002
        environment: Environment,
        artifacts: Sequence[Artifact],
        context: Context,  # noqa: ARG002
    ) -> Mapping[str, str]:
        """Write the names of the artifacts."""
        with open(os.path.join(environment.location, "installed"), "w", encoding="utf-8") as file:
            file.writelines(f"{artifact.name}\n" for artifact in artifacts)
        return {artifact.name: artifact.version for artifact in artifacts}

    def drift(self, spec: EnvSpec, adopted: Adopted, context: Context) -> Sequence[str]:  # noqa: ARG002
        """The words that are not installed."""
        return [f"{word} is not installed" for word in spec.options.words if word not in adopted.installed]

    def dispose(self, location: str, context: Context) -> None:
        """Nothing lies outside of the directory."""


class FakeActivator:
    """Sets one variable and takes one away."""

    api = 1
    pools: tuple[str, ...] = ()

    @contextmanager
    def activate(self, environment: Environment, context: Context) -> Iterator[Activation]:  # noqa: ARG002
        """Say where the environment is."""
        yield Activation(EnvDelta(set={"FAKE": environment.location}, unset=("UNFAKE",)))


class FakeBuilder:
    """A package is a file with the content of ``fake.txt``."""

    api = 1
    Options = FakeOptions
    pools: tuple[str, ...] = ()
    produces = "fake"
    watches: tuple[str, ...] = ("fake.txt",)

    def source(self, options: FakeOptions) -> str:  # noqa: ARG002
        """It is built from the tree."""
        return ""

    def probe(self, package: PackageSpec, spec: EnvSpec, context: Context) -> None:  # noqa: ARG002
        """It can always be built."""
        return

    def variant(self, package: PackageSpec, spec: EnvSpec, context: Context) -> str:  # noqa: ARG002
        """One for all."""
        return ""

    def fingerprint(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Mapping[str, Any]:  # noqa: ARG002
        """The words."""
        return {"words": list(package.options.words)}

    def build(
        self,
        package: PackageSpec,
        spec: EnvSpec,  # noqa: ARG002
        source: Artifact | None,  # noqa: ARG002
        context: Context,
    ) -> Artifact:
        """Copy the file."""
        path, origin = os.path.join(context.output_dir, "made.fake"), os.path.join(package.root, "fake.txt")
        try:
            with open(origin, "rb") as file, open(path, "wb") as copy:
                copy.write(file.read())
        except OSError as error:
            raise StepFailed("the package can't be copied", where=origin) from error
        return _read(path)

    def fit(self, artifact: Artifact, spec: EnvSpec, context: Context) -> int:  # noqa: ARG002
        """It fits everything."""
        return 0

    def read(self, path: str, context: Context) -> Artifact | None:  # noqa: ARG002
        """A file whose name ends with ``.fake``."""
        return _read(path) if path.endswith(".fake") else None


class FakeAdopter:
    """A directory with a file of words is an environment."""

    api = 1

    def adopt(self, location: str, context: Context) -> Adopted | None:  # noqa: ARG002
        """The environment at a path."""
        if not os.path.isfile(os.path.join(location, "words")):
            return None
        environment = Environment(location=location, activator="fake", watch=("words",))
        return Adopted(environment, 3, "it has a file called words", {"words": "1"})


class FakeLocker:
    """A lock is a file with the words."""

    api = 1

    def path(self, spec: EnvSpec, packaged: bool) -> str:  # noqa: ARG002
        """A file named after the environment."""
        return f"fake.{spec.name}.lock"

    def inputs(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:  # noqa: ARG002
        """The words."""
        return {"words": list(spec.options.words)}

    def requires(self, package: PackageSpec, artifact: Artifact | None, context: Context) -> Sequence[str] | None:  # noqa: ARG002
        """What the artifact says."""
        return sorted(artifact.requirements) if artifact else None

    def read(self, path: str) -> Mapping[str, Any] | None:
        """The words that were written."""
        import json

        try:
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def lock(
        self,
        spec: EnvSpec,  # noqa: ARG002
        path: str,
        inputs: Mapping[str, Any],
        artifact: Artifact | None,  # noqa: ARG002
        upgrade: Sequence[str] | None,  # noqa: ARG002
        context: Context,  # noqa: ARG002
    ) -> None:
        """Write the words beside their place, then put them there in one step."""
        import json

        draft = f"{path}.{os.getpid()}"
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(dict(inputs), file)
        os.replace(draft, path)


def _read(path: str) -> Artifact:
    import hashlib

    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return Artifact(kind="fake", path=path, name="fake", version="1", digest=digest)
