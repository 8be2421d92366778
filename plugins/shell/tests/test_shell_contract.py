"""kern's contract, on the activator ``script``."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from kern.api import Environment
from kern.testing import ActivatorCase, ActivatorContract
from kern_shell.activator import ScriptActivator

if TYPE_CHECKING:
    from kern.testing import Workbench

SCRIPT = """
export LOADED="by ä script" PATH="/of/the script:$PATH"
unset UNLOADED
helper() { echo helper; }
sleep 600 &
"""


def place(bench: Workbench) -> Environment:
    location = os.path.join(bench.root, "environments", "of the usér")
    os.makedirs(location)
    script = os.path.join(location, "load me.sh")
    with open(script, "w", encoding="utf-8") as file:
        file.write(SCRIPT)
    return Environment(location, "script", facts={"scripts": json.dumps([script])})


class TestScriptActivator(ActivatorContract):
    @pytest.fixture
    def case(self) -> ActivatorCase:
        return ActivatorCase(driver=ScriptActivator(), environment=place, environ={"UNLOADED": "of the host"})
