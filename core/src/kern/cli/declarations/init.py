"""How ``kern init`` is spelt."""

from kern.cli.declarations.model import SWITCH, Option, Verb
from kern.named_tuples import NamedTuple


class InitArguments(NamedTuple):
    """Arguments of ``kern init``."""

    force: bool = False
    stdout: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


VERB = Verb(
    "init",
    InitArguments,
    "It says what a run without a configuration would assume, as a kern.toml to start from.",
    (
        Option("force", ("--force",), SWITCH, "Replace a configuration that is already there."),
        Option("stdout", ("--stdout",), SWITCH, "Print the configuration instead of writing it."),
    ),
    examples=(
        ("kern init", "write kern.toml"),
        ("kern init --stdout", "show what it would write"),
    ),
)
