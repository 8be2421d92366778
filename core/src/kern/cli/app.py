"""Read any command line with cyclopts: help, mistakes, and whatever `kern.cli.quick` was not sure about.

The cyclopts application is made from the same declarations as the quick reader, verb by verb, so there is nothing here
to keep in step. What cyclopts can't express is done around it: common options may stand before the verb, everything
after the first ``--`` belongs to somebody else, and ``exec`` demands that ``--``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cyclopts import CycloptsError, MissingArgumentError, UnusedCliTokensError, ValidationError

from kern.cli.application import HELP_FLAGS, VERSION_FLAGS, application, overview
from kern.cli.declarations import VERBS, verb_named
from kern.cli.declarations.model import COMMON, completed, convert, usage
from kern.cli.quick import Unsure, flags_of, leading, rest_fits, spellings, split, take
from kern.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kern.cli.declarations import Arguments
    from kern.cli.declarations.model import Given, Option, Verb

REWORDED = ((". Choose from: ", ", choose from "), (": -", " -"), (". -", ", -"))
"""What cyclopts says with more sentences than one."""


def read(words: Sequence[str], environ: Mapping[str, str]) -> tuple[Verb, Arguments] | None:
    """Read a command line, or answer it where it asks for help or the version.

    Args:
        words: the command line after the program's name.
        environ: the environment variables.

    Returns:
        The verb and its arguments, or ``None`` where the line was answered.

    Raises:
        UsageError: the line is wrong; says what is wrong and how it is right.
    """
    head, rest = split(words)
    if rest is None:
        refuse_bare_command(head)
    if asked(head, HELP_FLAGS):
        print_help(verb_asked_about(head))
        return None
    if asked(head, VERSION_FLAGS):
        from kern.cli import print_version

        print_version()
        return None
    tokens = verb_first(head)
    verb = verb_named(tokens[0])
    given = parse(verb, tokens)
    check_rest(verb, rest, given)
    try:
        return verb, completed(verb, given, rest or (), environ)
    except ValueError as error:
        raise UsageError(str(error)) from None


def asked(head: Sequence[str], flags: Sequence[str]) -> bool:
    """Whether any of some flags is there."""
    return any(flag in head for flag in flags)


def verb_first(head: Sequence[str]) -> list[str]:
    """Move the common options behind the verb, where cyclopts expects them.

    Raises:
        UsageError: something before the verb is not a common option, or there is no such verb.
    """
    try:
        index = leading(head, {})
    except Unsure:
        raise misplaced(head) from None
    if index == len(head):
        raise UsageError("no verb is given", hint=f"the verbs are {', '.join(VERBS)}")
    if head[index] not in VERBS:
        raise unknown_verb(head[index])
    return [head[index], *head[:index], *head[index + 1 :]]


def verb_asked_about(head: Sequence[str]) -> str:
    """The verb in a line that asks for help, empty for kern as a whole.

    Raises:
        UsageError: there is no such verb.
    """
    words = [word for word in head if word not in HELP_FLAGS]
    try:
        index = leading(words, {})
    except Unsure:
        return next((word for word in words if word in VERBS), "")
    if index < len(words) and words[index] not in VERBS:
        raise unknown_verb(words[index])
    return words[index] if index < len(words) else ""


def misplaced(head: Sequence[str]) -> UsageError:
    """The error for what stands before the verb and is no common option."""
    verb = next((word for word in head if word in VERBS), "")
    flags = flags_of(verb_named(verb)) if verb else {}
    word = first_unknown(head)
    option = flags.get(word.partition("=")[0]) or flags.get(word[:2])
    if option and option not in COMMON:
        return UsageError(f"the option {word} stands before the verb", hint=f"put it behind: kern {verb} {word}")
    return UsageError(
        f"kern can't make sense of {word} before a verb",
        hint="only common options may stand there, with their values; kern --help shows them",
    )


def first_unknown(head: Sequence[str]) -> str:
    """The first word that is no common option with its value."""
    flags = spellings(COMMON)
    index = 0
    try:
        while True:
            index += take(head, index, flags, {})
    except Unsure:
        return head[index]


def unknown_verb(word: str) -> UsageError:
    """The error for a verb that isn't there."""
    from difflib import get_close_matches

    close = get_close_matches(word, VERBS, 1)
    hint = (
        f"did you mean {close[0]}?" if close else f"to run an environment: kern run {word}; kern --help shows the verbs"
    )
    return UsageError(f"there is no verb {word}", hint=hint)


def refuse_bare_command(head: Sequence[str]) -> None:
    """Refuse a command that stands behind its target without ``--``: its options, ``-V`` say, are not meant for kern.

    Raises:
        UsageError: with the right spelling.
    """
    try:
        index = bare_command(head)
    except (Unsure, ValueError):
        return
    if index:
        import shlex

        line = shlex.join(("kern", *head[:index], "--", *head[index:]))
        raise UsageError("kern exec needs -- before the command", hint=f"did you mean: {line}")


def bare_command(head: Sequence[str]) -> int:
    """The index of the second word after a verb that demands ``--``, options left out; 0 if there is none.

    Raises:
        Unsure, ValueError: something before it is no right option.
    """
    index = leading(head, {})
    if index == len(head) or head[index] not in VERBS or not verb_named(head[index]).rest_demanded:
        return 0
    flags = flags_of(verb_named(head[index]))
    words = 0
    while index < len(head):
        option = head[index][:1] == "-"
        words += not option
        if words > 2:  # noqa: PLR2004 - the verb, a target, a command
            return index
        index += take(head, index, flags, {}) if option else 1
    return 0


def check_rest(verb: Verb, rest: tuple[str, ...] | None, given: Given) -> None:
    """Refuse a ``--`` where the verb takes none, and a missing one where the verb demands it.

    Raises:
        UsageError: with the right spelling.
    """
    if rest_fits(verb, rest, given):
        return
    if not verb.rest:
        raise UsageError(f"kern {verb.name} takes nothing after --", hint=f"usage: {usage(verb)}")
    raise UsageError(f"kern {verb.name} needs -- and a command after it", hint=f"usage: {usage(verb)}")


def parse(verb: Verb, tokens: Sequence[str]) -> Given:
    """Have cyclopts read a verb and what belongs to it, without the part after ``--``.

    Raises:
        UsageError: cyclopts refuses; in its words.
    """
    try:
        _, bound, _ = application(verb).parse_args(tokens, print_error=False, exit_on_error=False)
    except CycloptsError as error:
        raise translated(verb, error) from None
    declared = {option.field: option for option in (*COMMON, *verb.options, verb.operand) if option}
    values = {field: value_of(declared[field], value) for field, value in bound.arguments.items()}
    return {field: value for field, value in values.items() if value is not None}


def value_of(option: Option, value: Any) -> Any:
    """What cyclopts read, as the verb wants it."""
    if isinstance(value, (list, tuple)):
        return tuple(value)
    return convert(option, value) if isinstance(value, str) else value


def translated(verb: Verb, error: CycloptsError) -> UsageError:
    """Put cyclopts' words into the shape of kern's errors: one clause, and the suggestion as a hint."""
    error.verbose = False
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        words = " ".join(error.unused_tokens)
        return UsageError(f"kern {verb.name} can't do anything with {words}", hint=f"usage: {usage(verb)}")
    message, found, suggestion = str(error).partition(" Did you mean ")
    hint = f"did you mean {suggestion}" if found else f"kern {verb.name} --help shows what it takes"
    if isinstance(error, MissingArgumentError) and error.argument:
        name = error.keyword or error.argument.name
        return UsageError(f"{name} needs a value" if name[:1] == "-" else f"kern {verb.name} needs {name}", hint=hint)
    if isinstance(error, ValidationError) and error.argument and error.argument.tokens:
        token = next((token for token in error.argument.tokens if not token.value), error.argument.tokens[-1])
        name = token.keyword or error.argument.name
        return UsageError(f'invalid value "{token.value}" for {name}: {error.exception_message}', hint=hint)
    for clumsy, better in REWORDED:
        message = message.replace(clumsy, better)
    return UsageError(message[:1].lower() + message[1:].strip().rstrip("."), hint=hint)


def print_help(name: str) -> None:
    """Print the help text of a verb, or of kern where the name is empty.

    Raises:
        BrokenPipeError: nobody reads it.
    """
    app = application(verb_named(name)) if name else overview()
    try:
        app.help_print([name] if name else [])
    except SystemExit:  # rich's way to say it
        raise BrokenPipeError from None
