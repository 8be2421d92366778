"""What happens during a run, as values; reporters turn them into lines, boards and files.

Named tuples instead of dataclasses: they are made on the hot path, where each dataclass costs most of a millisecond
of every start (docs/decisions/0003-hot-path.md).
"""

from kern.named_tuples import NamedTuple

PASSED = "passed"
FAILED = "failed"
TIMED_OUT = "timed out"
ERROR = "error"
SKIPPED = "skipped"
BLOCKED = "blocked"
IGNORED = "ignored"
INTERRUPTED = "interrupted"
OUTCOMES = (PASSED, FAILED, TIMED_OUT, ERROR, SKIPPED, BLOCKED, IGNORED, INTERRUPTED)
"""How a row can end. ``ignored``: failed with ``ignore_outcome``; ``blocked``: a row or package it needs was not made."""

GOOD = frozenset((PASSED, SKIPPED, IGNORED))


class CommandResult(NamedTuple):
    """One command of a row. ``phase`` is ``commands_pre``, ``commands`` or ``commands_post``; argv is masked."""

    phase: str
    argv: tuple[str, ...]
    exit_code: int
    seconds: float
    timed_out: bool = False
    survivors: int = 0
    ignored: bool = False
    attempt: int = 1


class RowResult(NamedTuple):
    """How one row ended.

    Attributes:
        row: what the user sees, ``(sdist) py312`` or ``lint``.
        environment: name of the environment, ``py312``.
        package: name of the package definition, empty for none.
        outcome: one of `OUTCOMES`.
        reason: why it did not pass, one line; or why it was skipped.
        hint: how to mend it.
        seconds: wall time of its own work, waiting left out.
        commands: every command that ran.
        made: what was done for it: ``built wheel``, ``made``, ``reinstalled``; empty where all was reused.
        log: absolute path of the whole log, empty where nothing ran.
        artifact: kind, path, digest, version of the package that was tested; empty for none.
        interpreter: the interpreter's path, empty where there is none.
        installed: name and version of what is installed in the environment.
        existing: the environment that it ran in instead of one of its own, as `kern.plan.existing.place_of` has it; else empty.
        drift: what that lacks of what the row asks for, in words.
    """

    row: str
    environment: str
    package: str
    outcome: str
    reason: str = ""
    hint: str = ""
    seconds: float = 0.0
    commands: tuple[CommandResult, ...] = ()
    made: tuple[str, ...] = ()
    log: str = ""
    artifact: tuple[tuple[str, str], ...] = ()
    interpreter: str = ""
    installed: tuple[tuple[str, str], ...] = ()
    existing: str = ""
    drift: tuple[str, ...] = ()


class RunStarted(NamedTuple):
    """The plan is made and work begins. ``stream``: output of commands is shown as it comes (one row at a time)."""

    rows: tuple[str, ...]
    jobs: int
    stream: bool
    project_dir: str
    log_dir: str
    color: bool


class StepStarted(NamedTuple):
    """A step of the plan begins. ``kind``: ``build``, ``make`` or ``run``; ``title`` as the user reads it."""

    key: str
    kind: str
    title: str
    reason: str


class CommandStarted(NamedTuple):
    """A command of a row begins; argv is masked."""

    row: str
    phase: str
    argv: tuple[str, ...]


class Output(NamedTuple):
    """Bytes that a command of a row printed, masked, as they came."""

    row: str
    data: bytes


class StepFinished(NamedTuple):
    """A step ended: ``passed``, ``failed``, ``error``... ``log`` is the path of its whole log, ``tail`` the last lines if it failed."""

    key: str
    kind: str
    title: str
    outcome: str
    seconds: float
    reason: str = ""
    hint: str = ""
    log: str = ""
    tail: str = ""


class RowFinished(NamedTuple):
    """A row has its result."""

    result: RowResult


class Notice(NamedTuple):
    """Something the user should know: ``level`` is ``info`` or ``warning``."""

    level: str
    text: str


class RunFinished(NamedTuple):
    """Everything has ended. ``exit_code`` is what kern will exit with; ``options``: what it takes to run the same again."""

    results: tuple[RowResult, ...]
    exit_code: int
    seconds: float
    options: tuple[str, ...] = ()


Event = RunStarted | StepStarted | CommandStarted | Output | StepFinished | RowFinished | Notice | RunFinished
