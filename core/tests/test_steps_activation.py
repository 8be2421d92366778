"""Activations are composed to one, shared by the rows of one target, and left when the last is done."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import Activation, EnvDelta
from kern.drivers.facts import absent
from kern.environ import apply, compose
from kern.errors import PluginError, StepFailed
from kern.plan.planner import PlanChoices, make_plan
from kern.plan.values import Existing
from kern.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = st.sampled_from(["A", "B", "PATH", "C"])
VALUES = st.sampled_from(["", "/a", "/b:/c", "/a:/b", "x"])
DELTAS = st.builds(
    EnvDelta,
    set=st.dictionaries(NAMES, VALUES, max_size=3),
    unset=st.lists(NAMES, max_size=3).map(tuple),
    prepend=st.dictionaries(
        NAMES, st.lists(st.sampled_from(["/a", "/b", "/d", ""]), max_size=3).map(tuple), max_size=2
    ),
)


@given(DELTAS, DELTAS, st.dictionaries(NAMES, VALUES))
def test_one_change_does_what_two_do(first: EnvDelta, second: EnvDelta, environ: dict[str, str]) -> None:
    assert apply(compose(first, second), environ) == apply(second, apply(first, environ))


class Row:
    def __init__(self, label: str, target: str) -> None:
        self.row = self
        self.label = label
        self.existing = Existing(target) if target else None


class Journal(list[str]):
    """What was entered and left, in order."""

    def activation(self, name: str, *, fails: bool = False) -> Callable[[], Any]:
        @contextmanager
        def make() -> Iterator[Activation]:
            self.append(f"+{name}")
            yield Activation(prefix=(name,))
            self.append(f"-{name}")
            if fails:
                raise StepFailed("it broke")

        return make


def test_rows_of_one_target_share_and_the_last_one_leaves() -> None:
    rows: list[Any] = [Row("1", "x"), Row("2", "x"), Row("3", "y"), Row("4", "")]
    journal, warnings = Journal(), list[str]()
    sharing = Sharing(rows, warnings.append)
    assert sharing.enter("x", "same", journal.activation("first")).prefix == ("first",)
    sharing.done("1")
    sharing.done("4")
    assert sharing.enter("x", "same", journal.activation("never")).prefix == ("first",)
    assert sharing.enter("x", "other variables", journal.activation("second")).prefix == ("second",)
    assert sharing.enter("y", "same", journal.activation("third", fails=True)).prefix == ("third",)
    assert journal == ["+first", "+second", "+third"]
    sharing.done("2")
    assert journal[3:] == ["-second", "-first"]
    sharing.done("3")
    sharing.done("3")
    assert journal[5:] == ["-third"]
    assert warnings == ["leaving y: it broke"]


def test_what_could_not_be_entered_is_tried_again() -> None:
    sharing = Sharing([Row("1", "x"), Row("2", "x")], lambda _: None)  # type: ignore[list-item]

    def broken() -> Any:
        raise StepFailed("no")

    with pytest.raises(StepFailed):
        sharing.enter("x", "key", broken)
    journal = Journal()
    sharing.enter("x", "key", journal.activation("now"))
    sharing.done("1")
    sharing.done("2")
    assert journal == ["+now", "-now"]


TEXT = """
env_list = ["py1"]
[env]
package = "none"
commands = [["test", "{posargs}"], "- other"]
commands_post = [["last"]]
command_prefix = ["srun", "-n1"]
"""


def test_a_prefix_stands_before_every_command(open_session: Callable[..., Any]) -> None:
    (row,) = make_plan(open_session(TEXT), ("py1",), PlanChoices()).rows
    assert row.shown == (("srun", "-n1", "test"), ("srun", "-n1", "other"), ("srun", "-n1", "last"))
    assert [line.ignore_exit for line in row.run.commands] == [False, True]


def test_scripts_need_the_plugin_that_knows_them(open_session: Callable[..., Any]) -> None:
    session = open_session(TEXT + 'activate = ["load.sh"]\n')
    with pytest.raises(PluginError):
        make_plan(session, ("py1",), PlanChoices())
    error = absent("kern.activator", "script", ("venv",), frozenset({"kern-core"}))
    assert "kern-shell" in f"{error.message} {error.hint}"
