"""The contract does not change by accident: its public surface is written down beside this test.

After an addition: ``KERN_RECORD=1 python -m pytest core/tests/test_api_surface.py``. Whatever is taken away or changed
needs a new ``kern.api.API`` and a row in docs/api-history.md first.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

import pytest

import kern.api
from kern import testing

HERE = Path(__file__).parent
RECORD = HERE / "api_surface.txt"
HISTORY = HERE.parents[1] / "docs" / "api-history.md"


def surface() -> list[str]:
    """Every public name with its fields, members and their signatures, one a line."""
    lines = [line for name in kern.api.__all__ for line in described(name, getattr(kern.api, name))]
    return sorted([*lines, *(f"testing.{name}" for name in testing.__all__)])


def described(name: str, value: Any) -> list[str]:
    if not isinstance(value, type):
        return [name]
    if issubclass(value, BaseException):
        return [f"{name}{inspect.signature(value)}"]
    fields = getattr(value, "_fields", ())
    if fields:
        defaults = value._field_defaults
        return [f"{name}.{field}{' = ' + repr(defaults[field]) if field in defaults else ''}" for field in fields]
    members = [f"{name}.{each}: {kind}" for each, kind in value.__annotations__.items()]
    methods = [(each, found) for each, found in vars(value).items() if not each.startswith("_")]
    members += [f"{name}.{each}" for each, found in methods if isinstance(found, property)]
    return members + [
        f"{name}.{each}{inspect.signature(found)}" for each, found in methods if inspect.isfunction(found)
    ]


def recorded() -> tuple[int, list[str]]:
    first, *lines = RECORD.read_text(encoding="utf-8").splitlines()
    return int(first.removeprefix("API ")), lines


def test_the_surface_is_the_recorded_one() -> None:
    if os.environ.get("KERN_RECORD"):
        RECORD.write_text("\n".join([f"API {kern.api.API}", *surface()]) + "\n", encoding="utf-8")
    number, lines = recorded()
    gone = sorted(set(lines) - set(surface()))
    if gone and number >= kern.api.API:
        pytest.fail("this breaks plugins and needs a new API number: " + "; ".join(gone))
    assert sorted(set(surface()) - set(lines)) == [], "an addition: record it (see the top of this file)"
    assert gone == []
    assert number == kern.api.API


def test_the_history_ends_with_this_api() -> None:
    rows = [line for line in HISTORY.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert rows[-1].split("|")[1].strip() == str(kern.api.API)
