"""How ``kern list`` is spelt."""

from kern.cli.declarations.model import JSON, LABEL, SELECTION, SWITCH, Option, Verb
from kern.named_tuples import NamedTuple


class ListArguments(NamedTuple):
    """Arguments of ``kern list``."""

    selection: tuple[str, ...] = ()
    why: bool = False
    default: bool = False
    names: bool = False
    label_names: bool = False
    labels: tuple[str, ...] = ()
    json: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


VERB = Verb(
    "list",
    ListArguments,
    "Without a selection all are listed, and those that a bare kern run runs are marked.",
    (
        Option("why", ("--why",), SWITCH, "Say why each environment gets the package it gets."),
        Option("default", ("--default",), SWITCH, "List only what a bare kern run runs."),
        Option("names", ("--names",), SWITCH, "Print the bare names, one a line, for scripts."),
        Option("label_names", ("--labels",), SWITCH, "Print the bare labels, one a line, for scripts."),
        LABEL,
        JSON,
    ),
    SELECTION,
    examples=(
        ("kern list", "list all environments"),
        ("kern list 'py31*' --why", "say which packages these are tested with, and why"),
        ("kern list --default --names", "print the names of the default environments for a script"),
    ),
)
