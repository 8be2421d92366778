"""From an entry to a driver: import its module, call its class, check it against the protocol of its group.

Nothing is raised for what a plugin does wrong: the answer is the driver, or a `Fault` that says who is to blame.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from kern.drivers.aside import ASIDE
from kern.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from kern.drivers.index import Entry

OK = "ok"
BROKEN = "broken"
DOUBLED = "doubled"
WRONG_API = "wrong api"
NOT_LOADED = "not loaded"
DENIED = "denied"
STATES = (OK, BROKEN, DOUBLED, WRONG_API, NOT_LOADED, DENIED)
"""What can be said about an entry point."""

KINDS = {
    "kern.provider": "provider",
    "kern.builder": "builder",
    "kern.activator": "activator",
    "kern.adopter": "adopter",
    "kern.locker": "locker",
    "kern.hooks": "hook plugin",
}
_PROTOCOLS = {
    "kern.provider": "Provider",
    "kern.builder": "Builder",
    "kern.activator": "Activator",
    "kern.adopter": "Adopter",
    "kern.locker": "Locker",
}
_SHAPES: dict[str, type] = {"int": int, "str": str, "type[Any]": type, "tuple[str, ...]": tuple}
_VARIADIC = 0x04


class Fault(NamedTuple):
    """What is wrong with an entry: one of `STATES`, the sentence for the user, the way out, and what was raised."""

    state: str
    message: str
    hint: str
    cause: BaseException | None = None


def owner(entry: Entry) -> str:
    """Distribution and version, as the user reads them."""
    return f"{entry.distribution} {entry.version}".rstrip()


def title(entry: Entry) -> str:
    """Kind, name and owner of an entry, as the user reads them."""
    return f'{KINDS[entry.group]} "{entry.name}" of {owner(entry)}'


def resolve(entry: Entry) -> object:
    """The object that an entry names. Raises whatever importing it raises."""
    module, _, path = entry.target.partition("[")[0].partition(":")
    found: object = importlib.import_module(module.strip())
    for attribute in path.strip().split(".") if path.strip() else ():
        found = getattr(found, attribute)
    return found


def make(entry: Entry) -> object | Fault:
    """A driver from its entry, checked; or what is wrong with it."""
    try:
        return _made(entry)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, and even try to exit
        return raised(entry, error)


def _made(entry: Entry) -> object | Fault:
    with ASIDE:
        factory = resolve(entry)
        if not callable(factory):
            return _fault(entry, f"{entry.target} is neither a class nor a function")
        declared = getattr(factory, "api", None)
        wrong = _api_fault(entry, declared) if type(declared) is int else None
        if wrong is not None:
            return wrong
        driver: object = factory()
    return _api_fault(entry, getattr(driver, "api", None)) or _misfit(entry, driver) or driver


def raised(entry: Entry, error: BaseException) -> Fault:
    """What to say when importing or making something from an entry raised."""
    module = entry.target.partition(":")[0].strip()
    return Fault(BROKEN, f"{title(entry)} can't be loaded from {module}: {last_line(error)}", debug_hint(error), error)


def last_line(error: BaseException) -> str:
    """What an exception says, in one line: its class and the first line of its text."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - the exception is the plugin's too
        lines = []
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def debug_hint(error: BaseException) -> str:
    """How the whole traceback is seen; with ``KERN_DEBUG`` that traceback itself."""
    if not os.environ.get("KERN_DEBUG"):
        return "KERN_DEBUG=1 shows the whole traceback"
    import traceback

    return "".join(traceback.format_exception(error)).rstrip()


def _fault(entry: Entry, reason: str) -> Fault:
    return Fault(
        BROKEN, f"{title(entry)} can't be used: {reason}", f"report this to the authors of {entry.distribution}"
    )


def _api_fault(entry: Entry, declared: object) -> Fault | None:
    from kern.api import API

    if type(declared) is not int:
        told = f'{title(entry)} does not say which API of kern it is written for ("api"); this kern has API {API}'
        return Fault(WRONG_API, told, f"report this to the authors of {entry.distribution}")
    if declared == API:
        return None
    older = entry.distribution if declared < API else "kern-core"
    told = f"{title(entry)} is written for API {declared} of kern, and this kern has API {API}"
    return Fault(WRONG_API, told, f"a newer {older} may help")


def _misfit(entry: Entry, driver: object) -> Fault | None:
    import kern.api

    protocol = getattr(kern.api, _PROTOCOLS[entry.group])
    wrong = [*misfits(driver, protocol), *_optional_misfits(driver, protocol.__name__)]
    if not wrong:
        return None
    return _fault(entry, f"as a {protocol.__name__} it lacks or differs in {', '.join(wrong)}")


def _optional_misfits(driver: object, protocol: str) -> list[str]:
    """The same for what a driver may have besides, where it has it."""
    from kern.api.optional import OPTIONAL

    there = [more for more in OPTIONAL.get(protocol, ()) if any(hasattr(driver, name) for name in _public(more))]
    return [line for more in there for line in misfits(driver, more)]


def _public(protocol: type) -> list[str]:
    return [name for name in vars(protocol) if not name.startswith("_")]


def misfits(driver: Any, protocol: type) -> list[str]:
    """Members of a protocol that an object lacks or has in another shape, each with what is wrong about it.

    Done by hand since `inspect.signature` takes milliseconds for what is needed in every run.
    """
    wrong = []
    for name, annotation in protocol.__annotations__.items():
        shape = _SHAPES[annotation if isinstance(annotation, str) else _spelt(annotation)]
        if not hasattr(driver, name):
            wrong.append(f"{name} (missing)")
        elif not isinstance(getattr(driver, name), shape):
            wrong.append(f"{name} (not a {shape.__name__})")
        elif shape is tuple and not all(isinstance(each, str) for each in getattr(driver, name)):
            wrong.append(f"{name} (not a tuple of texts)")
    for name, member in vars(protocol).items():
        code = getattr(member, "__code__", None)
        if code is not None and not name.startswith("_"):
            wrong += _method_misfits(driver, name, code.co_argcount - 1)
    return wrong


def _spelt(annotation: object) -> str:
    return annotation.__name__ if type(annotation) is type else str(annotation).replace("typing.", "")


def _method_misfits(driver: object, name: str, count: int) -> list[str]:
    method = getattr(driver, name, None)
    if method is None:
        return [f"{name}() (missing)"]
    if not callable(method):
        return [f"{name}() (not callable)"]
    return [] if _takes(method, count) else [f"{name}() (should take {count} argument{'s' * (count != 1)})"]


def _takes(method: Callable[..., object], count: int) -> bool:
    """Whether something can be called with so many positional arguments."""
    function = getattr(method, "__func__", method)
    code = getattr(function, "__code__", None)
    if code is None:
        return _binds(method, count)
    most = code.co_argcount - (function is not method)
    least = most - len(getattr(function, "__defaults__", None) or ())
    if code.co_kwonlyargcount > len(getattr(function, "__kwdefaults__", None) or ()):
        return False
    return least <= count and (count <= most or bool(code.co_flags & _VARIADIC))


def _binds(method: Callable[..., object], count: int) -> bool:
    """`_takes` for what is no plain function: partial objects, callable instances, functions written in C."""
    import inspect

    try:
        signature = inspect.signature(method)
    except ValueError:
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
