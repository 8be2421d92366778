"""How runs end: the exit code of many rows, and the full disk behind a failed step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kern.errors import ConfigError, KernError, LockTimeout, StepFailed
from kern.events import BLOCKED, ERROR, FAILED, IGNORED, INTERRUPTED, PASSED, SKIPPED, TIMED_OUT, RowResult
from kern.steps.blame import FULL, PLENTY, WORDS, blamed
from kern.steps.row import exit_code

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("outcomes", "late", "code"),
    [
        ((PASSED, SKIPPED, IGNORED), "", 0),
        ((PASSED, FAILED), "", 1),
        ((PASSED, TIMED_OUT), "", 1),
        ((FAILED, ERROR), "", 3),
        ((FAILED, BLOCKED), "", 3),
        ((PASSED, ERROR), "1", 4),
        ((FAILED, ERROR), "1", 4),
        ((ERROR, ERROR), "1", 3),
        ((ERROR, BLOCKED), "01", 4),
        ((PASSED, INTERRUPTED), "", 130),
        ((FAILED, INTERRUPTED), "", 1),
    ],
)
def test_the_exit_code_of_many_rows(outcomes: tuple[str, ...], late: str, code: int) -> None:
    results = tuple(RowResult(str(number), "a", "", outcome) for number, outcome in enumerate(outcomes))
    assert exit_code(results, frozenset(late)) == code


def test_a_failure_with_room_on_the_disk_is_what_it_says(tmp_path: Path) -> None:
    for error in (StepFailed("x failed", tail="out of steam"), KernError("y"), ConfigError("z"), LockTimeout("w")):
        assert blamed(error, [str(tmp_path)]) is error


@pytest.mark.parametrize("words", WORDS)
def test_what_a_tool_says_about_a_full_disk_is_said_shortly(
    tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kern.store.free_bytes", lambda _: FULL * 2)
    found = blamed(StepFailed("uv failed", log="/log", tail=f"Traceback\nOSError: {words}"), [str(tmp_path)])
    assert isinstance(found, StepFailed)
    assert found.message.startswith("the disk is full, ")
    assert (found.where, found.log, found.tail) == (str(tmp_path), "/log", "")
    assert "KERN_WORK_DIR" in found.hint
    assert blamed(found, [str(tmp_path)]) is found


def test_another_disk_may_be_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kern.store.free_bytes", {"/work": PLENTY}.get)
    found = blamed(StepFailed("uv failed", tail=f"writing /other/x: {WORDS[0]}"), ["/work"])
    assert (found.message, found.where) == ("a disk is full: uv failed", "")
    assert isinstance(found, StepFailed)
    assert "/other/x" in found.tail


def test_the_fuller_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    room = {"/work": FULL - 1, "/cache": FULL * 2, "/unknown": None}
    monkeypatch.setattr("kern.store.free_bytes", room.get)
    for places in (["/work", "/cache", "/unknown"], ["/cache", "/work"]):
        found = blamed(StepFailed("pip failed"), places)
        assert (found.message, found.where) == ("the disk is full, 63 KiB left", "/work")
    error = StepFailed("pip failed")
    assert blamed(error, ["/cache", "/unknown"]) is error
