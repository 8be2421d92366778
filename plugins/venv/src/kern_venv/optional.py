"""What the ``Options`` of another provider may have, so that its environments get their interpreters elsewhere.

As in `kern.api.optional` each such method is a protocol of its own, named after who has it and the method; it is looked
for by its name. All who need an environment's interpreter ask `kern_venv.api.interpreter_for`, and so get its answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.api import Context, EnvSpec
    from kern_venv.inspection import Interpreter


class OptionsFindInterpreter(Protocol):
    """Optional for ``Options``: builds, tags and vetoes go by what it says, instead of by `find_interpreter`."""

    def find_interpreter(self, spec: EnvSpec, environ: Mapping[str, str]) -> Interpreter | None:
        """The interpreter of an environment, ``None`` if there is none. No process, no network, no write."""


class OptionsProvideInterpreter(Protocol):
    """Optional for ``Options``, beside `OptionsFindInterpreter`: an interpreter can be brought on demand."""

    def provide_interpreter(self, spec: EnvSpec, context: Context) -> Interpreter:
        """The interpreter of an environment at the moment when it is to be run; brought first, if need be.

        Raises:
            StepFailed: it could not be brought.
        """
