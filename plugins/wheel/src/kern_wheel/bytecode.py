"""Compiled modules that were cut off: Python before 3.12 leaves such files on a full disk and fails on them ever after."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import Command, StepFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kern.api import Context
    from kern_wheel.build_environment import BuildEnvironment

_FORGET = """
import marshal, os, sys
from importlib.util import MAGIC_NUMBER
header, count = 16 if sys.version_info >= (3, 7) else 12, 0
for folder, _, names in os.walk(sys.argv[1]):
    for path in [os.path.join(folder, name) for name in names if name.endswith(".pyc")]:
        with open(path, "rb") as file:
            data = file.read()
        try:
            data[:4] == MAGIC_NUMBER and marshal.loads(data[header:])
        except (EOFError, TypeError, ValueError):
            os.unlink(path)
            count += 1
print(count)
"""


def forget_cut_bytecode(environments: Iterable[BuildEnvironment], context: Context) -> bool:
    """Remove the compiled modules of build environments that end too early.

    Args:
        environments: where to look.
        context: runs the interpreter of each; only that can read what it has compiled.

    Returns:
        Whether there were any.
    """
    found = False
    for environment in environments:
        argv = (environment.python, "-I", "-S", "-B", "-c", _FORGET, os.path.join(environment.location, "lib"))
        try:
            done = context.run(Command(argv=argv, cwd=environment.location), check=False, echo=False)
        except StepFailed:
            continue
        found = found or (done.exit_code == 0 and done.stdout.strip() != "0")
    return found
