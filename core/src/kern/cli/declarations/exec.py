"""How ``kern exec`` is spelt."""

from typing import NamedTuple

from kern.cli.declarations.model import ENVIRONMENTS, TEXT, Option, Verb


class ExecArguments(NamedTuple):
    """Arguments of ``kern exec``; ``rest`` is the command, never empty."""

    target: str
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False
    rest: tuple[str, ...] = ()


VERB = Verb(
    "exec",
    ExecArguments,
    "The exit code is the command's own. An environment of the project that is not there yet is made first; one that is "
    "there is used as it is. A path needs no project.",
    operand=Option(
        "target",
        (),
        TEXT,
        "The name of an environment of the project, or the path of any virtual environment or interpreter, with a slash "
        "in it.",
        "TARGET",
        completes=ENVIRONMENTS,
    ),
    rest="COMMAND",
    rest_help="The command and its arguments stand after --, so that its options are never taken for kern's.",
    rest_demanded=True,
    examples=(
        ("kern exec py312 -- python", "start the interpreter of py312"),
        ("kern exec ./venv -- pip list", "run a command in an environment that kern did not make"),
    ),
)
