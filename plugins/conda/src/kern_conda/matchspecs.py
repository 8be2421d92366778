"""From PEP 440's version specifiers to conda's.

Both orders of versions agree on final, pre- and post-releases that are written with as many numbers (conda's is
described in its documentation of package specifications); where the operators differ, the translation says what PEP 440
means:

- ``<2.0`` shuts out the pre-releases of 2.0, so it becomes ``<2a0``, which is before all of them;
- ``==8.*`` and ``~=8.1`` become ``8.*`` and ``>=8.1,8.*``, since ``==8.*`` in a list is read as ``==8``.

Not carried over: ``>1.7`` takes 1.7.post1 in conda; ``>=1.0a1`` takes 1.0.dev1; 1.post1 comes after 1.0.1 there and 1.0a1
after 1b1, since letters are compared with the number that stands in their place; and pre-releases need not be named in
a specifier to be taken, since a conda channel keeps them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

if TYPE_CHECKING:
    from packaging.specifiers import Specifier, SpecifierSet


class Untranslatable(ValueError):  # noqa: N818 - what is true of a specifier, not what went wrong
    """A specifier that conda has no words for; its text says which."""


def translate(specifiers: SpecifierSet) -> str:
    """Spell a set of specifiers as the version part of a MatchSpec; empty for an empty set.

    Raises:
        Untranslatable: one of them is ``===``, which compares text and not versions.
    """
    ordered = sorted(specifiers, key=lambda each: (_ORDER.index(each.operator), each.version))
    return ",".join(dict.fromkeys(clause for each in ordered for clause in _clauses(each)))


_ORDER = ("~=", "==", "===", ">=", ">", "<=", "<", "!=")


def _clauses(specifier: Specifier) -> tuple[str, ...]:
    operator, text = specifier.operator, specifier.version
    if operator == "===":
        raise Untranslatable(f"{specifier} compares text, which conda can't")
    if text.endswith(".*"):
        series = f"{Version(text[:-2])}.*"
        return (series if operator == "==" else f"!={series}",)
    version = Version(text)
    if operator == "~=":
        return f">={version}", f"{_epoch(version)}{_dotted(version.release[:-1])}.*"
    if operator == "<" and not version.is_prerelease and not version.is_postrelease:
        return (f"<{_before(version)}",)
    return (f"{operator}{version}",)


def _before(version: Version) -> str:
    """What is before every pre-release of a final version: ``2a0`` for 2.0."""
    release = list(version.release)
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    return f"{_epoch(version)}{_dotted(release)}a0"


def _epoch(version: Version) -> str:
    return f"{version.epoch}!" if version.epoch else ""


def _dotted(numbers: tuple[int, ...] | list[int]) -> str:
    return ".".join(map(str, numbers))
