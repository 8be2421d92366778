"""What a driver's methods raise and return, on the way out: whatever a plugin does wrong names the plugin.

Errors that the API has words for pass as they are. All else that is raised, an attempt to exit included, and answers of
another type than the protocol's become one `PluginError`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from kern.api import Activation, Adopted, Artifact, Environment, Unavailable
from kern.drivers import loading
from kern.drivers.aside import ASIDE
from kern.errors import KernError, PluginError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from kern.drivers.index import Entry

_ANSWERS: dict[str, dict[str, tuple[type | None, ...]]] = {
    "kern.provider": {
        "claims": (bool,),
        "probe": (None, Unavailable),
        "fingerprint": (dict,),
        "provision": (Environment,),
        "install": (dict,),
        "drift": (list,),
        "requirements": (dict,),
        "dispose": (),
    },
    "kern.builder": {
        "source": (str,),
        "probe": (None, Unavailable),
        "variant": (str,),
        "fingerprint": (dict,),
        "build": (Artifact,),
        "fit": (None, int),
        "read": (None, Artifact),
    },
    "kern.activator": {"activate": ()},
    "kern.adopter": {"adopt": (None, Adopted), "offers": (str,)},
    "kern.locker": {
        "path": (str,),
        "inputs": (dict,),
        "requires": (None, list),
        "read": (None, dict),
        "lock": (),
        "probe": (None, Unavailable),
    },
}
"""What each method may return; nothing stands for anything. ``dict`` is any mapping of texts, ``list`` any sequence of them."""
_VALUES = {"fingerprint": "json", "inputs": "json", "install": "text", "read": "json", "requirements": "json"}
"""What the values of a mapping have to be."""
_WORDS = {"json": "JSON values", "text": "texts"}
_SHOWN = 60
"""How many characters of an answer that is refused are shown."""

_BUSY: dict[int, tuple[Entry, str]] = {}
"""By thread: which method of which plugin it is in."""


def busy() -> tuple[str, ...]:
    """Which methods of plugins have been called and have not come back, in words."""
    return tuple(f"{loading.title(entry)} does not come back from {name}" for entry, name in (*_BUSY.values(),))


class _Call:
    """A call of a plugin's method: what it prints is put aside, and `busy` knows of it."""

    def __init__(self, entry: Entry, name: str) -> None:
        self._call = entry, name

    def __enter__(self) -> None:
        ASIDE.__enter__()
        self._outer = _BUSY.get(threading.get_ident())
        _BUSY[threading.get_ident()] = self._call

    def __exit__(self, *_: object) -> None:
        if self._outer is None:
            _BUSY.pop(threading.get_ident(), None)
        else:
            _BUSY[threading.get_ident()] = self._outer
        ASIDE.__exit__()


def guard(entry: Entry, driver: Any) -> Any:
    """A driver whose methods raise nothing but errors with words, and return what they should.

    The driver itself is changed, so that it stays of its own type; one that can't be is put into another object.
    """
    answers = _ANSWERS[entry.group]
    made = {
        name: _guarded(entry, name, method, answers[name])
        for name in answers
        if (method := getattr(driver, name, None))
    }
    try:
        vars(driver).update(made)
    except TypeError:  # it has slots, or is a module
        return _Shell(driver, made)
    return driver


class _Shell:
    """Another object's attributes, some of them replaced."""

    def __init__(self, driver: object, made: dict[str, Any]) -> None:
        self._driver = driver
        vars(self).update(made)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


def _guarded(
    entry: Entry, name: str, method: Callable[..., object], answers: tuple[type | None, ...]
) -> Callable[..., object]:
    def guarded(*arguments: Any, **keywords: Any) -> object:
        try:
            with _Call(entry, name):
                answer = method(*arguments, **keywords)
        except BaseException as error:
            _blame(entry, name, error)
            raise
        if name == "activate":
            return _Entered(entry, answer)
        if answers and not _fits(answer, answers, _VALUES.get(name, "")):
            raise _wrong(entry, name, f"{_shown(answer)} is not {_wanted(name, answers)}")
        if isinstance(answer, Environment):
            _check_environment(entry, answer, arguments[0].location)
        return answer

    return guarded


class _Entered:
    """The context manager of an activation; what happens inside of the block is not the plugin's."""

    def __init__(self, entry: Entry, manager: Any) -> None:
        if not hasattr(type(manager), "__enter__") or not hasattr(type(manager), "__exit__"):
            raise _wrong(entry, "activate", f"{_shown(manager)} is not a context manager")
        self._entry = entry
        self._manager = manager

    def __enter__(self) -> object:
        try:
            with _Call(self._entry, "activate"):
                found = self._manager.__enter__()
        except BaseException as error:
            _blame(self._entry, "activate", error)
            raise
        if isinstance(found, Activation):
            return found
        raise _wrong(self._entry, "activate", f"{_shown(found)} is not Activation")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> object:
        try:
            with _Call(self._entry, "activate"):
                return self._manager.__exit__(kind, error, trace)
        except BaseException as raised:
            if raised is not error:
                _blame(self._entry, "activate", raised)
            raise


def _blame(entry: Entry, name: str, error: BaseException) -> None:
    """Raise what a method has raised in words that name the plugin; return for what is nobody's fault.

    In the main thread nothing tells a plugin's own ``KeyboardInterrupt`` from the user's.
    """
    if isinstance(error, KernError | MemoryError):
        return
    if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
        return
    told = f"{loading.title(entry)} failed in {name}: {loading.last_line(error)}"
    raise PluginError(told, hint=loading.debug_hint(error)) from error


def _check_environment(entry: Entry, made: Environment, location: str) -> None:
    if made.location != location:
        raise _wrong(entry, "provision", "an environment in another place than it was told")
    texts = (made.activator, *made.watch, *made.volatile, *made.facts, *made.facts.values())
    if not all(isinstance(text, str) for text in texts):
        raise _wrong(entry, "provision", "an environment with something in it that is no text")


def _shown(answer: object) -> str:
    """An answer for a message: what it is, and how it begins."""
    try:
        text = repr(answer)
    except Exception:  # noqa: BLE001 - the class is the plugin's
        text = ""
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return cut if text in ("None", "True", "False") else f"{type(answer).__name__} {cut}".rstrip()


def _wanted(name: str, answers: tuple[type | None, ...]) -> str:
    """What a method may return, for somebody who has returned something else."""
    words: dict[type | None, str] = {
        None: "None",
        dict: f"a mapping of texts to {_WORDS[_VALUES.get(name, 'json')]}",
        list: "a list of texts",
    }
    return " or ".join(words.get(kind) or str(getattr(kind, "__name__", kind)) for kind in reversed(answers))


def _wrong(entry: Entry, name: str, what: str) -> PluginError:
    """The error for an answer of another type, or with something in it that can't be kept."""
    told = f"{loading.title(entry)} answers {name} with what its protocol does not allow: {what}"
    return PluginError(told, hint=f"report this to the authors of {entry.distribution}")


def _fits(answer: object, answers: tuple[type | None, ...], values: str) -> bool:
    kind = type(answer)
    if answer is None or kind in (bool, str, int):
        return (None if answer is None else kind) in answers
    if dict in answers and hasattr(answer, "items"):
        return _mapping_fits(answer, values)
    if list in answers:
        return hasattr(answer, "__iter__") and all(isinstance(each, str) for each in answer)
    return any(isinstance(answer, shape) for shape in answers if shape is not None)


def _mapping_fits(answer: Any, values: str) -> bool:
    if not all(isinstance(name, str) for name in answer):
        return False
    if values == "text":
        return all(isinstance(value, str) for _, value in answer.items())
    import json

    try:
        json.dumps(dict(answer), default=_plain)
    except (TypeError, ValueError):
        return False
    return True


def _plain(value: object) -> object:
    if hasattr(value, "items"):
        return dict(value.items())
    raise TypeError
