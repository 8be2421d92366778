"""The kernel's own settings of a row, resolved and checked before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.config.words import split_words
from kern.errors import ConfigError
from kern.plan.values import CommandLine, Row, RunSettings

if TYPE_CHECKING:
    from kern.config.project import Project
    from kern.settings import Settings

PHASES = ("commands_pre", "commands", "commands_post")


def run_settings(project: Project, settings: Settings, row: Row) -> RunSettings:
    """Resolve how a row's commands run.

    Raises:
        ConfigError: tables disagree, a command is empty, a pool is unknown.
    """

    def value(key: str) -> Any:
        return settings.value(row.name, row.factors, key)

    limits = value("limits")
    for pool in limits:
        if pool not in project.limits:
            raise _unknown_pool(project, settings, row, pool)
    pre, main, post = (command_lines(project, settings, row, phase) for phase in PHASES)
    return RunSettings(
        commands_pre=pre,
        commands=main,
        commands_post=post,
        change_dir=value("change_dir"),
        set_env=value("set_env"),
        pass_env=value("pass_env"),
        ignore_outcome=value("ignore_outcome"),
        retries=value("retries"),
        timeout=value("timeout"),
        total_timeout=value("total_timeout"),
        limits=limits,
        activate=value("activate"),
        command_prefix=value("command_prefix"),
    )


def _unknown_pool(project: Project, settings: Settings, row: Row, pool: str) -> ConfigError:
    from kern.config.suggest import did_you_mean

    origin = settings.resolve(row.name, row.factors, "limits").origins[-1]
    hint = did_you_mean(pool, project.limits) or f"write its size into [limits]: {pool} = 1"
    return ConfigError(f"there is no pool {pool!r}", where=project.where(*origin), hint=hint)


def command_lines(project: Project, settings: Settings, row: Row, phase: str) -> tuple[CommandLine, ...]:
    """The commands of a phase as words.

    Raises:
        ConfigError: a command is empty, or a quote is not closed.
    """
    resolved = settings.resolve(row.name, row.factors, phase)
    prefix = settings.value(row.name, row.factors, "command_prefix") if resolved.value else ()
    try:
        return tuple(_command_line(command, prefix) for command in resolved.value)
    except ConfigError as error:
        raise ConfigError(error.message, where=project.where(*resolved.origins[-1]), hint=error.hint) from None


def _command_line(command: Any, prefix: tuple[str, ...] = ()) -> CommandLine:
    words = split_words(command) if isinstance(command, str) else tuple(command)
    ignore = bool(words) and words[0].startswith("-")
    if ignore:
        first = words[0][1:]
        words = (first, *words[1:]) if first else words[1:]
    if not words or not words[0]:
        raise ConfigError("a command is empty")
    return CommandLine((*prefix, *words), ignore)
