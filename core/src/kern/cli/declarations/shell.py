"""How ``kern shell`` is spelt."""

from kern.cli.declarations.model import ENVIRONMENTS, TEXT, Option, Verb
from kern.named_tuples import NamedTuple


class ShellArguments(NamedTuple):
    """Arguments of ``kern shell``."""

    target: str
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


VERB = Verb(
    "shell",
    ShellArguments,
    "It is the shell that SHELL names, with your own startup files. In bash, zsh and fish the environment's programs stay "
    "first on PATH whatever those do. KERN_ENV_NAME has the environment's name, for a prompt. The exit code is the shell's.",
    operand=Option(
        "target",
        (),
        TEXT,
        "The name of an environment of the project, a path with a slash in it, KIND:NAME (conda:base, pyenv:3.12), "
        "or a bare name that one of the kinds knows (system).",
        "TARGET",
        completes=ENVIRONMENTS,
    ),
    examples=(
        ("kern shell py312", "look around in py312"),
        ("kern shell conda:base", "look around in an environment that kern did not make"),
    ),
)
