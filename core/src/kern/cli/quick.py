"""Read well-formed command lines without the library that reads all others.

Importing and driving cyclopts costs sixty milliseconds, more than everything else in an unchanged run. So this module
answers where it is sure, and says ``None`` for the rest: an unknown verb or option, a missing or odd value, a request
for help. `kern.cli.app` then reads the same words from the same declarations and finds the words for what is wrong.
Whatever is answered here, cyclopts answers too; a property test compares the two.
"""

from __future__ import annotations

from kern.cli.declarations import VERBS, verb_named
from kern.cli.declarations.model import COMMON, COUNT, MANY, SECONDS, SWITCH, completed, convert

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kern.cli.declarations import Arguments
    from kern.cli.declarations.model import Given, Option, Verb

    Flags = dict[str, Option]


class Unsure(Exception):  # noqa: N818 - not an error: somebody else reads the line
    """This is not a line to be sure about."""


def read(words: Sequence[str], environ: Mapping[str, str]) -> tuple[Verb, Arguments] | None:
    """Read a command line.

    Args:
        words: the command line after the program's name.
        environ: the environment variables.

    Returns:
        The verb and its arguments, or ``None`` where the line is not surely right.
    """
    head, rest = split(words)
    try:
        given: Given = {}
        index = leading(head, given)
        if index == len(head) or head[index] not in VERBS:
            return None
        verb = verb_named(head[index])
        operands = options(head[index + 1 :], flags_of(verb), given)
        if not rest_fits(verb, rest, given):
            return None
        place(verb, operands, given)
        return verb, completed(verb, given, rest or (), environ)
    except (Unsure, ValueError):
        return None


def split(words: Sequence[str]) -> tuple[list[str], tuple[str, ...] | None]:
    """Cut a command line at its first ``--``; the second part is ``None`` where there is none."""
    if "--" not in words:
        return list(words), None
    cut = list(words).index("--")
    return list(words[:cut]), tuple(words[cut + 1 :])


def rest_fits(verb: Verb, rest: tuple[str, ...] | None, given: Given) -> bool:
    """Whether the verb takes what stands after ``--``, or that nothing stands there."""
    if verb.rest_demanded and not given.get(verb.rest_spared):
        return bool(rest)
    return rest is None or bool(verb.rest)


def flags_of(verb: Verb) -> Flags:
    """Every spelling of every option of a verb."""
    return spellings((*COMMON, *verb.options))


def spellings(declared: Iterable[Option]) -> Flags:
    """Every spelling of some options."""
    return {flag: option for option in declared for flag in option.flags}


def leading(head: Sequence[str], given: Given) -> int:
    """Take the options before the verb, which can only be the common ones.

    Returns:
        The index of the verb.

    Raises:
        Unsure: there is an option that is not one of them, or not a right one.
    """
    flags = spellings(COMMON)
    index = 0
    while index < len(head) and head[index][:1] == "-":
        index += take(head, index, flags, given)
    return index


def options(tail: Sequence[str], flags: Flags, given: Given) -> list[str]:
    """Take the options after the verb, and give back the words between them.

    Raises:
        Unsure: an option is unknown or not right.
    """
    operands: list[str] = []
    index = 0
    while index < len(tail):
        if tail[index][:1] == "-":
            index += take(tail, index, flags, given)
        else:
            operands.append(tail[index])
            index += 1
    return operands


def take(words: Sequence[str], index: int, flags: Flags, given: Given) -> int:
    """Take the option at an index, or the short options that share its word, with the value.

    Returns:
        How many words that were, 1 or 2.

    Raises:
        Unsure: it is unknown, has no value or one it does not take.
    """
    word = words[index]
    if word.startswith("--"):
        flag, equals, value = word.partition("=")
        option = flags.get(flag)
        if option is None or (equals and not value) or (equals and option.kind in (SWITCH, COUNT)):
            raise Unsure
    else:
        option, value = cluster(word, flags, given)
    if option.kind in (SWITCH, COUNT):
        raise_count(option, given)
        return 1
    width = 1 if value else 2
    if not value:
        value = words[index + 1] if index + 1 < len(words) else ""
    if not value or value[0] == "-":
        raise Unsure
    put(option, value, given)
    return width


def cluster(word: str, flags: Flags, given: Given) -> tuple[Option, str]:
    """Take all but the last of the short options in a word: ``-xvj4`` is ``-x``, ``-v`` and ``-j`` with 4.

    Returns:
        The last option, and the value that is attached to it.

    Raises:
        Unsure: one of them is unknown, or a value begins with ``=``, which may be meant or not.
    """
    for position in range(1, len(word)):
        option = flags.get("-" + word[position])
        if option is None:
            break
        value = word[position + 1 :]
        if option.kind not in (SWITCH, COUNT):
            if value[:1] == "=":
                break
            return option, value
        if not value:
            return option, ""
        raise_count(option, given)
    raise Unsure


def raise_count(option: Option, given: Given) -> None:
    """Note a switch, or one more of a count."""
    before = given.get(option.field, 0)
    given[option.field] = True if option.kind == SWITCH else int(before) + 1  # type: ignore[arg-type]


def put(option: Option, text: str, given: Given) -> None:
    """Note a value; the last one counts, except where there may be many.

    Raises:
        Unsure, ValueError: the option does not take it.
    """
    if option.kind == SECONDS and not (text.isascii() and text.replace(".", "", 1).isdigit()):
        raise Unsure
    value = convert(option, text)
    if option.kind == MANY:
        before = given.get(option.field, ())
        value = (*before, text)  # type: ignore[misc]
    given[option.field] = value


def place(verb: Verb, operands: list[str], given: Given) -> None:
    """Put the words without a flag where the verb wants them.

    Raises:
        Unsure, ValueError: there are too many of them or too few, or the verb does not take them.
    """
    operand = verb.operand
    if operand is None or (operand.kind != MANY and len(operands) > 1):
        if operands:
            raise Unsure
        return
    if not operands:
        if operand.field not in verb.defaults():
            raise Unsure
        return
    for text in operands:
        put(operand, text, given)
