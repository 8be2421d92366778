"""From an environment's facts to a running container, and how commands get into it."""

from __future__ import annotations

import json
import os
import sys
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kern.api import Activation, EnvDelta
from kern_docker.client import hidden
from kern_docker.containers import kept
from kern_docker.engines import HOME, own_variables
from kern_docker.notes import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kern.api import Context, Environment

CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "client.py")
VENV = "venv"
"""Name of the virtual environment in an environment's directory, if it has one."""


@contextmanager
def entered(environment: Environment, context: Context) -> Iterator[Activation]:
    """Keep a container, and say how commands get into it.

    Raises:
        StepFailed: it can't be started.
    """
    facts = environment.facts
    # The context's variables are what commands see here; the engine's are those that the image was found with.
    own = {**own_variables(os.environ, HOME), **json.loads(facts["variables"])}
    arguments = json.loads(facts["arguments"])
    with kept(facts["engine"], facts["image"], arguments, environment.location, context, own) as name:
        yield Activation(
            delta=EnvDelta(set=_python(environment), unset=("PYTHONHOME", "PYTHONPATH")),
            prefix=_prefix(environment, name, own),
        )


def _prefix(environment: Environment, container: str, own: dict[str, str]) -> tuple[str, ...]:
    """What stands before a command that runs in a container of an environment."""
    path = environment.facts["path"]
    if environment.interpreter is not None:
        path = f"{os.path.dirname(environment.interpreter)}:{path}"
    host = {name: zlib.crc32(os.fsencode(value)) for name, value in os.environ.items() if hidden(name)}
    told = json.dumps({"own": own, "host": host})
    return (
        *(sys.executable, "-I", "-S", CLIENT, environment.facts["engine"]),
        *(container, path, place_of(environment.location), told),
    )


def _python(environment: Environment) -> dict[str, str]:
    return {"VIRTUAL_ENV": os.path.join(environment.location, VENV)} if environment.interpreter else {}
