"""kern's contract, on the activator and the adopter; the tests of the other drivers of kern-conda have theirs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kern.testing import ActivatorCase, ActivatorContract, AdopterCase, AdopterContract
from kern_conda.activator import CondaActivator
from kern_conda.adopter import CondaAdopter
from kern_conda.provider import CondaProvider

if TYPE_CHECKING:
    from kern.api import Environment
    from kern.testing import Workbench


def make(bench: Workbench, channel: str, where: str, **options: object) -> Environment:
    """A real environment whose packages have all that activation may do."""
    provider = CondaProvider()
    table = {"channels": [channel], "conda_deps": ["actdemo", "lastdemo"], **options}
    return bench.make(provider, bench.spec(provider, (), table, where), [])


class TestSnapshot(ActivatorContract):
    @pytest.fixture
    def case(self, channel: str) -> ActivatorCase:
        return ActivatorCase(
            driver=CondaActivator(),
            environment=lambda bench: make(bench, channel, "snapshot"),
            environ={"ACTDEMO_SHOULD_VANISH": "of the host"},
        )


class TestWrap(ActivatorContract):
    @pytest.fixture
    def case(self, channel: str) -> ActivatorCase:
        return ActivatorCase(
            driver=CondaActivator(), environment=lambda bench: make(bench, channel, "wrap", activation="wrap")
        )


class TestAdopter(AdopterContract):
    @pytest.fixture
    def case(self, channel: str, workbench: Workbench) -> AdopterCase:
        environments = os.path.join(workbench.root, "environments")
        return AdopterCase(
            driver=CondaAdopter(),
            location=lambda bench: make(bench, channel, "adopted").location,
            name="adopted",
            environ={"CONDA_ENVS_DIRS": environments, "HOME": workbench.root},
        )
