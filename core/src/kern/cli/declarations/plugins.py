"""How ``kern plugins`` is spelt."""

from typing import NamedTuple

from kern.cli.declarations.model import JSON, Verb


class PluginsArguments(NamedTuple):
    """Arguments of ``kern plugins``."""

    json: bool = False
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


VERB = Verb(
    "plugins",
    PluginsArguments,
    "Each is shown with its distribution, version and place.",
    (JSON,),
    examples=(("kern plugins", "list the plugins"),),
)
