"""Why an environment is made again: all branches, and that equal inputs never give a reason."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kern.api import Artifact
from kern.plan.reasons import changed, decide, plain, settled, why_remake
from kern.plan.values import MAKE, REUSE, UPDATE

HERE = "/p/.kern/envs/a"
WHEEL = Artifact("wheel", "/w", "pkg", "1", "digest", requirements=("x>=1",))


def record(**more: Any) -> dict[str, Any]:
    artifact = {"name": "pkg", "digest": "digest", "requirements": ["x>=1"]}
    return {"state": "ready", "location": HERE, "inputs": {"deps": ["a"]}, "artifact": artifact, **more}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "new"),
        ({}, "making it failed or was interrupted"),
        (record(state="making"), "making it failed or was interrupted"),
        (record(location="/elsewhere"), "the project was moved or copied"),
        (record(inputs=None), "its record can't be read"),
        (record(inputs=[1]), "its record can't be read"),
        (record(inputs={"deps": ["b"]}), "deps changed: +a, -b"),
        (record(), ""),
    ],
)
def test_why_an_environment_is_made(found: dict[str, Any] | None, reason: str) -> None:
    assert why_remake(found, {"deps": ["a"]}, HERE) == reason


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {}, ""),
        ({"a": 1}, {"a": 1}, ""),
        ({"deps": ["a"]}, {"deps": ["a", "b"]}, "deps changed: +b"),
        ({"deps": ["a", "b"]}, {"deps": ["b"]}, "deps changed: -a"),
        ({"deps": ["a", "b"]}, {"deps": ["b", "a"]}, "deps changed: order"),
        ({"deps": ["a"]}, {"deps": ["a", "a"]}, "deps changed: order"),
        ({"deps": list("abcd")}, {"deps": ["x"]}, "deps changed: +x, -a, -b, ..."),
        ({"base_python": "3.11"}, {"base_python": "3.12"}, "base python changed: 3.11 -> 3.12"),
        ({"base_python": ""}, {"base_python": "3.12"}, "base python changed: nothing -> 3.12"),
        ({"base_python": "x"}, {"base_python": ""}, "base python changed: x -> nothing"),
        ({"text": "x" * 61}, {"text": "y"}, "text changed"),
        ({"text": "x" * 60}, {"text": "y"}, f"text changed: {'x' * 60} -> y"),
        ({"files": {"a": 1, "b": 2, "c": 3}}, {"files": {"a": 1, "b": 3, "d": 4}}, "files changed: b, c, d"),
        ({"files": {}}, {"files": dict.fromkeys("abcde", 1)}, "files changed: a, b, c"),
        ({"a": 1}, {"a": 2}, "a changed"),
        ({"a": None}, {"a": ["x"]}, "a changed"),
        ({}, {"a": "x"}, "a changed"),
        ({"a": "x"}, {}, "a changed"),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, "a changed; b changed"),
        (dict.fromkeys("abc", 1), {}, "a changed; b changed; c changed"),
        (dict.fromkeys("abcde", 1), {}, "a changed; b changed; c changed and 2 more changes"),
        (MappingProxyType({"a": 1}), {"a": 2}, "a changed"),
    ],
)
def test_what_changed(before: Any, after: dict[str, Any], reason: str) -> None:
    assert changed(before, after) == reason


@pytest.mark.parametrize(
    ("found", "artifact", "decision"),
    [
        (None, None, (MAKE, "new")),
        (None, WHEEL, (MAKE, "new")),
        (record(state="making"), WHEEL, (MAKE, "making it failed or was interrupted")),
        (record(), None, (REUSE, "")),
        (record(artifact=None), None, (REUSE, "")),
        (record(), WHEEL, (REUSE, "")),
        (record(), WHEEL._replace(path="/elsewhere", version="2"), (REUSE, "")),
        (record(), WHEEL._replace(digest="other"), (UPDATE, "the package was built anew")),
        (
            record(),
            WHEEL._replace(digest="other", requirements=("x>=2",)),
            (MAKE, "what the package requires has changed"),
        ),
        (record(), WHEEL._replace(name="other"), (MAKE, "what the package requires has changed")),
        (record(artifact=["wheel"]), WHEEL, (MAKE, "its record can't be read")),
        (record(artifact=None), WHEEL, (MAKE, "what the package requires has changed")),
    ],
)
def test_decide(found: dict[str, Any] | None, artifact: Artifact | None, decision: tuple[str, str]) -> None:
    assert decide(found, {"deps": ["a"]}, HERE, artifact) == decision


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=8,
)
INPUTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=5)


@given(INPUTS)
def test_plain_is_what_comes_back_from_json(inputs: dict[str, Any]) -> None:
    assert plain(inputs) == json.loads(json.dumps(inputs))
    assert plain(MappingProxyType(inputs)) == plain(inputs)
    assert plain({1: 2}) == {"1": 2}


@given(INPUTS, INPUTS)
def test_a_reason_is_given_exactly_for_a_difference(before: dict[str, Any], after: dict[str, Any]) -> None:
    one, other = plain(before), plain(after)
    assert (changed(one, other) == "") == (one == other)
    assert changed(one, json.loads(json.dumps(one))) == ""


@given(st.dictionaries(st.sampled_from(["inputs", "artifact", "location", "state"]), VALUES), st.booleans())
def test_no_record_is_trusted(more: dict[str, Any], pure: bool) -> None:
    found = {**plain(record()), **plain(more)}
    action, reason = decide(found, {"deps": ["a"]}, HERE, None if pure else WHEEL)
    assert (action == REUSE) == (reason == "")
    if action == REUSE:
        assert (found["state"], found["location"], found["inputs"]) == ("ready", HERE, {"deps": ["a"]})


def test_what_was_not_known_before_the_work_is_asked_again_after_it() -> None:
    asked: list[int] = []

    def ask() -> dict[str, Any]:
        asked.append(1)
        return {"interpreter": ("new", 1), "deps": ["seen too late"]}

    assert settled({"deps": ["a"], "interpreter": "old"}, ask) == {"deps": ["a"], "interpreter": "old"}
    assert not asked
    found = settled({"deps": ["a"], "interpreter": None, "gone": None}, ask)
    assert found == {"deps": ["a"], "interpreter": ["new", 1], "gone": None}
    assert len(asked) == 1
