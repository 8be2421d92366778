"""The builder ``sdist``: one source distribution serves every environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern_wheel.fitting import sdist_rank, unavailable
from kern_wheel.options import BuildOptions
from kern_wheel.rows import build_inputs, sdist_interpreter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Artifact, Context, EnvSpec, PackageSpec, Unavailable


class SdistBuilder:
    """Builds a source distribution from the tree (PEP 517 ``build_sdist``)."""

    api: int = 1
    Options: type[Any] = BuildOptions
    pools: tuple[str, ...] = ()
    produces: str = "sdist"
    watches: tuple[str, ...] = ()

    def source(self, options: Any) -> str:  # noqa: ARG002
        """Nothing: it is built from the tree, unless the user says otherwise."""
        return ""

    def probe(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether the tree can be built and its requires-python takes the row's interpreter."""
        return unavailable(package.root, spec, context)

    def variant(self, package: PackageSpec, spec: EnvSpec, context: Context) -> str:  # noqa: ARG002
        """One build for all."""
        return ""

    def fingerprint(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Mapping[str, Any]:  # noqa: ARG002
        """Options and version; not the interpreter, since all rows share the build whoever comes first."""
        return build_inputs(package)

    def build(self, package: PackageSpec, spec: EnvSpec, source: Artifact | None, context: Context) -> Artifact:
        """Build from the tree; ``source`` must be ``None``."""
        from kern.api import StepFailed
        from kern_wheel.archives import read_sdist
        from kern_wheel.steps import build_from

        path = build_from("sdist", package, source, sdist_interpreter(spec, context), context)
        artifact = read_sdist(path) if path.endswith(".tar.gz") else None
        if artifact is None:
            raise StepFailed("the build backend made something that is no source distribution", where=path)
        return artifact

    def fit(self, artifact: Artifact, spec: EnvSpec, context: Context) -> int | None:
        """0 unless Requires-Python speaks against it."""
        return sdist_rank(artifact, spec, context)

    def read(self, path: str, context: Context) -> Artifact | None:  # noqa: ARG002
        """A ``.tar.gz`` file with a ``PKG-INFO``."""
        if not path.endswith(".tar.gz"):
            return None
        from kern_wheel.archives import read_sdist

        return read_sdist(path)
