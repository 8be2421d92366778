"""Which environment is meant by a TARGET that kern did not make: a path, ``KIND:NAME``, or a bare name.

The kernel knows no kinds. It asks the plugins' adopters, believes the most certain of them, and tells who said what.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from kern.errors import PluginError, UsageError
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kern.api import Adopted, Adopter, AdopterOffers, Context
    from kern.session import Session

GROUP = "kern.adopter"


class Found(NamedTuple):
    """An environment that kern did not make, and the kind (an adopter's name) that recognised it."""

    kind: str
    adopted: Adopted


def is_path(target: str) -> bool:
    """Whether a target is a path: it has a slash and no ``KIND:`` before it, or it is ``.`` or ``..``."""
    kind, colon, _ = target.partition(":")
    return target in (os.curdir, os.pardir) or (os.sep in target and not (colon and os.sep not in kind))


def is_place(target: str) -> bool:
    """Whether a target means the same without a project: a path or ``KIND:NAME``."""
    return is_path(target) or ":" in target


def adopt(
    session: Session,
    target: str,
    *,
    base: str,
    first: str = "",
    explain: Callable[[str], None] = lambda _: None,
    otherwise: UsageError | None = None,
) -> Found:
    """Find the environment that a target means.

    Args:
        session: its drivers are asked.
        target: what the user wrote; names of environments of the project are the caller's to look up before.
        base: what a path is relative to.
        first: the kind that is asked for a bare name before all others are.
        explain: takes sentences on what was asked and answered.
        otherwise: why a bare name is none of the project's; what is raised if nobody knows it, with who was asked.

    Raises:
        UsageError: nothing there, nobody recognises it, or two kinds do so equally well.
        PluginError: the plugin of the ``KIND:`` is absent or broken.
        StepFailed: it is recognised and can't be used.
    """
    if is_path(target):
        return _at_path(session, os.path.normpath(os.path.join(base, os.path.expanduser(target))), explain)
    kind, colon, name = target.partition(":")
    if colon:
        return _of_kind(session, kind, name, base, explain)
    return _named(session, target, first, base, explain) or _unknown(session, target, base, otherwise)


def _at_path(session: Session, path: str, explain: Callable[[str], None]) -> Found:
    explain(f"{path} is a path, so all kinds are asked")
    if not os.path.lexists(path):
        raise UsageError(f"there is nothing at {path}", hint="give the directory of an environment, or an interpreter")
    kinds = session.registry.names(GROUP)
    found = _best(path, _ask(session, kinds, path, session.project.directory, explain), explain)
    if found is not None:
        return found
    if not os.path.exists(path):
        raise UsageError(f"{path} is a link to {os.readlink(path)}, where nothing is", hint="make it point somewhere")
    raise UsageError(
        f"{path} is no environment that an installed plugin recognises",
        hint=f"asked: {_listed(kinds)}; give the directory of an environment, or the path of an interpreter",
    )


def _of_kind(session: Session, kind: str, name: str, base: str, explain: Callable[[str], None]) -> Found:
    if not kind:
        kinds = _listed(session.registry.names(GROUP))
        raise UsageError(f"there is no kind before the colon in {':' + name!r}", hint=f"kinds are {kinds}")
    session.registry.load(GROUP, kind)  # a kind that is absent is told before anything is asked
    explain(f"{kind}:{name} is of the kind {kind}")
    for location in _spellings(os.path.expanduser(name), base):
        found = _best(name, _ask_one(session, kind, location, base, explain), explain)
        if found is not None:
            return found
    raise UsageError(
        f"the kind {kind} has no environment {name!r}" if name else f"the kind {kind} needs a name: {kind}:NAME",
        hint=_offers(session, kind, base),
    )


def _offers(session: Session, kind: str, base: str) -> str:
    adopter = session.registry.load(GROUP, kind)
    if not hasattr(adopter, "offers"):
        return "a path with a slash in it is asked of all kinds"
    offering: AdopterOffers = adopter
    return offering.offers(_context(session, kind, base))


def _spellings(name: str, base: str) -> Iterator[str]:
    """A name; and a directory's path in another spelling, since a kind that is named may take more than it claims."""
    yield name
    if os.path.isabs(name) and os.path.isdir(name):
        yield os.path.join(os.curdir, os.path.relpath(name, base))


def _named(session: Session, name: str, first: str, base: str, explain: Callable[[str], None]) -> Found | None:
    kinds = session.registry.names(GROUP)
    rounds = [(first,)] if first in kinds else []
    for asked in (*rounds, tuple(kind for kind in kinds if kind != first)):
        explain(f"{name} is no environment of this project, so {_listed(asked)} {_verb(asked)} asked")
        found = _best(name, _ask(session, asked, name, base, explain), explain)
        if found is not None:
            return found
    return None


def _unknown(session: Session, name: str, base: str, otherwise: UsageError | None) -> NoReturn:
    kinds = session.registry.names(GROUP)
    asked = f"(asked: {_listed(kinds)})"
    hint = _offers(session, name, base) if name in kinds else ""
    if otherwise is not None:
        said = f"{otherwise.message}, and no plugin knows an environment called {name!r} {asked}"
        raise UsageError(said, where=otherwise.where, hint=hint or otherwise.hint)
    said = f"the project has no environment {name!r}, and no plugin knows one of that name {asked}"
    raise UsageError(said, hint=hint or f"for a directory give a path: ./{name}")


def _context(session: Session, kind: str, base: str) -> Context:
    """A context in which relative paths are meant from where the target was written."""
    context = session.context(kind)
    context.project_dir = base
    return context


def _ask(
    session: Session, kinds: Sequence[str], location: str, base: str, explain: Callable[[str], None]
) -> list[Found]:
    """What kinds say of a location; one whose plugin is broken is named and left out."""
    found = []
    for kind in kinds:
        try:
            found += _ask_one(session, kind, location, base, explain)
        except PluginError as error:
            explain(f"  {kind}: {error.message}")
            session.warn(error.message)
    return found


def _ask_one(session: Session, kind: str, location: str, base: str, explain: Callable[[str], None]) -> list[Found]:
    """What a kind says of a location; nothing if it does not know it.

    Raises:
        PluginError: its plugin is broken.
    """
    adopter: Adopter = session.registry.load(GROUP, kind)
    adopted: Adopted | None = adopter.adopt(location, _context(session, kind, base))
    if adopted is None:
        explain(f"  {kind}: not one of its environments")
        return []
    explain(f"  {kind}: {adopted.why} (certainty {adopted.certainty})")
    return [Found(kind, adopted)]


def _best(location: str, found: list[Found], explain: Callable[[str], None]) -> Found | None:
    """The most certain answer.

    Raises:
        UsageError: two are equally certain.
    """
    if not found:
        return None
    highest = max(one.adopted.certainty for one in found)
    winners = [one for one in found if one.adopted.certainty == highest]
    if len(winners) > 1:
        first, second = winners[:2]
        raise UsageError(
            f"{location} is recognised by two kinds: {first.kind}, as {first.adopted.why}, "
            f"and {second.kind}, as {second.adopted.why}",
            hint=f"say which is meant: {first.kind}:{location} or {second.kind}:{location}",
        )
    explain(f"so it is {winners[0].adopted.environment.location} ({winners[0].kind})")
    return winners[0]


def _listed(kinds: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(kinds[:-1]), *kinds[-1:]))) or "none is installed"


def _verb(kinds: Sequence[str]) -> str:
    return "is" if len(kinds) <= 1 else "are"
