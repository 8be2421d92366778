"""How ``kern completion`` is spelt."""

from kern.cli.declarations.model import TEXT, Option, Verb
from kern.named_tuples import NamedTuple


class CompletionArguments(NamedTuple):
    """Arguments of ``kern completion``."""

    shell: str
    directory: str = ""
    config: str = ""
    verbose: int = 0
    quiet: bool = False


SHELLS = ("bash", "zsh", "fish")

VERB = Verb(
    "completion",
    CompletionArguments,
    "It completes verbs, options, and the names of environments and labels.",
    operand=Option("shell", (), TEXT, "The shell to complete in.", "SHELL", choices=SHELLS),
    examples=(
        ('eval "$(kern completion bash)"', "complete in this bash; put it into ~/.bashrc to keep it"),
        ("kern completion zsh > ~/.zfunc/_kern", "install it for zsh, with ~/.zfunc in fpath"),
        ("kern completion fish > ~/.config/fish/completions/kern.fish", "install it for fish"),
    ),
)
