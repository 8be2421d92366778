"""How ``kern clean`` is spelt."""

from kern.cli.declarations.model import SELECTION, SWITCH, Option, Verb
from kern.named_tuples import NamedTuple


class CleanArguments(NamedTuple):
    """Arguments of ``kern clean``."""

    selection: tuple[str, ...] = ()
    everything: bool = False
    artifacts: bool = False
    logs: bool = False
    cache: bool = False
    dry_run: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


VERB = Verb(
    "clean",
    CleanArguments,
    "Without a selection and options all environments are removed. Only what kern has made is ever removed.",
    (
        Option("everything", ("--all",), SWITCH, "Remove the whole work directory."),
        Option("artifacts", ("--artifacts",), SWITCH, "Remove the packages that were built."),
        Option("logs", ("--logs",), SWITCH, "Remove the logs."),
        Option("cache", ("--cache",), SWITCH, "Remove kern's cache, which all projects of this user share."),
        Option("dry_run", ("--dry-run",), SWITCH, "Only say what would be removed."),
    ),
    SELECTION,
    examples=(
        ("kern clean py312", "remove the environment py312"),
        ("kern clean --all --dry-run", "say what removing everything would remove"),
    ),
)
