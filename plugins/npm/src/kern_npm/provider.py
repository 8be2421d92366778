"""The provider ``npm``: a Node and a ``node_modules`` of its own."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from kern.api import Environment, Unavailable
from kern_npm import __version__
from kern_npm.configuration import configuration_sum
from kern_npm.options import NpmOptions
from kern_npm.versions import (
    factor_version,
    find_program,
    identity,
    registry_package,
    serves,
    stated_version,
    wanted_version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.api import Adopted, Artifact, Context, EnvSpec


class NpmProvider:
    """Makes Node environments."""

    api = 1
    Options = NpmOptions
    pools: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ("npm",)

    def claims(self, factor: str) -> bool:
        """Whether a factor names a Node: ``node``, ``node20``, ``node18.20``."""
        return factor == "node" or bool(factor_version(factor))

    def probe(self, spec: EnvSpec, context: Context) -> Unavailable | None:
        """Whether npm is there, and the Node that is wanted is or can be had."""
        if not find_program("npm", context.environ):
            return Unavailable(reason="npm is not installed", hint="install Node with npm", missing=True)
        wanted = wanted_version(spec.options.node, spec.factors)
        host = find_program("node", context.environ)
        if host and serves(stated_version(host), wanted):
            return None
        if registry_package(context.platform, os.uname().machine):
            return None
        return Unavailable(reason=f"there is no node {wanted} for this machine", hint="install it", missing=True)

    def fingerprint(self, spec: EnvSpec, context: Context) -> Mapping[str, Any]:
        """The options, the host's npm and Node, and the project's development dependencies."""
        options = spec.options
        found: dict[str, Any] = {
            "kern-npm": __version__,
            "node": identity(find_program("node", context.environ)),
            "version": wanted_version(options.node, spec.factors),
            "npm_deps": list(options.npm_deps),
            "tests": list(options.tests),
            "npmrc": configuration_sum(spec.project_dir),
        }
        if options.dev_dependencies:
            from kern_npm.installing import dev_dependencies

            found["devDependencies"] = dev_dependencies(spec)
        return found

    def provision(self, spec: EnvSpec, context: Context) -> Environment:
        """Choose the Node and make an empty prefix."""
        from kern_npm.nodes import provide_node

        options = spec.options
        node = provide_node(wanted_version(options.node, spec.factors), context, offline=options.offline)
        os.mkdir(os.path.join(spec.location, "node_modules"))
        with open(os.path.join(spec.location, "package.json"), "w", encoding="utf-8") as file:
            json.dump({"private": True}, file)
        facts = {"tests": json.dumps(options.tests), "project": spec.project_dir}
        return Environment(
            location=spec.location,
            activator="npm",
            interpreter=node,
            watch=("node_modules", "package.json"),
            volatile=(".cache", ".vite"),
            facts=facts,
        )

    def install(
        self, spec: EnvSpec, environment: Environment, artifacts: Sequence[Artifact], context: Context
    ) -> Mapping[str, str]:
        """Install the dependencies and the packed packages."""
        from kern_npm.installing import install

        return install(spec, environment.location, artifacts, context)

    def drift(self, spec: EnvSpec, adopted: Adopted, context: Context) -> Sequence[str]:  # noqa: ARG002
        """The packages that are not there; versions are npm's to compare."""
        names = [dep.rpartition("@")[0] or dep for dep in spec.options.npm_deps]
        return [f"{name} is not installed" for name in names if name not in adopted.installed]

    def dispose(self, location: str, context: Context) -> None:
        """Nothing lies outside of the directory but Nodes in the cache, which others use too."""
