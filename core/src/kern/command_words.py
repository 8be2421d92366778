"""A command and its end in words, for people."""

from __future__ import annotations


def quoted(argv: tuple[str, ...]) -> str:
    """A command line for people to read and to paste."""
    if all(word.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum() for word in argv):
        return " ".join(argv)
    import shlex

    return shlex.join(argv)


def describe_exit(code: int) -> str:
    """``failed with exit code 2`` or ``was ended by SIGKILL``."""
    if code >= 0:
        return f"failed with exit code {code}"
    import signal

    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
