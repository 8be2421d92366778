"""From a distribution's requirements to a conda package's dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from kern.api import ConfigError, StepFailed
from kern_conda.markers import MINORS, Holding, Minor, Undecidable, holding
from kern_conda.matchspecs import Untranslatable, translate
from kern_conda.renames import Renames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Metadata(NamedTuple):
    """What a wheel's ``METADATA`` says that matters here."""

    name: str
    version: str
    requires_python: str
    requirements: tuple[str, ...]
    extras: tuple[str, ...]


class Wish(NamedTuple):
    """What the user and the row say.

    Attributes:
        definition: name of the package definition, for messages.
        renames: the user's table.
        extras: that are asked for.
        environment: name of the row, for messages.
        python: its Python, ``None`` if it names none.
    """

    definition: str
    renames: Mapping[str, str]
    extras: tuple[str, ...]
    environment: str
    python: Minor | None


class Dependencies(NamedTuple):
    """The result.

    Attributes:
        name: the package's own name in conda.
        depends: MatchSpecs, Python first.
        limited: whether the package serves fewer Pythons than its ``Requires-Python`` allows.
    """

    name: str
    depends: tuple[str, ...]
    limited: bool


def make_dependencies(metadata: Metadata, wish: Wish) -> Dependencies:
    """Translate a distribution's requirements.

    Raises:
        ConfigError: an extra that it does not have; a requirement that has no equal in conda, with the key that mends it.
        StepFailed: the metadata is malformed, or shuts the row's Python out.
    """
    names = _renames(wish)
    pythons = _pythons(metadata, wish)
    try:
        held = holding(_wanted(metadata, names), _all_extras(metadata, wish), pythons, wish.python)
    except Undecidable as problem:
        raise _undecidable(problem, wish) from None
    own = canonicalize_name(metadata.name)
    others = [_depend(each, names, wish) for each in held.requirements if canonicalize_name(each.name) != own]
    depends = (_python(metadata, held), *sorted(set(filter(None, others))), *held.virtual_packages)
    return Dependencies(names.find(metadata.name) or own, depends, bool(held.lowest or held.beyond))


def _renames(wish: Wish) -> Renames:
    try:
        return Renames(wish.renames)
    except ValueError as error:
        raise ConfigError(str(error), where=_key(wish, "renames")) from None


def _wanted(metadata: Metadata, names: Renames) -> list[Requirement]:
    """The requirements that the user does not leave out."""
    found = [_parse(text, metadata) for text in metadata.requirements]
    return [each for each in found if names.stated(each.name, frozenset(each.extras)) != ""]


def _parse(text: str, metadata: Metadata) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        message = str(error).partition("\n")[0]
        raise StepFailed(f"{metadata.name} has a malformed requirement {text!r}: {message}") from None


def _all_extras(metadata: Metadata, wish: Wish) -> tuple[str, ...]:
    """The extras that are asked for, and those that they ask for themselves (``demo[all]`` has ``demo[fast]``)."""
    known: set[str] = {canonicalize_name(each) for each in metadata.extras}
    found: list[str] = [canonicalize_name(each) for each in wish.extras]
    for each in found:
        if each not in known:
            raise ConfigError(
                f"{metadata.name} has no extra {each!r}",
                where=_key(wish, "extras"),
                hint=f"it has {', '.join(sorted(known))}" if known else "it has none",
            )
        found.extend(extra for extra in _extras_of(each, metadata) if extra not in found)
    return tuple(found)


def _extras_of(extra: str, metadata: Metadata) -> list[str]:
    own = canonicalize_name(metadata.name)
    parsed = (_parse(text, metadata) for text in metadata.requirements)
    mine = [each for each in parsed if canonicalize_name(each.name) == own and each.marker is not None]
    asked = [each for each in mine if each.marker and each.marker.evaluate({"extra": extra})]
    return sorted({canonicalize_name(name) for each in asked for name in each.extras})


def _pythons(metadata: Metadata, wish: Wish) -> Sequence[Minor]:
    """The minors that Requires-Python takes.

    Raises:
        StepFailed: none, or not the row's.
    """
    try:
        specifiers = SpecifierSet(metadata.requires_python)
    except InvalidSpecifier:
        raise StepFailed(f"{metadata.name} has a malformed Requires-Python: {metadata.requires_python}") from None
    found = [
        minor
        for minor in MINORS
        if any(specifiers.contains(f"{minor[0]}.{minor[1]}.{micro}", prereleases=True) for micro in (0, 99))
    ]
    if not found or (wish.python is not None and wish.python not in found):
        version = ".".join(map(str, wish.python)) if wish.python else "none that there is"
        raise StepFailed(
            f"{metadata.name} requires Python {metadata.requires_python}, {wish.environment} has {version}",
            hint="leave this environment out of env_list, or lower requires-python in pyproject.toml",
        )
    return found


def _python(metadata: Metadata, held: Holding) -> str:
    """The dependency on Python: Requires-Python, and the limits within which the same requirements hold."""
    clauses = [str(each) for each in SpecifierSet(metadata.requires_python)]
    if held.lowest is not None:
        clauses = [each for each in clauses if not each.startswith(">=")]
        clauses.append(f">={held.lowest[0]}.{held.lowest[1]}")
    if held.beyond is not None:
        clauses = [each for each in clauses if not each.startswith("<") or each.startswith("<=")]
        clauses.append(f"<{held.beyond[0]}.{held.beyond[1]}")
    try:
        return f"python {translate(SpecifierSet(','.join(clauses)))}".strip()
    except Untranslatable as problem:
        raise StepFailed(f"{metadata.name} has a Requires-Python that conda has no words for: {problem}") from None


def _depend(requirement: Requirement, names: Renames, wish: Wish) -> str:
    """The MatchSpec for one requirement; empty if the tables leave it out."""
    extras = frozenset(requirement.extras)
    stated = names.stated(requirement.name, extras)
    found = names.find(requirement.name, extras)
    if found is not None and (not found or " " in found):
        return found
    if requirement.url and stated is None:
        raise _unknown(requirement, "is a URL, which a conda package can't depend on", wish)
    if extras and found is None:
        raise _unknown(requirement, "has extras, which conda packages have not", wish)
    try:
        version = translate(requirement.specifier)
    except Untranslatable as problem:
        raise _unknown(requirement, f"can't be said in conda's words: {problem}", wish) from None
    return f"{found or canonicalize_name(requirement.name)} {version}".strip()


def _unknown(requirement: Requirement, why: str, wish: Wish) -> ConfigError:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    name = f"{requirement.name}{extras}"
    return ConfigError(
        f"the requirement {requirement} {why}",
        where=_key(wish, "renames"),
        hint=f'say which package it is in conda, "{name}" = "NAME" or "NAME VERSION", or leave it out: "{name}" = ""',
    )


def _undecidable(problem: Undecidable, wish: Wish) -> ConfigError:
    if wish.python is None and "environment" in str(problem):
        return ConfigError(
            f"the requirement {problem.requirement} {problem}",
            where=wish.environment,
            hint="add a factor to its name that says it, py312 for one",
        )
    return _unknown(problem.requirement, str(problem), wish)


def _key(wish: Wish, key: str) -> str:
    return f"package.{wish.definition}.{key}"
