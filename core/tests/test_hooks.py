"""Hooks: every listener is told, and none of them can spoil a run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from kern.drivers import Registry
from kern.events import Event, Notice
from kern.hooks import Hooks, complaint

if TYPE_CHECKING:
    from pathlib import Path


class Listeners:
    """Distributions with hook plugins on ``sys.path``, and what kern warned about them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        path.mkdir()

    def add(self, name: str, code: str, target: str = "") -> None:
        module = f"hooks_of_{name}"
        info = self.path / f"kern_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: kern-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[kern.hooks]\nlistener = {target or module}\n")
        (self.path / f"{module}.py").write_text(f"calls = []\n{code}")

    def hooks(self) -> Hooks:
        return Hooks(Registry(), self.warnings.append)

    def calls(self, name: str) -> list[object]:
        calls: list[object] = sys.modules[f"hooks_of_{name}"].calls
        return calls


@pytest.fixture
def listeners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listeners:
    place = Listeners(tmp_path / "site")
    monkeypatch.setenv("KERN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [str(place.path), *sys.path])
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    return place


EVENT: Event = Notice("info", "hello")
GOOD = """
def kern_project(project): calls.append(("project", project))
def kern_matrix(specs): calls.append(("matrix", specs)); return ["extra", "more"]
def kern_plan(plan): calls.append(("plan", plan))
def kern_event(event): calls.append(("event", event))
"""


def call_all(hooks: Hooks) -> tuple[str, ...]:
    hooks.project("P")
    names = hooks.matrix(["spec"])
    hooks.plan("L")
    hooks.event(EVENT)
    return names


ALL_CALLS = [("project", "P"), ("matrix", ["spec"]), ("plan", "L"), ("event", EVENT)]


def test_without_plugins_nothing_happens(listeners: Listeners) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pluggy"]:
        del sys.modules[name]
    assert call_all(listeners.hooks()) == ()
    assert "pluggy" not in sys.modules
    assert listeners.warnings == []


def test_every_hook_reaches_every_plugin(listeners: Listeners) -> None:
    listeners.add("one", GOOD)
    listeners.add("two", GOOD.replace('"more"', '"most"'))
    hooks = listeners.hooks()
    assert "hooks_of_one" not in sys.modules
    assert call_all(hooks) == ("extra", "more", "most")
    assert listeners.calls("one") == listeners.calls("two") == ALL_CALLS
    assert listeners.warnings == []


def test_a_plugin_takes_what_it_wants(listeners: Listeners) -> None:
    listeners.add("one", "def kern_event(): calls.append('event')\ndef kern_plan(plan, later=3): calls.append(later)\n")
    assert call_all(listeners.hooks()) == ()
    assert listeners.calls("one") == [3, "event"]


def test_a_plugin_may_be_a_class(listeners: Listeners) -> None:
    code = "class Listener:\n    def kern_event(self, event): calls.append(event)\n"
    listeners.add("one", code, "hooks_of_one:Listener")
    call_all(listeners.hooks())
    assert listeners.calls("one") == [EVENT]


def test_the_marker_of_pluggy_orders_calls(listeners: Listeners) -> None:
    first = "import pluggy\n@pluggy.HookimplMarker('kern')(tryfirst=True)\ndef kern_matrix(specs): return ['first']\n"
    listeners.add("one", "def kern_matrix(specs): return ['second']\n")
    listeners.add("two", first)
    assert listeners.hooks().matrix([]) == ("first", "second")
    assert listeners.warnings == []


def test_a_module_named_twice_is_told_once(listeners: Listeners) -> None:
    listeners.add("one", GOOD)
    listeners.add("two", "", "hooks_of_one")
    call_all(listeners.hooks())
    assert listeners.calls("one") == ALL_CALLS


UNUSABLE = {
    "1 / 0": "ZeroDivisionError",
    "raise SystemExit(2)": "SystemExit: 2",
    "import surely_not_there": "surely_not_there",
    "def kern_events(event): pass": "there is no hook kern_events",
    "def kern_event(event, reason): pass": "reason",
    "def kern_event(event):\n    yield": "plain function",
    "async def kern_event(event): pass": "plain function",
    "def helper(): pass": "no function whose name begins with kern_",
    "import pluggy\n@pluggy.HookimplMarker('kern')(wrapper=True)\ndef kern_event(event): pass": "pluggy refuses it",
    "import pluggy\n@pluggy.HookimplMarker('kern')(specname='kern_x')\ndef kern_event(event): pass": "kern_x",
    "import pluggy\n@pluggy.HookimplMarker('kern')(specname='kern_plan')\ndef kern_event(event): pass": "event",
}


@pytest.mark.parametrize("code", UNUSABLE)
def test_an_unusable_plugin_is_left_out_with_one_warning(listeners: Listeners, code: str) -> None:
    listeners.add("bad", code)
    listeners.add("good", GOOD)
    hooks = listeners.hooks()
    assert call_all(hooks) == call_all(hooks) == ("extra", "more")
    assert listeners.calls("good") == ALL_CALLS * 2
    (warning,) = listeners.warnings
    assert warning.startswith('hook plugin "listener" of kern-bad 1.0 can\'t be ')
    assert UNUSABLE[code] in warning
    assert warning.endswith("; it is left out of this run")
    assert "\n" not in warning


def test_a_class_that_cannot_be_made_is_left_out(listeners: Listeners) -> None:
    listeners.add("bad", "class Listener:\n    def __init__(self, x): pass\n", "hooks_of_bad:Listener")
    call_all(listeners.hooks())
    assert len(listeners.warnings) == 1


RAISING = {
    "def kern_event(event): calls.append(1); raise ValueError('no\\nreally')": "failed in kern_event: ValueError: no",
    "def kern_event(event): calls.append(1); raise SystemExit": "failed in kern_event: SystemExit",
    "def kern_matrix(specs): calls.append(1); return 'name'": "failed in kern_matrix: TypeError: the answer is not a list",
    "def kern_matrix(specs): calls.append(1); return [1]": "failed in kern_matrix: TypeError: the answer is not a list",
}


@pytest.mark.parametrize("position", ["a", "z"])
@pytest.mark.parametrize("code", RAISING)
def test_a_plugin_that_raises_is_called_no_more(listeners: Listeners, code: str, position: str) -> None:
    """Whether it comes before or after the others, they are called exactly once each time."""
    listeners.add(position, f"{code}\ndef kern_plan(plan): calls.append(2)\n")
    listeners.add("good", GOOD)
    hooks = listeners.hooks()
    assert call_all(hooks) == call_all(hooks) == ("extra", "more")
    assert listeners.calls("good") == ALL_CALLS * 2
    assert listeners.calls(position) == ([2, 1] if "kern_event" in code else [1])
    (warning,) = listeners.warnings
    assert warning == f'hook plugin "listener" of kern-{position} 1.0 {warning.partition(" 1.0 ")[2]}'
    assert RAISING[code] in warning


def test_an_interrupt_passes_through(listeners: Listeners) -> None:
    listeners.add("one", "def kern_event(event): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        listeners.hooks().event(EVENT)


def test_checking_does_not_change_the_plugin(listeners: Listeners) -> None:
    listeners.add("one", GOOD)
    import hooks_of_one  # type: ignore[import-not-found]

    assert complaint(hooks_of_one) == ""
    assert not hasattr(hooks_of_one.kern_event, "kern_impl")


def test_the_facts_about_hooks(listeners: Listeners) -> None:
    listeners.add("bad", "def kern_nothing(): pass")
    listeners.add("good", GOOD)
    shown = Registry().plugins(check=True, check_hooks=complaint)
    assert {p.distribution: p.state for p in shown if p.group == "kern.hooks"} == {
        "kern-bad": "broken",
        "kern-good": "ok",
    }
