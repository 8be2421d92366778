# No package: this folder alone is put on the search path of a build.
# ruff: noqa: INP001
"""The build backend ``hatchling.build``, which leaves kern's folder out of what it packs. Runs in a build environment.

hatchling packs into an sdist whatever the topmost ``.gitignore`` does not name. It knows the folders of tox, nox and
others by their names and skips them; a project that kern has just been tried in would ship its environments. There
is no setting for it outside of the project's own files, hence this module, which stands in for the backend.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

# What was needed to find this module is nobody else's business.
os.environ.pop("PYTHONPATH", None)
sys.path[:] = [path for path in sys.path if path != os.path.dirname(__file__)]

_constants = import_module("hatchling.builders.constants")
setattr(_constants, "EXCLUDED_DIRECTORIES", {*getattr(_constants, "EXCLUDED_DIRECTORIES", ()), ".kern"})  # noqa: B010

_backend = import_module("hatchling.build")
globals().update({name: value for name, value in vars(_backend).items() if not name.startswith("_")})
