"""Write the reference of the command line, ``docs/cli.md``, from the declarations of the verbs.

Run ``python -m kern.cli.reference > docs/cli.md`` after a change; a test compares the two.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kern.cli.declarations import VERBS, verb_named
from kern.cli.declarations.model import COMMON, default_text, usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kern.cli.declarations.model import Option, Verb

INTRODUCTION = """\
# The command line

<!-- Written by `python -m kern.cli.reference`; a test compares. Change the declarations instead. -->

    kern [COMMON OPTIONS] VERB [OPTIONS] [ARGUMENTS] [-- REST]

Options may stand before or after the arguments of a verb, the common ones also before the verb. A value follows its
option as the next word, after `=`, or right behind a short option: `--jobs 4`, `--jobs=4`, `-j 4`, `-j4`. Short options
without a value may share a word: `-xv`. Options are never abbreviated. When an option that takes one value is given
twice, the last one counts. Everything after the first `--` is left to the commands that kern runs.

`kern --version` (`-V`) prints the version. `kern --help` and `kern VERB --help` (`-h`) explain what there is."""

CODES = (
    ("0", "all passed, or what was asked for was done"),
    ("1", "a test failed; with `kern lock --check`: a lock file is missing or stale"),
    ("2", "the command line or the configuration is wrong, or a plugin is missing"),
    ("3", "an environment or a package could not be made"),
    ("4", "another kern held a lock for longer than `--lock-timeout`"),
    ("70", "kern has a bug; a file with the details is named, please report it"),
    ("74", "all was well, but standard output could not be written to"),
    ("129", "ended by SIGHUP, after everything that kern had started"),
    ("130", "ended by Ctrl-C, after everything that kern had started"),
    ("141", "nobody read standard output to its end, as in `kern list | head -1`"),
    ("143", "ended by SIGTERM, after everything that kern had started"),
)
"""Exit codes and what they mean. ``kern exec`` has the exit code of its command instead of 0 and 1."""

VARIABLES = (
    ("KERN_WORK_DIR", "The directory for everything that kern makes for the project, instead of `.kern` in it."),
    ("KERN_CACHE_DIR", "The directory for what projects share, instead of `kern` in the user's cache directory."),
    ("KERN_JOBS", "What `--jobs` says, where it is not given."),
    ("KERN_MISSING", "What `--missing` says, where it is not given."),
    ("KERN_DEBUG", "With `1`, a bug in kern is shown as a traceback instead of being saved to a file."),
    ("NO_COLOR", "When set and not empty, nothing is coloured."),
    ("FORCE_COLOR", "When set and not empty, output is coloured even if it does not go to a terminal."),
)
"""Environment variables and what they do."""

FAILURES = """\
A failure is told on standard error: what went wrong, where, the log of the step that failed with its last lines, and how
to mend it. With `--json` standard output has it too, as `kern schema error` describes; its `kind` is `UsageError`,
`ConfigError`, `PluginError`, `StepFailed`, `LockTimeout`, `Stopped`, `KernError` or `Bug`."""


def reference() -> str:
    """The whole page, as Markdown."""
    parts = [
        INTRODUCTION,
        "## Verbs",
        table(("verb", "what it does"), [(f"[{name}](#kern-{name})", summary) for name, summary in VERBS.items()]),
        "## Common options",
        option_table(COMMON, {}),
        *(section(verb_named(name)) for name in VERBS),
        "## Exit codes",
        table(("code", "meaning"), CODES),
        "`kern exec` has the exit code of its command instead of 0 and 1.",
        FAILURES,
        "## Environment variables",
        table(("variable", "meaning"), [(f"`{name}`", meaning) for name, meaning in VARIABLES]),
    ]
    return "\n\n".join(parts) + "\n"


def section(verb: Verb) -> str:
    """What there is to say about one verb."""
    sentences = " ".join(filter(None, (VERBS[verb.name], verb.help, verb.rest_help)))
    parts = [f"## kern {verb.name}", f"    {usage(verb)}", sentences]
    if verb.operand:
        parts.append(operand_text(verb, verb.operand))
    if verb.options:
        parts.append(option_table(verb.options, {option.field: default_text(verb, option) for option in verb.options}))
    width = max(len(line) for line, _ in verb.examples)
    parts.append("\n".join(f"    {line:<{width}}  # {what}" for line, what in verb.examples))
    return "\n\n".join(parts)


def operand_text(verb: Verb, operand: Option) -> str:
    """A paragraph on what a verb takes without a flag."""
    choices = f" One of {', '.join(f'`{choice}`' for choice in operand.choices)}." if operand.choices else ""
    default = default_text(verb, operand)
    return f"`{operand.metavar}`: {operand.help}{choices}" + (f" `{default}` if not given." if default else "")


def option_table(options: Iterable[Option], defaults: dict[str, str]) -> str:
    """A table of options."""
    return table(("option", "meaning"), [(spelling(o), meaning(o, defaults.get(o.field, ""))) for o in options])


def spelling(option: Option) -> str:
    """How an option is spelt, with what its value is called."""
    flags = ", ".join(f"`{flag}`" for flag in option.flags)
    return f"{flags} `{option.metavar}`" if option.metavar else flags


def meaning(option: Option, default: str) -> str:
    """What an option does, its default, and its variable."""
    parts = [option.help]
    parts += [f"`{default}` if not given."] if default else []
    parts += [f"The variable `{option.variable}` says it too."] if option.variable else []
    return " ".join(parts)


def table(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    """A table of two columns."""
    lines = [f"| {head[0]} | {head[1]} |", "| --- | --- |"]
    return "\n".join([*lines, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)])


if __name__ == "__main__":
    sys.stdout.write(reference())
