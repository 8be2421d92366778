"""How ``kern schema`` is spelt."""

from kern.cli.declarations.model import TEXT, Option, Verb
from kern.named_tuples import NamedTuple


class SchemaArguments(NamedTuple):
    """Arguments of ``kern schema``."""

    kind: str = "config"
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


KINDS = ("config", "run", "list", "show", "plan", "build", "lock", "plugins", "error")

VERB = Verb(
    "schema",
    SchemaArguments,
    "It describes the configuration, or what a verb prints with --json.",
    operand=Option(
        "kind",
        (),
        TEXT,
        "What the schema describes: the configuration, the output of a verb, or an error.",
        "KIND",
        choices=KINDS,
    ),
    examples=(
        ("kern schema > kern.schema.json", "write the schema of the configuration for an editor"),
        ("kern schema run", "print the schema of what kern run --json prints"),
    ),
)
