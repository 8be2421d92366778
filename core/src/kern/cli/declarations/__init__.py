"""The command line as plain data: which verbs there are, and where each one's options and arguments are declared.

Everything that reads, explains or completes a command line works from here: `kern.cli.quick` and `kern.cli.app` read it,
`kern.cli.completion` and `kern.cli.reference` write about it. One module a verb, imported for that verb alone, because
each named tuple costs a third of a millisecond of every start. The arguments' types can be imported from here by name.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from kern.cli.declarations.build import BuildArguments
    from kern.cli.declarations.clean import CleanArguments
    from kern.cli.declarations.completion import CompletionArguments
    from kern.cli.declarations.exec import ExecArguments
    from kern.cli.declarations.init import InitArguments
    from kern.cli.declarations.list import ListArguments
    from kern.cli.declarations.lock import LockArguments
    from kern.cli.declarations.model import Verb
    from kern.cli.declarations.plan import PlanArguments
    from kern.cli.declarations.plugins import PluginsArguments
    from kern.cli.declarations.run import RunArguments
    from kern.cli.declarations.schema import SchemaArguments
    from kern.cli.declarations.shell import ShellArguments
    from kern.cli.declarations.show import ShowArguments

    Arguments: TypeAlias = (
        RunArguments
        | ExecArguments
        | ShellArguments
        | ListArguments
        | ShowArguments
        | PlanArguments
        | BuildArguments
        | LockArguments
        | CleanArguments
        | PluginsArguments
        | SchemaArguments
        | InitArguments
        | CompletionArguments
    )

__all__ = [
    "VERBS",
    "BuildArguments",
    "CleanArguments",
    "CompletionArguments",
    "ExecArguments",
    "InitArguments",
    "ListArguments",
    "LockArguments",
    "PlanArguments",
    "PluginsArguments",
    "RunArguments",
    "SchemaArguments",
    "ShellArguments",
    "ShowArguments",
    "verb_named",
]

VERBS = {
    "run": "Make what the selected environments need, run their commands and report.",
    "exec": "Run one command in an environment, without changing the environment.",
    "shell": "Start a shell in an environment, without changing the environment.",
    "list": "List the environments.",
    "show": "Show every setting of an environment and where it comes from.",
    "plan": "Show what a run would do, step by step, and why.",
    "build": "Build packages and copy them to a directory.",
    "lock": "Write down exactly what environments consist of, to install them from that.",
    "clean": "Remove what kern has made.",
    "plugins": "List the installed plugins and what they provide.",
    "schema": "Print a JSON schema.",
    "init": "Write a first configuration for this project.",
    "completion": "Print a completion script for a shell.",
}
"""Every verb and its summary, in the order they are shown."""


def verb_named(name: str) -> Verb:
    """Import the declaration of a verb.

    Args:
        name: a key of `VERBS`.
    """
    module = __import__(f"{__name__}.{name}", fromlist=["VERB"])
    verb: Verb = module.VERB
    return verb


def __getattr__(name: str) -> object:
    """Find the type of a verb's arguments, ``RunArguments``, in the module of the verb."""
    verb = name.removesuffix("Arguments").lower()
    if verb in VERBS and name == f"{verb.capitalize()}Arguments":
        return verb_named(verb).arguments
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
