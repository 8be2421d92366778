"""How ``kern show`` is spelt."""

from kern.cli.declarations.model import ENVIRONMENTS, JSON, MANY, Option, Verb
from kern.named_tuples import NamedTuple


class ShowArguments(NamedTuple):
    """Arguments of ``kern show``; ``environments`` is never empty."""

    environments: tuple[str, ...]
    json: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


VERB = Verb(
    "show",
    ShowArguments,
    "Each setting is shown with its value and the file and table that gave it.",
    (JSON,),
    Option("environments", (), MANY, "Names of environments.", "ENV", completes=ENVIRONMENTS),
    examples=(
        ("kern show py312", "show the settings of py312"),
        ("kern show py312 lint --json", "print the settings of both as JSON"),
    ),
)
