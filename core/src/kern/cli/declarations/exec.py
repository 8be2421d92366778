"""How ``kern exec`` is spelt."""

from kern.cli.declarations.model import ENVIRONMENTS, SWITCH, TEXT, Option, Verb
from kern.named_tuples import NamedTuple


class ExecArguments(NamedTuple):
    """Arguments of ``kern exec``; ``rest`` is the command, never empty."""

    target: str
    why: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False
    rest: tuple[str, ...] = ()


VERB = Verb(
    "exec",
    ExecArguments,
    "The exit code is the command's own. An environment of the project that is not there yet is made first; one that is "
    "there is used as it is. Any other environment is found by its path or as KIND:NAME, needs no project, and is never "
    "changed.",
    (
        Option(
            "why",
            ("--why",),
            SWITCH,
            "Say which kinds of environment were asked for the target and what each said. No command is needed then.",
        ),
    ),
    operand=Option(
        "target",
        (),
        TEXT,
        "The name of an environment of the project, a path with a slash in it, KIND:NAME (conda:base, pyenv:3.12), "
        "or a bare name that one of the kinds knows (system).",
        "TARGET",
        completes=ENVIRONMENTS,
    ),
    rest="COMMAND",
    rest_help="The command and its arguments stand after --, so that its options are never taken for kern's.",
    rest_demanded=True,
    rest_spared="why",
    examples=(
        ("kern exec py312 -- python", "start the interpreter of py312"),
        ("kern exec ./venv -- pip list", "run a command in an environment that kern did not make"),
        ("kern exec system -- python3 -V", "run one in the machine's own interpreter"),
        ("kern exec ./venv --why", "say what ./venv is"),
    ),
)
