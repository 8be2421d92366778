"""Completion scripts for bash, zsh and fish, written from the declarations of the verbs.

Verbs, options and choices stand in the script. Names of environments and labels are asked of ``kern list`` when the user
presses the key; they are only ever compared and quoted, never evaluated, as they come from a file that may be anybody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.cli.completion_templates import BASH, FISH, ZSH
from kern.cli.declarations import VERBS, verb_named
from kern.cli.declarations.model import COMMON, COUNT, JOBS, MANY, SWITCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kern.cli.declarations.model import Option, Verb

HELP_FLAGS = ("-h", "--help")
HELP_TEXT = "Explain the verb"
ZSH_ACTIONS = {
    "environments": "_kern_names --names",
    "labels": "_kern_names --labels",
    "files": "_files",
    "directories": "_files -/",
}
FISH_ARGUMENTS = {
    "environments": "-x -a '(__kern_names --names)'",
    "labels": "-x -a '(__kern_names --labels)'",
    "files": "-r -F",
    "directories": "-x -a '(__fish_complete_directories)'",
}


def script(shell: str) -> str:
    """The completion script for a shell.

    Args:
        shell: ``bash``, ``zsh`` or ``fish``.
    """
    return {"bash": bash, "zsh": zsh, "fish": fish}[shell]()


def declared() -> list[Verb]:
    """All verbs."""
    return [verb_named(name) for name in VERBS]


def filled(template: str, places: dict[str, str]) -> str:
    """A template with its places filled."""
    for place, text in places.items():
        template = template.replace(f"@{place}@", text)
    return template


def static(option: Option) -> str:
    """The values that an option is known to take, with spaces between."""
    return "auto" if option.kind == JOBS else " ".join(option.choices)


def takes_value(option: Option) -> bool:
    """Whether a word after the option belongs to it."""
    return option.kind not in (SWITCH, COUNT)


def short_help(option: Option) -> str:
    """The first sentence about an option."""
    return option.help.partition(". ")[0].rstrip(".")


def bash() -> str:
    """The script for bash, 3.2 and later."""
    verbs = declared()
    kinds = [bash_kind("*", option) for option in COMMON if takes_value(option)]
    kinds += [bash_kind(verb.name, option) for verb in verbs for option in verb.options if takes_value(option)]
    places = {
        "VERBS": " ".join(VERBS),
        "COMMON": " ".join((*spelt(COMMON), *HELP_FLAGS, "-V", "--version")),
        "KINDS": "\n".join(kinds),
        "OPTIONS": "\n".join(
            f"        {verb.name}) _kern_static '{' '.join((*spelt(verb.options), *spelt(COMMON), *HELP_FLAGS))}' \"$2\" ;;"
            for verb in verbs
        ),
        "OPERANDS": "\n".join(
            f"        {verb.name}) _kern_value '{bash_value(verb.operand)}' \"$2\" ;;" for verb in verbs if verb.operand
        ),
    }
    return filled(BASH, places)


def spelt(options: Iterable[Option]) -> list[str]:
    """Every spelling of some options."""
    return [flag for option in options for flag in option.flags]


def bash_kind(verb: str, option: Option) -> str:
    """The line that knows what a word after an option is."""
    pattern = " | ".join(f"{verb}:{flag}" for flag in option.flags)
    return f"        {pattern}) kind='{bash_value(option)}' ;;"


def bash_value(option: Option) -> str:
    """What an option's value is completed with."""
    return option.completes or static(option) or "any"


def zsh() -> str:
    """The script for zsh."""
    verbs = declared()
    places = {
        "COMMON": " \\\n        ".join(zsh_options(COMMON)),
        "VERBS": "\n                ".join(zsh_quoted(f"{name}:{summary}") for name, summary in VERBS.items()),
        "CASES": "\n".join(zsh_case(verb) for verb in verbs),
    }
    return filled(ZSH, places)


def zsh_case(verb: Verb) -> str:
    """The lines that complete what belongs to a verb."""
    specs = zsh_options((*verb.options, *COMMON))
    if verb.operand:
        star = "*" if verb.operand.kind == MANY else "1"
        specs.append(zsh_quoted(f"{star}:{verb.operand.metavar}:{zsh_action(verb.operand)}"))
    lines = " \\\n                        ".join(specs)
    return f"                {verb.name})\n                    _arguments -s \\\n                        {lines} ;;"


def zsh_options(options: Iterable[Option]) -> list[str]:
    """The specifications of some options, and of the one for help."""
    helping = f"'(- *)'{{{','.join(HELP_FLAGS)}}}{zsh_quoted(f'[{HELP_TEXT}]')}"
    return [zsh_option(option) for option in options] + [helping]


def zsh_option(option: Option) -> str:
    """The specification of an option: its spellings, its help, and how its value is completed."""
    several = option.kind in (MANY, COUNT)
    first = "*" if several else f"({' '.join(option.flags)})"
    value = takes_value(option)
    flags = [flag + (("=" if flag.startswith("--") else "+") if value else "") for flag in option.flags]
    spelling = f"{{{','.join(flags)}}}" if len(flags) > 1 else flags[0]
    help_text = short_help(option).replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    action = f":{option.metavar}:{zsh_action(option)}" if value else ""
    return f"{zsh_quoted(first)}{spelling}{zsh_quoted(f'[{help_text}]{action}')}"


def zsh_action(option: Option) -> str:
    """How zsh completes the value of an option."""
    known = static(option)
    return ZSH_ACTIONS.get(option.completes, "") or (f"({known})" if known else "")


def zsh_quoted(text: str) -> str:
    """A text as one word of zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def fish() -> str:
    """The script for fish, 3.1 and later."""
    lines = [
        f"complete -c kern -n '__kern_verb_is \"\"' -a {name} -d {fish_quoted(summary)}"
        for name, summary in VERBS.items()
    ]
    lines += [fish_option("not __kern_after_dashes", option) for option in COMMON]
    lines += [f"complete -c kern -n 'not __kern_after_dashes' -s h -l help -d {fish_quoted(HELP_TEXT)}"]
    for verb in declared():
        condition = f"__kern_verb_is {verb.name}"
        lines += [fish_option(condition, option) for option in verb.options]
        if verb.operand:
            lines.append(f"complete -c kern -n '{condition}' {fish_value(verb.operand)}")
    return filled(FISH, {"LINES": "\n".join(lines)})


def fish_option(condition: str, option: Option) -> str:
    """The line for an option."""
    flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
    value = fish_value(option) + " " if takes_value(option) else ""
    return f"complete -c kern -n '{condition}' {flags} {value}-d {fish_quoted(short_help(option))}"


def fish_value(option: Option) -> str:
    """How fish completes the value of an option."""
    known = static(option)
    return FISH_ARGUMENTS.get(option.completes, "") or (f"-x -a '{known}'" if known else "-x")


def fish_quoted(text: str) -> str:
    """A text as one word of fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
