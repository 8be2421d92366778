"""Whether the ``requires`` of a configuration are met; imported only where the index can't tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.drivers.known import install_line
from kern.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.requirements import Requirement


def check(requires: Sequence[str], where: str) -> None:
    """Compare requirements with the installed distributions.

    Raises:
        PluginError: names all that are absent or of another version, with one install line.
        ConfigError: one of them is no requirement as in PEP 508.
    """
    wrong = {text: problem for text in requires if (problem := _problem(_parsed(text, where)))}
    if wrong:
        raise PluginError(
            f"this project requires {' and '.join(wrong.values())}", where=where, hint=install_line(*wrong)
        )


def _parsed(text: str, where: str) -> Requirement:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        hint = 'write the name of a distribution, as in "kern-conda>=0.2"'
        raise ConfigError(f'"{text}" is not a requirement: {reason}', where=where, hint=hint) from error


def _problem(requirement: Requirement) -> str:
    """What is wrong with a requirement, empty if it is met or does not apply here."""
    from importlib.metadata import PackageNotFoundError, version

    from packaging.version import InvalidVersion

    if requirement.marker is not None and not requirement.marker.evaluate():
        return ""
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name}, which is not installed"
    try:
        if requirement.specifier.contains(installed, prereleases=True):
            return ""
    except InvalidVersion:
        pass
    return f"{requirement.name}{requirement.specifier}, where {installed} is installed"
