"""The builder ``npm``: what ``npm pack`` makes, the very file that ``npm publish`` would send."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kern.api import Unavailable
from kern_npm import __version__
from kern_npm.options import NpmPackageOptions
from kern_npm.versions import find_program, identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Artifact, Context, EnvSpec, PackageSpec


class NpmBuilder:
    """Packs npm packages."""

    api = 1
    Options = NpmPackageOptions
    pools: tuple[str, ...] = ()
    produces = "npm"
    watches: tuple[str, ...] = ()

    def source(self, options: NpmPackageOptions) -> str:  # noqa: ARG002
        """Nothing: it is packed from the tree."""
        return ""

    def probe(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Unavailable | None:  # noqa: ARG002
        """Whether there is a package.json, and npm."""
        if not os.path.isfile(os.path.join(package.root, "package.json")):
            return Unavailable(reason=f"{package.root} has no package.json", hint='package = "none"', missing=False)
        if not find_program("npm", context.environ):
            return Unavailable(reason="npm is not installed", hint="install Node with npm", missing=True)
        return None

    def variant(self, package: PackageSpec, spec: EnvSpec, context: Context) -> str:  # noqa: ARG002
        """One for all: what is packed are sources."""
        return ""

    def fingerprint(self, package: PackageSpec, spec: EnvSpec, context: Context) -> Mapping[str, Any]:  # noqa: ARG002
        """The options and the host's npm."""
        npm = identity(find_program("npm", context.environ))
        return {"kern-npm": __version__, "npm": npm, "ignore_scripts": package.options.ignore_scripts}

    def build(self, package: PackageSpec, spec: EnvSpec, source: Artifact | None, context: Context) -> Artifact:  # noqa: ARG002
        """Pack the tree."""
        from kern_npm.packing import pack

        return pack(package, context)

    def fit(self, artifact: Artifact, spec: EnvSpec, context: Context) -> int | None:  # noqa: ARG002
        """It fits every Node environment; ``engines`` is npm's to judge."""
        return 0

    def read(self, path: str, context: Context) -> Artifact | None:  # noqa: ARG002
        """A ``.tgz`` file with a package in it."""
        if not path.endswith(".tgz"):
            return None
        from kern_npm.packing import read_package

        return read_package(path)
