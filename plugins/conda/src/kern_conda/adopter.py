"""The adopter ``conda``: conda environments that kern did not make, by path or by name; conda is never asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kern.api import Adopted, Context

_HISTORY = os.path.join("conda-meta", "history")
_CERTAIN = 3


class CondaAdopter:
    """Recognises a prefix by ``conda-meta/history``, as conda, mamba, micromamba and pixi make them."""

    api = 1

    def adopt(self, location: str, context: Context) -> Adopted | None:
        """The environment at a path, which may be that of its interpreter, or of a name.

        Raises:
            StepFailed: several environments have this name.
            ConfigError: a configuration file of conda can't be read.
        """
        if os.sep in location:
            path = os.path.normpath(os.path.join(context.project_dir, os.path.expanduser(location)))
            prefix = _prefix_at(path)
            return _adopted(prefix, f"it has {_HISTORY}") if prefix else None
        from kern_conda.finding import find_named

        prefix = find_named(location, context) if location else ""
        return _adopted(prefix, f"the conda environment {location} is at {prefix}") if prefix else None

    def offers(self, context: Context) -> str:
        """What can stand behind ``conda:``: what there is."""
        from kern_conda.finding import names

        there = ", ".join(names(context))
        return f"conda: takes the path of an environment, or {f'one of {there}' if there else 'a name; none is found'}"


def _prefix_at(path: str) -> str:
    if os.path.isfile(os.path.join(path, _HISTORY)):
        return path
    above, program = os.path.split(path)
    prefix = os.path.dirname(above)
    is_python = program.startswith(("python", "pypy")) and os.path.basename(above) == "bin" and os.path.isfile(path)
    return prefix if is_python and os.path.isfile(os.path.join(prefix, _HISTORY)) else ""


def _adopted(prefix: str, why: str) -> Adopted:
    from kern.api import Adopted, Environment
    from kern_conda.finding import contents

    python = os.path.join(prefix, "bin", "python")
    interpreter = python if os.access(python, os.X_OK) else None
    installed = contents(prefix)
    facts = {"kind": "conda", "version": installed.get("python", "")}
    environment = Environment(location=prefix, activator="conda", interpreter=interpreter, watch=(), facts=facts)
    return Adopted(environment, _CERTAIN, why, installed)
