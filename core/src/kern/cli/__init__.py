"""The command line: from the words the user typed to an exit code.

This module imports next to nothing, so that ``kern --version`` costs no more than starting the interpreter. Reading the
line, running a verb and reporting a failure are imported when they are needed.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_EXIT_CODE = 2
INTERRUPTED_EXIT_CODE = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run kern; the console script's entry point.

    Args:
        argv: the words after the program's name; ``None`` for those of this process, which then ends here.

    Returns:
        The exit code (docs/cli.md). Nothing is raised: every failure has been reported when this returns.
    """
    import gc

    from kern.cli.streams import finish, leave, mend

    gc.disable()  # collecting while everything is still being imported costs milliseconds and finds nothing
    try:
        mend()
        code = finish(outcome(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        code = INTERRUPTED_EXIT_CODE
    if argv is None:
        leave(code)
    return code


def outcome(words: Sequence[str]) -> int:
    """Do what the words ask for, and report it if that fails.

    Returns:
        The exit code.
    """
    try:
        return answer(words)
    except BaseException as error:  # noqa: BLE001 - the last place where anything can be reported
        from kern.cli.failures import report

        return report(error, words)


def answer(words: Sequence[str]) -> int:
    """Do what the words ask for.

    Returns:
        The exit code.

    Raises:
        KernError: it failed, or the words ask for nothing that kern can do.
    """
    if not words:
        print_short_help()
        return USAGE_EXIT_CODE
    if words[0] in ("--version", "-V"):
        print_version()
        return 0
    from kern.cli import quick

    found = quick.read(words, os.environ)
    if found is None:
        from kern.cli import app

        found = app.read(words, os.environ)
    if found is None:
        return 0
    verb, arguments = found
    module = __import__(f"kern.cli.verbs.{verb.name}", fromlist=["main"])
    return int(module.main(arguments))


def print_version() -> None:
    """Print kern's name and version."""
    from kern import __version__

    sys.stdout.write(f"kern {__version__}\n")


def print_short_help() -> None:
    """Print what there is, for somebody who typed ``kern`` and no verb."""
    from kern.cli.declarations import VERBS
    from kern.cli.streams import write

    verbs = "".join(f"  {name:<12}{summary}\n" for name, summary in VERBS.items())
    more = "kern run runs the default environments; kern --help and kern VERB --help say more"
    write(sys.stderr, f"usage: kern VERB [OPTIONS] [ARGUMENTS]\n\n{verbs}\n{more}\n")
