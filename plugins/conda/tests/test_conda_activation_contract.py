"""The activator and the adopter of kern-conda keep their contracts, on a prefix with scripts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kern.api import Environment
from kern.testing import ActivatorCase, ActivatorContract, AdopterCase, AdopterContract
from kern_conda.activator import CondaActivator
from kern_conda.adopter import CondaAdopter
from plugins.conda.tests import conda_channel

if TYPE_CHECKING:
    from kern.testing import Workbench

FILES = {
    "conda-meta/history": "",
    "conda-meta/python-3.12.1-h0_0.json": "{}",
    "etc/conda/activate.d/actdemo.sh": conda_channel.ACTIVATE + "sleep 300 &\n",
    "etc/conda/deactivate.d/actdemo.sh": conda_channel.DEACTIVATE,
    "etc/conda/env_vars.d/actdemo.json": '{"ACTDEMO_STATED": "yes"}',
}


def make(workbench: Workbench, place: str = "the prefix") -> str:
    prefix = os.path.join(workbench.root, place)
    for path, text in FILES.items():
        os.makedirs(os.path.dirname(os.path.join(prefix, path)), exist_ok=True)
        with open(os.path.join(prefix, path), "w", encoding="utf-8") as file:
            file.write(text)
    return prefix


def make_named(workbench: Workbench) -> str:
    workbench.environ["CONDA_ENVS_DIRS"] = os.path.join(workbench.root, "many")
    return make(workbench, "many/contract-test")


class TestCondaActivator(ActivatorContract):
    @pytest.fixture
    def case(self) -> ActivatorCase:
        return ActivatorCase(
            driver=CondaActivator(), environment=lambda workbench: Environment(make(workbench), "conda")
        )


class TestCondaActivatorAroundCommands(ActivatorContract):
    @pytest.fixture
    def case(self) -> ActivatorCase:
        return ActivatorCase(
            driver=CondaActivator(),
            environment=lambda workbench: Environment(make(workbench), "conda", facts={"activation": "wrap"}),
        )


class TestCondaAdopter(AdopterContract):
    @pytest.fixture
    def case(self) -> AdopterCase:
        return AdopterCase(driver=CondaAdopter(), location=make_named, name="contract-test")
