"""The builder ``nix``: a package as a derivation, in the nix store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.api import Unavailable
from kern_nix.options import NixPackageOptions
from kern_nix.programs import missing_nix
from kern_nix.subject import PACKAGE_FILES, choose_subject, wish_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Artifact, Context, EnvSpec, PackageSpec


class NixBuilder:
    """Builds with ``nix-build`` from a file, with ``nix build`` from a flake."""

    api: int = 1
    Options: type[Any] = NixPackageOptions
    pools: tuple[str, ...] = ()
    produces: str = "nix"
    watches: tuple[str, ...] = ()

    def source(self, options: Any) -> str:  # noqa: ARG002
        """Nothing: the expression says what it is built from."""
        return ""

    def probe(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Unavailable | None:  # noqa: ARG002
        """Whether nix is installed and the expression is there."""
        subject = choose_subject(wish_of(package.options), package.root, PACKAGE_FILES)
        return subject if isinstance(subject, Unavailable) else missing_nix(context.environ)

    def variant(self, package: PackageSpec, spec: EnvSpec, context: Context) -> str:  # noqa: ARG002
        """One build for all: what differs is said in definitions of their own."""
        return ""

    def fingerprint(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Mapping[str, Any]:  # noqa: ARG002
        """The options, nix itself, and where nixpkgs is."""
        from kern_nix.building import subject_of
        from kern_nix.fingerprint import expression_inputs

        return expression_inputs(subject_of(package), context.environ)

    def build(
        self,
        package: PackageSpec,
        spec: EnvSpec,  # noqa: ARG002
        source: Artifact | None,
        context: Context,
    ) -> Artifact:
        """Build into the store; the artifact is a link to it."""
        from kern_nix.building import build

        return build(package, source, context)

    def fit(self, artifact: Artifact, spec: EnvSpec, context: Context) -> int | None:  # noqa: ARG002
        """0 for every environment, as long as it is in the store."""
        from kern_nix.store_paths import store_path

        return 0 if store_path(artifact.path) else None

    def read(self, path: str, context: Context) -> Artifact | None:  # noqa: ARG002
        """A directory in the store, or a link to one (``result``)."""
        from kern_nix.building import read

        return read(path)
