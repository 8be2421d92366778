"""Which environments a command is about: expressions, labels, names that are not in the list but explain themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.errors import ConfigError, UsageError
from kern.expression import Expression, factors_of, is_generative, matches, names, parse
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Selected(NamedTuple):
    """Names in the order of the matrix, then those that were made up, and sentences about the latter."""

    names: tuple[str, ...]
    notices: tuple[str, ...] = ()


def select(
    known: Mapping[str, bool],
    wanted: Iterable[str],
    labelled: Iterable[str],
    skip: Iterable[str],
    explains: Callable[[str], bool],
) -> Selected:
    """Choose environments.

    Args:
        known: all environments and whether each is a default one.
        wanted: expressions from the command line; with neither these nor labels the default ones are chosen.
        labelled: names that labels stand for, already resolved.
        skip: expressions; what matches is left out.
        explains: whether a name that is not in the list consists of factors that have a meaning of their own.

    Raises:
        UsageError: an expression that selects nothing, with a did-you-mean.
    """
    chosen: dict[str, None] = dict.fromkeys(labelled)
    notices: list[str] = []
    wanted = tuple(wanted)
    for text in wanted:
        found, notice = _one(known, text, explains)
        chosen.update(dict.fromkeys(found))
        notices.extend(notice)
    if not wanted and not chosen:
        chosen = {name: None for name, default in known.items() if default}
    left = _without(chosen, skip)
    order = {name: position for position, name in enumerate(known)}
    return Selected(tuple(sorted(left, key=lambda name: order.get(name, len(order)))), tuple(notices))


def _parse(text: str) -> Expression:
    try:
        return parse(text)
    except ConfigError as error:
        raise _usage(error) from None


def _names(expression: Expression) -> tuple[str, ...]:
    try:
        return names(expression)
    except ConfigError as error:
        raise _usage(error) from None


def _usage(error: ConfigError) -> UsageError:
    return UsageError(error.message, where="command line", hint=error.hint)


def _one(known: Mapping[str, bool], text: str, explains: Callable[[str], bool]) -> tuple[list[str], list[str]]:
    if text in known:
        return [text], []
    if text == "ALL":
        return list(known), []
    expression = _parse(text)
    if not is_generative(expression):
        return _nonempty(known, text, [name for name in known if matches(expression, frozenset(factors_of(name)))]), []
    found: list[str] = []
    notices: list[str] = []
    for name in _names(expression):
        if name in known:
            found.append(name)
            continue
        asked = frozenset(factors_of(name))
        having = [other for other in known if asked.issubset(factors_of(other))]
        if not having and explains(name):
            notices.append(f"{name} is not in env_list: running it with the settings that match its factors")
            having = [name]
        found.extend(_nonempty(known, name, having))
    return found, notices


def _nonempty(known: Mapping[str, bool], text: str, found: list[str]) -> list[str]:
    if found:
        return found
    from kern.config.suggest import did_you_mean, listed

    factors = {factor for name in known for factor in factors_of(name)}
    hint = did_you_mean(text, [*known, *factors]) or (
        f"environments: {listed(known)}" if known else "env_list is empty"
    )
    raise UsageError(f"no environment matches {text!r}", where="command line", hint=hint)


def _without(chosen: Iterable[str], skip: Iterable[str]) -> list[str]:
    expressions = [_parse(text) for text in skip]
    if not expressions:
        return list(chosen)
    return [
        name
        for name in chosen
        if not any(matches(expression, frozenset(factors_of(name))) for expression in expressions)
    ]
