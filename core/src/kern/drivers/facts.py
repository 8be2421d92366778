"""What `kern plugins` shows, and the words for a driver that nobody, or more than one, offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kern.drivers import loading
from kern.drivers.index import GROUPS, Damage, Entry
from kern.drivers.known import family, install_line
from kern.errors import PluginError
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

    from kern.drivers import Registry


class Plugin(NamedTuple):
    """One entry point and its state.

    Attributes:
        state: one of `kern.drivers.loading.STATES`.
        group: its entry point group; empty for a distribution whose entry points can't be read.
        name: its name.
        distribution: who offers it.
        version: the distribution's version.
        target: ``module:attribute``.
        reason: why it is no good; empty otherwise.
        hint: what to do about it.
    """

    state: str
    group: str
    name: str
    distribution: str
    version: str
    target: str
    reason: str = ""
    hint: str = ""


def plugins(
    registry: Registry,
    damaged: Sequence[Damage],
    faults: dict[Entry, loading.Fault],
    *,
    check: bool,
    check_hooks: Callable[[object], str] | None,
) -> tuple[Plugin, ...]:
    """All plugins with what is known about each, or with ``check`` what loading each one shows."""
    doubles = registry.doubles()
    shown = []
    for group in GROUPS:
        for entry in registry.all(group, refused=True):
            state, reason, hint = _known(entry, doubles, faults, registry)
            if check and state == loading.NOT_LOADED:
                state, reason, hint = _tried(entry, registry, check_hooks)
            shown.append(
                Plugin(state, group, entry.name, entry.distribution, entry.version, entry.target, reason, hint)
            )
    broken = [Plugin(loading.BROKEN, "", "", d.distribution, d.version, "", d.reason, _again(d)) for d in damaged]
    return (*shown, *broken)


def doubled(offers: Sequence[Entry]) -> PluginError:
    """The error for a name that more than one entry point offers."""
    first = offers[0]
    return PluginError(
        f'{loading.KINDS[first.group]} "{first.name}" is offered more than once: by {_all(offers)}',
        hint="uninstall all but one of them, or name the others in plugins.deny of the configuration",
    )


def denied(entry: Entry, why: str) -> PluginError:
    """The error for a name that only a plugin offers which the user or the project does not want."""
    return PluginError(f"{loading.title(entry)} is {why}", hint="change that list, or use something else")


def absent(group: str, name: str, names: Sequence[str], installed: AbstractSet[str]) -> PluginError:
    """The error for a name that nobody offers: where it comes from if that is known, else what it may stand for."""
    import difflib

    kind = loading.KINDS[group]
    distribution = family(group).get(name)
    if distribution is not None and distribution not in installed:
        told = f'{kind} "{name}" comes with the plugin {distribution}, which is not installed'
        return PluginError(told, hint=install_line(distribution))
    near = difflib.get_close_matches(name, sorted({*names, *family(group)}), n=1)
    known = f"installed: {', '.join(names)}" if names else f"no {kind} is installed"
    return PluginError(
        f'no installed plugin offers the {kind} "{name}"', hint=f'did you mean "{near[0]}"?' if near else known
    )


def _known(
    entry: Entry,
    doubles: dict[tuple[str, str], tuple[Entry, ...]],
    faults: dict[Entry, loading.Fault],
    registry: Registry,
) -> tuple[str, str, str]:
    refused = registry.refusal(entry)
    if refused:
        return loading.DENIED, f"{loading.title(entry)} is {refused}", ""
    offers = doubles.get((entry.group, entry.name))
    if offers is not None:
        error = doubled(offers)
        return loading.DOUBLED, error.message, error.hint
    fault = faults.get(entry)
    if fault is not None:
        return fault.state, fault.message, fault.hint
    return (loading.OK if registry.loaded(entry) else loading.NOT_LOADED), "", ""


def _tried(entry: Entry, registry: Registry, check_hooks: Callable[[object], str] | None) -> tuple[str, str, str]:
    made = _hooks(entry, registry, check_hooks) if entry.group == "kern.hooks" else _made(entry)
    return (made.state, made.message, made.hint) if isinstance(made, loading.Fault) else (loading.OK, "", "")


def _made(entry: Entry) -> object | loading.Fault:
    """A driver whose options can be configured, or what is wrong with it."""
    made = loading.make(entry)
    declared: Any = getattr(made, "Options", None)
    if declared is None:
        return made
    from kern.options import fields_of

    try:
        fields_of(declared)
    except PluginError as error:
        return loading.Fault(loading.BROKEN, f"{loading.title(entry)} can't be used: {error.message}", error.hint)
    except Exception as error:  # noqa: BLE001 - the class is the plugin's, and so are its default factories
        return loading.raised(entry, error)
    return made


def _hooks(entry: Entry, registry: Registry, check_hooks: Callable[[object], str] | None) -> loading.Fault | None:
    try:
        found = registry.resolve(entry)
    except PluginError as error:
        return loading.Fault(loading.BROKEN, error.message, error.hint)
    reason = check_hooks(found) if check_hooks is not None else ""
    if not reason:
        return None
    told = f"{loading.title(entry)} can't be used: {reason}"
    return loading.Fault(loading.BROKEN, told, f"report this to the authors of {entry.distribution}")


def _all(offers: Sequence[Entry]) -> str:
    return " and ".join(f"{loading.owner(entry)} ({entry.target})" for entry in offers)


def _again(damage: Damage) -> str:
    return f"reinstall {damage.distribution}"
