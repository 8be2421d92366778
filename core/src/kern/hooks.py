"""Something happened: every plugin of the group ``kern.hooks`` that wants to know is told, through pluggy.

A plugin is a module (or a class, made without arguments) with functions named like the hooks below; each takes those
of the hook's arguments that it names. Nothing is imported where there are no such plugins. A plugin that can't be
imported, takes unknown arguments, has an unknown hook or raises in one is left out for the rest of the run, with one
warning that names it: what happens in a run never depends on somebody's listener.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

from kern.drivers import loading
from kern.drivers.aside import ASIDE
from kern.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pluggy import PluginManager

    from kern.drivers import Entry, Registry
    from kern.events import Event

GROUP = "kern.hooks"
PREFIX = "kern_"


class Specifications:
    """The hooks. A new version may add arguments to one: plugins that do not name them stay as they are."""

    @staticmethod
    def kern_project(project: object) -> None:
        """The configuration has been read. To look at, not to change."""

    @staticmethod
    def kern_matrix(specs: Sequence[object]) -> list[str] | None:
        """The matrix has been made from the configuration. Names of environments to add to it, or nothing."""

    @staticmethod
    def kern_plan(plan: object) -> None:
        """The plan has been made. To look at, not to change."""

    @staticmethod
    def kern_event(event: Event) -> None:
        """Something happened in the run; see `kern.events`. Called for all output of commands too: be quick."""


class Hooks:
    """One typed caller for each hook; without plugins each of them does nothing at all.

    Args:
        registry: the installed plugins.
        warn: told in one sentence about each plugin that is left out, once.
    """

    def __init__(self, registry: Registry, warn: Callable[[str], None]) -> None:
        self._registry = registry
        self._warn = warn
        self._entries = tuple({entry.target: entry for entry in registry.all(GROUP)}.values())
        self._manager: PluginManager | None = None
        self._quarantined: set[Entry] = set()
        self._lock = threading.RLock()

    def project(self, project: object) -> None:
        """The configuration has been read."""
        self._call("kern_project", project=project)

    def matrix(self, specs: Sequence[object]) -> tuple[str, ...]:
        """The matrix has been made.

        Returns:
            Names of environments that plugins add to it, in the order of the plugins, each once.
        """
        answers = self._call("kern_matrix", specs=specs)
        return tuple(dict.fromkeys(name for answer in answers for name in answer))

    def plan(self, plan: object) -> None:
        """The plan has been made."""
        self._call("kern_plan", plan=plan)

    def event(self, event: Event) -> None:
        """Something happened in the run."""
        self._call("kern_event", event=event)

    def _call(self, hook: str, **arguments: object) -> list[Any]:
        if not self._entries:
            return []
        answers: list[Any] = getattr(self._registered().hook, hook)(**arguments)
        return answers

    def _registered(self) -> PluginManager:
        with self._lock:
            if self._manager is None:
                manager = _manager()
                # pluggy calls the one that was registered last first
                for entry in reversed(self._entries):
                    self._register(manager, entry)
                self._manager = manager
            return self._manager

    def _register(self, manager: PluginManager, entry: Entry) -> None:
        try:
            plugin = _plugin(self._registry.resolve(entry))
            reason = complaint(plugin)
            if reason:
                self._leave_out(entry, f"{loading.title(entry)} can't be used: {reason}")
                return
            guarded = {name: self._guard(name, function, entry) for name, function in _offered(plugin).items()}
            _add(manager, guarded, "|".join(entry))
        except PluginError as error:
            self._leave_out(entry, error.message)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            self._leave_out(entry, loading.raised(entry, error).message)

    def _guard(self, hook: str, function: Callable[..., object], entry: Entry) -> Callable[..., object]:
        @functools.wraps(function)
        def guarded(*arguments: object, **keywords: object) -> object:
            if entry in self._quarantined:
                return None
            try:
                with ASIDE:
                    return _checked(hook, function(*arguments, **keywords))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
                self._leave_out(entry, f"{loading.title(entry)} failed in {hook}: {loading.last_line(error)}")
                return None

        return guarded

    def _leave_out(self, entry: Entry, reason: str) -> None:
        with self._lock:
            if entry in self._quarantined:
                return
            self._quarantined.add(entry)
        self._warn(f"{reason}; it is left out of this run")


def complaint(found: object) -> str:
    """What is wrong with the object of a ``kern.hooks`` entry: unknown hooks or arguments; empty if nothing is."""
    import inspect

    from pluggy import PluginValidationError

    offered = _offered(_plugin(found))
    unknown = [name for name in offered if not hasattr(Specifications, name)]
    if unknown:
        return f"there is no hook {', '.join(unknown)}"
    if not offered:
        return f"it has no function whose name begins with {PREFIX}"
    for name, function in offered.items():
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            return f"{name} is a generator or coroutine, and a hook is a plain function"
    try:
        manager = _manager()
        _add(manager, offered, "complaint")
        manager.check_pending()
    except PluginValidationError as error:
        return f"pluggy refuses it: {' '.join(str(error).split())}"
    return ""


def _plugin(found: object) -> object:
    return found() if isinstance(found, type) else found


def _offered(plugin: object) -> dict[str, Callable[..., object]]:
    """The functions of a plugin that are named like hooks."""
    import inspect

    named = {name: getattr(plugin, name) for name in dir(plugin) if name.startswith(PREFIX)}
    return {name: function for name, function in named.items() if inspect.isroutine(function)}


def _manager() -> PluginManager:
    import pluggy

    manager = pluggy.PluginManager("kern")
    mark = pluggy.HookspecMarker("kern")
    for name in dir(Specifications):
        if name.startswith(PREFIX):
            mark(getattr(Specifications, name))
    manager.add_hookspecs(Specifications)
    return manager


def _add(manager: PluginManager, functions: dict[str, Callable[..., object]], name: str) -> None:
    """Register functions as a plugin, with the options that pluggy's own marker gave them, if it did."""
    from types import SimpleNamespace

    manager.register(SimpleNamespace(**{hook: _marked(function) for hook, function in functions.items()}), name=name)


def _marked(function: Callable[..., object]) -> Callable[..., object]:
    import pluggy

    @functools.wraps(function)
    def marked(*arguments: object, **keywords: object) -> object:
        return function(*arguments, **keywords)

    return marked if hasattr(marked, "kern_impl") else pluggy.HookimplMarker("kern")(marked)


def _checked(hook: str, answer: object) -> object:
    if hook != "kern_matrix" or answer is None:
        return answer
    if isinstance(answer, (list, tuple)) and all(isinstance(name, str) for name in answer):
        return answer
    raise TypeError("the answer is not a list of names")
