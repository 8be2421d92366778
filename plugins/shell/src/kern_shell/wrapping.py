"""The mode ``wrap``: each command is a child of a shell that was activated for it alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kern.api import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def wrapped(
    enter: Sequence[str],
    leave: Sequence[str] = (),
    set: Mapping[str, str] = NOTHING,  # noqa: A002  (named like the field of EnvDelta)
    unset: Sequence[str] = (),
) -> tuple[str, ...]:
    """Words to put before a command, so that it runs inside a shell that has sourced scripts.

    What no environment can carry then holds for the command too: ``umask``, ``ulimit``, the shell's own directory.
    Signals reach the command, and the shell ends as it did. A script that ends the shell fails the command.

    Args:
        enter: absolute paths of the scripts to source before, in order.
        leave: the same for after; not sourced when the command had to be killed.
        set: variables to set before.
        unset: variables to take away before.

    Returns:
        The words; none where there is nothing to source.

    Raises:
        StepFailed: there is no bash on ``PATH``.
    """
    from kern_shell.program import find_bash, source_file

    if not enter and not leave:
        return ()
    assignments = [f"{name}={value}" for name, value in set.items()]
    lists = (assignments, unset, enter, leave)
    words = [word for words in lists for word in (str(len(words)), *words)]
    return (find_bash(os.environ), "--noprofile", "--norc", source_file("wrap.bash"), *words)
