"""From a verb's arguments to a session, and to the settings that several verbs share."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from kern.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kern.cli.arguments import Borrowing, Opened, Planning, Selecting
    from kern.plan.values import Plan
    from kern.secrets import Masker
    from kern.session import Session


def open_session(arguments: Opened, **more: Any) -> Session:
    """Load the project that a command is about."""
    from kern.session import Session

    if arguments.verbose > 1:
        from kern.diagnostics import enable

        enable()
    return Session(starting_directory(arguments.directory), arguments.config, **more)


def starting_directory(stated: str) -> str:
    """Absolute path of the directory that the user names, or is in.

    Raises:
        UsageError: somebody has removed it meanwhile.
    """
    try:
        return os.path.abspath(stated or os.curdir)
    except FileNotFoundError:
        said = "the directory that kern is started in does not exist any more"
        raise UsageError(said, where="command line", hint="change to another directory") from None


def jobs(text: str) -> int:
    """How many steps run at once.

    Raises:
        UsageError: neither ``auto`` nor a number from 1.
    """
    if text == "auto":
        from kern.processors import usable_processors

        return usable_processors()
    if not text.isdecimal() or not int(text):
        raise UsageError(f"jobs must be auto or a number from 1, not {text!r}", where="command line")
    return int(text)


def missing(arguments: Selecting, environ: Mapping[str, str]) -> str:
    """What an absent interpreter means: what the user says, else an error on CI and for what the user named."""
    if arguments.missing:
        return arguments.missing
    named = bool(arguments.selection or arguments.labels)
    return "fail" if named or environ.get("CI", "").lower() not in ("", "0", "false") else "skip"


def posargs(arguments: Selecting) -> tuple[str, ...] | None:
    """What the user gave after ``--``; ``None`` without ``--``."""
    return arguments.rest if arguments.rest or "--" in sys.argv else None


def env_from(arguments: Borrowing) -> str:
    """The environment that all rows are to run in, a path made absolute; empty for their own.

    Raises:
        UsageError: packages or lock files are asked for too, which nothing would be done with.
    """
    if not arguments.env_from:
        return ""
    other = "--package" if arguments.packages else "--locked" if arguments.locked else ""
    if other:
        said = f"{other} and --env-from can't go together: nothing is installed in an existing environment"
        raise UsageError(said, where="command line")
    from kern.plan.adopting import is_path

    target = os.path.expanduser(arguments.env_from)
    return os.path.abspath(os.path.join(arguments.directory, target)) if is_path(target) else target


def planned(session: Session, arguments: Planning) -> Plan:
    """The plan of what the command line selects.

    Raises:
        KernError: what `env_from`, `kern.session.Session.select` and `kern.plan.planner.make_plan` raise.
    """
    from kern.plan.planner import PlanChoices, make_plan

    session.env_from = env_from(arguments)
    selected = session.select(arguments.selection, arguments.labels, arguments.skip)
    choices = PlanChoices(
        packages=arguments.packages,
        missing=missing(arguments, session.environ),
        posargs=posargs(arguments),
        locked=arguments.locked,
        strict_drift=arguments.strict_drift,
    )
    return make_plan(session, selected.names, choices, selected.notices)


def write(text: str) -> None:
    """Put text on standard output.

    Raises:
        SystemExit: it can't be written there, which has been said.
        BrokenPipeError: nobody reads it.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.write(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        from kern.cli.streams import OUTPUT_LOST_CODE, complain, silence

        silence(sys.stdout)
        complain(sys.stdout, error)
        raise SystemExit(OUTPUT_LOST_CODE) from None


def print_json(value: object) -> None:
    """Put one JSON document on standard output."""
    import json

    write(json.dumps(value, indent=2, ensure_ascii=not _is_unicode()) + "\n")


def _is_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"


def masked(value: Any, masker: Masker) -> Any:
    """A JSON value in which every secret is masked, in keys too."""
    if isinstance(value, str):
        return masker.mask_text(value)
    if isinstance(value, dict):
        return {masker.mask_text(str(key)): masked(item, masker) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item, masker) for item in value]
    return value
