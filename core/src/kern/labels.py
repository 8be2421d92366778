"""What a label stands for: ``[labels]`` entries and the ``labels`` setting of environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kern.errors import ConfigError, UsageError
from kern.expression import factors_of
from kern.select import select

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kern.config.project import Project
    from kern.settings import Settings


def labelled(project: Project, settings: Settings, matrix: Mapping[str, bool], labels: Iterable[str]) -> list[str]:
    """The environments of one or more labels.

    Raises:
        UsageError: a label that nothing has.
        ConfigError: ``[labels]`` names an environment that is not there.
    """
    found: dict[str, None] = {}
    for label in labels:
        names = _one(project, settings, matrix, label)
        if not names:
            raise _unknown(project, settings, matrix, label)
        found.update(dict.fromkeys(names))
    return list(found)


def _one(project: Project, settings: Settings, matrix: Mapping[str, bool], label: str) -> list[str]:
    names: list[str] = []
    if label in project.labels:
        names.extend(_chosen(project, matrix, label))
    if settings.varies("labels") or label in settings.value("", (), "labels"):
        names.extend(name for name in matrix if label in settings.value(name, factors_of(name), "labels"))
    return names


def _chosen(project: Project, matrix: Mapping[str, bool], label: str) -> tuple[str, ...]:
    try:
        return select(matrix, project.labels[label], (), (), lambda _: False).names
    except UsageError as error:
        raise ConfigError(error.message, where=project.where("labels", label), hint=error.hint) from None


def _unknown(project: Project, settings: Settings, matrix: Mapping[str, bool], label: str) -> UsageError:
    from kern.config.suggest import did_you_mean, listed

    known = dict.fromkeys(project.labels)
    for name in matrix:
        known.update(dict.fromkeys(settings.value(name, factors_of(name), "labels")))
    hint = did_you_mean(label, known) or (f"labels: {listed(known)}" if known else "no labels are configured")
    return UsageError(f"nothing has the label {label!r}", where="command line", hint=hint)
