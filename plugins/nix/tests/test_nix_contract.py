"""The rules that kern relies on, for each driver of kern-nix, on a real nix and a store of the tests' own."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from kern.testing import (
    ActivatorCase,
    ActivatorContract,
    AdopterCase,
    AdopterContract,
    BuilderCase,
    BuilderContract,
    ProviderCase,
    ProviderContract,
    Workbench,
)
from kern_nix.activator import NixActivator
from kern_nix.adopter import NixAdopter
from kern_nix.builder import NixBuilder
from kern_nix.provider import NixProvider
from plugins.nix.tests import nix_store

if TYPE_CHECKING:
    from kern.api import Environment

OWN = f"py{sys.version_info[0]}{sys.version_info[1]}"


class TestNixProvider(ProviderContract):
    @pytest.fixture
    def case(self, nix_variables: dict[str, str]) -> ProviderCase:
        files = nix_store.files()
        return ProviderCase(
            driver=NixProvider(),
            factors=(OWN, "nix"),
            options={"nix_inputs": ["data.txt"], "overlay": True},
            changes=[
                {"attr": "other"},
                {"nix_args": ["--argstr", "a", "b"]},
                {"shell_hook": "once"},
                {"nix_command": "nix-shell"},
                {"deps": ["pytest"]},
                {"nix_file": "default.nix"},
                {"overlay": False},
            ],
            files={**files, "data.txt": "one"},
            file_changes={"shell.nix": nix_store.HOOKED, "kern-library.nix": "{}", "data.txt": "two"},
            environ=nix_variables,
        )


class TestNixBuilder(BuilderContract):
    @pytest.fixture
    def case(self, nix_variables: dict[str, str]) -> BuilderCase:
        return BuilderCase(
            driver=NixBuilder(),
            files=nix_store.files(),
            changes=[{"nix_file": "shell.nix"}, {"attr": "x"}, {"nix_args": ["--show-trace"]}],
            provider=NixProvider(),
            factors=("nix",),
            environ=nix_variables,
        )


class TestNixActivator(ActivatorContract):
    @pytest.fixture
    def case(self, nix_variables: dict[str, str]) -> ActivatorCase:
        return ActivatorCase(driver=NixActivator(), environment=_hooked, environ=nix_variables)


class TestNixAdopter(AdopterContract):
    @pytest.fixture
    def case(self, nix_variables: dict[str, str]) -> AdopterCase:
        def location(bench: Workbench) -> str:
            bench.write(nix_store.files())
            return os.path.join(bench.project_dir, "shell.nix")

        return AdopterCase(driver=NixAdopter(), location=location, name="shell.nix", environ=nix_variables)


def _hooked(bench: Workbench) -> Environment:
    bench.write(nix_store.files(shell_nix=nix_store.HOOKED))
    provider = NixProvider()
    return bench.make(provider, bench.spec(provider, ("nix",), {}), [])
