"""How ``kern plugins`` is spelt."""

from kern.cli.declarations.model import JSON, MANY, Option, Verb
from kern.named_tuples import NamedTuple


class PluginsArguments(NamedTuple):
    """Arguments of ``kern plugins``."""

    action: tuple[str, ...] = ()
    json: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


VERB = Verb(
    "plugins",
    PluginsArguments,
    "Each is shown with its distribution, version and place. doctor also says what to do about those that are no good, "
    "and fails if there are any; new NAME writes a complete plugin for a new kind of environment.",
    (JSON,),
    operand=Option("action", (), MANY, "Nothing to list them, doctor, or new and a name.", "ACTION"),
    examples=(
        ("kern plugins", "list the plugins"),
        ("kern plugins doctor", "say what is wrong with them, and what to do"),
        ("kern plugins new spack", "write a plugin for environments of the kind spack into kern-spack"),
    ),
)
