"""kern's contract, on real npm: packages of the test's own, so no registry is asked."""

from __future__ import annotations

import json
from shutil import which
from typing import TYPE_CHECKING

import pytest

from kern.testing import ActivatorCase, ActivatorContract, BuilderCase, BuilderContract, ProviderCase, ProviderContract
from kern_npm.activator import NpmActivator
from kern_npm.builder import NpmBuilder
from kern_npm.options import NpmPackageOptions
from kern_npm.provider import NpmProvider

if TYPE_CHECKING:
    from kern.api import Artifact, Environment
    from kern.testing import Workbench

pytestmark = pytest.mark.skipif(which("npm") is None, reason="npm is not installed")

FILES = {
    "package.json": json.dumps({"name": "demo", "version": "1.2.3", "main": "index.js", "bin": {"demo": "cli.js"}}),
    "index.js": "module.exports = 42;\n",
    "cli.js": "#!/usr/bin/env node\nconsole.log('demo', require('./index.js'));\n",
}


def packed(bench: Workbench) -> list[Artifact]:
    bench.write(FILES)
    driver = NpmBuilder()
    package = bench.package(driver, NpmPackageOptions()._asdict())
    return [driver.build(package, bench.spec(None, (), {}), None, bench.context())]


def made(bench: Workbench) -> Environment:
    provider = NpmProvider()
    return bench.make(provider, bench.spec(provider, (), {"offline": True}), packed(bench))


class TestNpmProvider(ProviderContract):
    @pytest.fixture
    def case(self) -> ProviderCase:
        return ProviderCase(
            driver=NpmProvider(),
            options={"offline": True, "dev_dependencies": True},
            changes=[{"npm_deps": ["mocha"]}, {"node": "18"}, {"tests": ["test"]}],
            files=FILES,
            file_changes={"package.json": json.dumps({"name": "demo", "devDependencies": {"mocha": "10"}})},
            artifacts=packed,
            activator=NpmActivator(),
        )

    def test_it_has_an_interpreter_that_is_node(self, made: Environment) -> None:
        assert made.interpreter is not None
        assert made.interpreter.endswith("node")


class TestNpmActivator(ActivatorContract):
    @pytest.fixture
    def case(self) -> ActivatorCase:
        return ActivatorCase(driver=NpmActivator(), environment=made)


class TestNpmBuilder(BuilderContract):
    @pytest.fixture
    def case(self) -> BuilderCase:
        return BuilderCase(driver=NpmBuilder(), files=FILES, changes=[{"ignore_scripts": True}])
