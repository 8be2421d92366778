"""What plugins raise and return from the methods of their drivers, and who is blamed for it."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from kern.api import Activation, Environment, EnvSpec, StepFailed
from kern.drivers.aside import ASIDE
from kern.drivers.guarding import busy, guard
from kern.drivers.index import Entry
from kern.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPEC = EnvSpec("a", ("a",), None, "/somewhere", "/project")


def entry(group: str) -> Entry:
    return Entry(group, "bad", "bad:Driver", "kern-bad", "7.5")


def provider(**methods: Callable[..., object]) -> Any:
    return guard(
        entry("kern.provider"), type("Driver", (), {name: staticmethod(does) for name, does in methods.items()})()
    )


def raising(error: BaseException) -> Callable[..., object]:
    def does(*_: object) -> object:
        raise error

    return does


@pytest.mark.parametrize("error", [ValueError("boo"), SystemExit(4), GeneratorExit(), BaseException("boo")])
def test_what_is_raised_names_the_plugin(error: BaseException) -> None:
    with pytest.raises(PluginError) as caught:
        provider(probe=raising(error)).probe(SPEC, None)
    assert caught.value.message.startswith('provider "bad" of kern-bad 7.5 failed in probe: ' + type(error).__name__)
    assert caught.value.__cause__ is error


def test_errors_with_words_pass() -> None:
    with pytest.raises(StepFailed, match="in its own words"):
        provider(provision=raising(StepFailed("in its own words"))).provision(SPEC, None)


def test_an_interruption_is_the_users_in_the_main_thread_alone() -> None:
    driver = provider(install=raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        driver.install(SPEC, None, [], None)
    caught: list[BaseException] = []

    def work() -> None:
        try:
            driver.install(SPEC, None, [], None)
        except PluginError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(caught) == 1


WRONG = [
    ("claims", 1),
    ("claims", "yes"),
    ("probe", "no"),
    ("probe", 0),
    ("fingerprint", None),
    ("fingerprint", "text"),
    ("fingerprint", {1: "x"}),
    ("fingerprint", {"x": object()}),
    ("fingerprint", {"x": {1, 2}}),
    ("provision", None),
    ("provision", Environment("/elsewhere", "a")),
    ("provision", Environment("/somewhere", "a", facts={"x": 1})),  # type: ignore[dict-item]
    ("install", None),
    ("install", {"x": 1}),
    ("drift", "text"),
    ("drift", [1]),
]


@pytest.mark.parametrize(("method", "answer"), WRONG)
def test_an_answer_of_another_type_names_the_plugin(method: str, answer: object) -> None:
    driver = provider(**{method: lambda *_: answer})
    with pytest.raises(PluginError, match=f'"bad" of kern-bad 7.5 answers {method} with what its protocol does not'):
        getattr(driver, method)(SPEC, None, None, None)


RIGHT = [
    ("claims", False),
    ("probe", None),
    ("fingerprint", {"x": [1, None, {"y": (2.5, True)}]}),
    ("provision", Environment("/somewhere", "a", facts={"x": "1"})),
    ("install", {"x": "1"}),
    ("drift", ("x",)),
    ("dispose", "whatever"),
]


@pytest.mark.parametrize(("method", "answer"), RIGHT)
def test_answers_as_they_should_be_pass(method: str, answer: object) -> None:
    assert getattr(provider(**{method: lambda *_: answer}), method)(SPEC, None) is answer


class Slotted:
    """A driver to which nothing can be added."""

    __slots__ = ()
    extra = 5

    def fit(self, *_: object) -> int | None:
        """Raise what has no words."""
        raise OSError("boo")


def test_a_driver_that_cannot_be_changed_is_guarded_too() -> None:
    driver = guard(entry("kern.builder"), Slotted())
    assert driver.extra == 5
    with pytest.raises(PluginError, match=r'builder "bad" of kern-bad 7\.5 failed in fit: OSError: boo'):
        driver.fit(None, None, None)


def activator(does: Callable[..., object]) -> Any:
    return guard(entry("kern.activator"), type("Driver", (), {"activate": staticmethod(does)})())


@contextmanager
def leaving_badly(*_: object) -> Iterator[Activation]:
    yield Activation()
    raise ValueError("on leaving")


@contextmanager
def nothing(*_: object) -> Iterator[object]:
    yield 42


@contextmanager
def good(*_: object) -> Iterator[Activation]:
    yield Activation()


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (raising(SystemExit(1)), "failed in activate"),
        (contextmanager(raising(ValueError("on entering"))), "failed in activate"),  # type: ignore[arg-type]
        (leaving_badly, "failed in activate: ValueError: on leaving"),
        (nothing, "answers activate with"),
        (lambda *_: None, "answers activate with"),
    ],
)
def test_an_activation_that_fails_names_the_plugin(does: Callable[..., object], said: str) -> None:
    with pytest.raises(PluginError, match=said), activator(does).activate(None, None):
        pass


def test_what_happens_inside_of_an_activation_is_not_the_plugins() -> None:
    with pytest.raises(ZeroDivisionError), activator(good).activate(None, None):
        raise ZeroDivisionError


def test_what_is_printed_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    def noisy(*_: object) -> None:
        print("from the plugin")

    provider(probe=noisy).probe(SPEC, None)
    print("from kern")
    with ASIDE, ASIDE:
        sys.stdout.write("nested\n")
    assert capsys.readouterr() == ("from kern\n", "from the plugin\nnested\n")


class UnspeakableError(Exception):
    """An exception that can't be shown."""

    def __str__(self) -> str:
        raise RuntimeError


def test_an_exception_that_can_not_be_shown_is_the_plugins_all_the_same() -> None:
    with pytest.raises(PluginError, match=r"of kern-bad 7\.5 failed in probe: UnspeakableError$"):
        provider(probe=raising(UnspeakableError())).probe(SPEC, None)


@pytest.mark.parametrize(
    ("method", "answer", "said"),
    [
        ("install", None, "None is not a mapping of texts to texts"),
        ("fingerprint", {1: 2}, "dict {1: 2} is not a mapping of texts to JSON values"),
        ("probe", "no", "str 'no' is not Unavailable or None"),
        ("drift", 5, "int 5 is not a list of texts"),
    ],
)
def test_a_wrong_answer_is_shown_with_what_was_wanted(method: str, answer: object, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        getattr(provider(**{method: lambda *_: answer}), method)(SPEC, None, None, None)
    assert caught.value.message.endswith(said)


def test_what_has_not_come_back_is_known() -> None:
    seen: list[tuple[str, ...]] = []
    inner = provider(probe=lambda *_: seen.append(busy()))
    provider(install=lambda *_: (inner.probe(SPEC, None), seen.append(busy()), {})[2]).install(SPEC, None, [], None)
    words = 'provider "bad" of kern-bad 7.5 does not come back from {}'
    assert seen == [(words.format("probe"),), (words.format("install"),)]
    assert busy() == ()
