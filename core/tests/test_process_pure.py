"""The parts of kern.process that only think: what is said through the pipes, and when a command is told to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from kern.process.ending import AT_ONCE, GIVE_UP, ORDERLY, Ending
from kern.process.stops import Stops
from kern.process.wire import (
    ENDED,
    INTERRUPT,
    KILL,
    LOST,
    NO_DIRECTORY,
    NO_PROGRAM,
    RUN,
    TERMINATE,
    Frame,
    Order,
    Status,
    pack_frame,
    pack_order,
    pack_status,
    take_frame,
    unpack_order,
    unpack_statuses,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

NUMBERS = st.integers(0, 2**32 - 1)
FRAMES = st.builds(Frame, st.sampled_from([RUN, INTERRUPT, TERMINATE, KILL]), NUMBERS, st.binary(max_size=300))
CODES = st.integers(-64, 255)
STATUSES = st.builds(Status, st.sampled_from([ENDED, LOST, NO_DIRECTORY, NO_PROGRAM]), NUMBERS, CODES, NUMBERS, NUMBERS)
HARDNESS = [INTERRUPT, TERMINATE, KILL, GIVE_UP]


@given(st.lists(FRAMES, max_size=5), st.integers(1, 50))
def test_frames_survive_any_cut(frames: list[Frame], size: int) -> None:
    data = b"".join(map(pack_frame, frames))
    buffer, seen = bytearray(), []
    for start in range(0, len(data), size):
        buffer += data[start : start + size]
        while frame := take_frame(buffer):
            seen.append(frame)
    assert seen == frames
    assert not buffer


@given(st.lists(STATUSES))
def test_statuses(statuses: list[Status]) -> None:
    lines = [pack_status(status) for status in statuses]
    assert unpack_statuses(b"".join(lines)) == statuses
    assert all(len(line) < 512 for line in lines), "POSIX promises no larger atomic writes"


@given(
    st.builds(
        Order,
        st.binary(),
        st.lists(st.binary()),
        st.binary(),
        st.dictionaries(st.binary(), st.binary()),
        st.booleans(),
        st.booleans(),
    )
)
def test_orders(order: Order) -> None:
    assert unpack_order(pack_order(order)) == order


def said(ending: Ending, *, until: float, stops: Iterable[tuple[float, int]] = ()) -> list[tuple[float, bytes]]:
    """What a command is told and when, if time passes in steps of a tenth."""
    levels = dict(stops)
    told = []
    for tick in range(round(until * 10) + 1):
        now = tick / 10
        if now in levels:
            ending.notice(levels[now], now)
        told += [(now, word) for word in ending.take(now)]
    return told


def test_nothing_is_said_without_a_reason() -> None:
    ending = Ending(0, timeout=None, grace=10, always=False)
    assert said(ending, until=100) == []
    assert ending.wait(0) is None
    assert not ending.stopped
    assert not ending.timed_out


def test_orderly_stop() -> None:
    ending = Ending(0, timeout=None, grace=10, always=False)
    assert said(ending, until=100, stops={2.0: ORDERLY}.items()) == [
        (2, INTERRUPT),
        (12, TERMINATE),
        (15, KILL),
        (25, GIVE_UP),
    ]
    assert (ending.stopped, ending.timed_out) == (True, False)


def test_timeout_is_less_patient() -> None:
    ending = Ending(0, timeout=3, grace=10, always=False)
    assert ending.wait(1) == 2
    assert said(ending, until=100) == [(3, INTERRUPT), (8, TERMINATE), (9, KILL), (19, GIVE_UP)]
    assert (ending.stopped, ending.timed_out) == (False, True)


def test_second_stop_kills() -> None:
    ending = Ending(0, timeout=3, grace=10, always=False)
    assert said(ending, until=30, stops={1.0: ORDERLY, 2.0: AT_ONCE}.items()) == [
        (1, INTERRUPT),
        (2, KILL),
        (12, GIVE_UP),
    ]


def test_stop_during_a_timeout_changes_nothing() -> None:
    ending = Ending(0, timeout=1, grace=10, always=False)
    told = said(ending, until=30, stops={2.0: ORDERLY}.items())
    assert told == [(1, INTERRUPT), (6, TERMINATE), (7, KILL), (17, GIVE_UP)]
    assert (ending.stopped, ending.timed_out) == (False, True)


def test_cleanup_is_only_bounded() -> None:
    ending = Ending(0, timeout=None, grace=10, always=True)
    assert said(ending, until=10, stops={1.0: ORDERLY}.items()) == []
    assert not ending.stopped
    assert said(ending, until=100) == [(11, TERMINATE), (14, KILL), (24, GIVE_UP)]
    assert ending.stopped


def test_cleanup_keeps_its_own_timeout() -> None:
    ending = Ending(0, timeout=2, grace=10, always=True)
    told = said(ending, until=100, stops={1.0: ORDERLY}.items())
    assert told == [(2, INTERRUPT), (7, TERMINATE), (8, KILL), (18, GIVE_UP)]
    assert ending.timed_out


@given(
    st.none() | st.integers(0, 50),
    st.integers(0, 20),
    st.booleans(),
    st.dictionaries(st.integers(0, 60).map(float), st.sampled_from([ORDERLY, AT_ONCE])),
)
def test_every_reason_ends_in_a_kill_and_words_never_soften(
    timeout: int | None, grace: int, always: bool, stops: dict[float, int]
) -> None:
    ending = Ending(0, timeout=timeout, grace=grace, always=always)
    words = [word for _, word in said(ending, until=200, stops=sorted(stops.items()))]
    assert words == sorted(words, key=HARDNESS.index)
    assert len(set(words)) == len(words), "nothing is said twice"
    assert (words[-2:] == [KILL, GIVE_UP]) == (timeout is not None or bool(stops))
    assert (ending.stopped or ending.timed_out) == bool(words)


def test_stops_never_fall_and_work_without_bells() -> None:
    stops = Stops()
    stops.rise(AT_ONCE)
    stops.rise(ORDERLY)
    assert stops.level == AT_ONCE
    assert stops.bells(0) == []


@given(st.floats(0, 50), st.floats(0, 50))
def test_a_process_in_the_background_hears_of_its_end_only_when_asked(when: float, grace: float) -> None:
    ending = Ending(0, timeout=None, grace=1, always=False, background=True)
    ending.notice(ORDERLY, when)
    assert ending.wait(when) is None
    assert ending.take(when + 1000) == []
    ending.request(when, grace)
    assert ending.take(when + grace) == [TERMINATE]
    assert ending.take(when + grace + 3.1) == [KILL]
    ending.request(when + grace + 4, 0)
    assert TERMINATE not in ending.take(when + grace + 4), "a kill that is under way is not taken back"
    assert not ending.stopped


def test_a_process_in_the_background_is_killed_at_once_by_a_second_stop() -> None:
    ending = Ending(0, timeout=None, grace=1, always=False, background=True)
    ending.request(0, 100)
    ending.notice(AT_ONCE, 5)
    assert ending.take(5) == [KILL]
