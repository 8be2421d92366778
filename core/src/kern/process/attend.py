"""Attend one command from kern's side: pass on what it prints, tell it to end in time, wait for the report, judge it."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from kern.errors import StepFailed
from kern.process.ending import AT_ONCE, GIVE_UP, Ending
from kern.process.lane import CHUNK, Lane
from kern.process.program import explain
from kern.process.stops import Stops
from kern.process.values import Ended
from kern.process.wire import ENDED, LOST, Frame, Status

if TYPE_CHECKING:
    from kern.process.values import Request

STUCK = "stuck"
"""Kind of a status that no keeper gives: it has been told to kill and does not report."""

Sink = Callable[[bytes], object]

_LONGEST_POLL = 1e6
_UNKNOWN_ENDS = {
    LOST: (
        "the process that keeps the command was killed from outside, and the command with it",
        "was this machine short of memory?",
    ),
    STUCK: (
        "the command does not end although it was killed",
        "it may wait for a disk or a network that does not answer",
    ),
}


def attend(lane: Lane, ending: Ending, stops: Stops, sinks: Mapping[int, Sink]) -> Status:
    """Wait until the command that was sent into a lane is no more, down to its last descendant.

    Args:
        lane: where the command runs.
        ending: when it is to be told what.
        stops: the level of the stop.
        sinks: what to call with the bytes that can be read from a pipe of the lane, as they come.

    Returns:
        What the keeper reports; all that was printed has gone to the sinks by then.
    """
    poller = _poller(lane, stops, sinks)
    while True:
        now = time.monotonic()
        _notice(ending, stops, poller, now)
        for word in ending.take(now):
            if word == GIVE_UP:
                return Status(STUCK, lane.sequence)
            lane.send(Frame(word, lane.sequence))
        happened = dict(poller.poll(_milliseconds(ending.wait(now))))
        status = _report(lane) if lane.status in happened else None
        for pipe, sink in sinks.items():
            if status or pipe in happened:
                _pour(pipe, sink, whole=bool(status))
        if status:
            return status


def judge(request: Request, status: Status, ending: Ending) -> Ended:
    """What a keeper's report means.

    Raises:
        StepFailed: the command was not started, or its end is not known.
    """
    if status.kind == ENDED:
        return Ended(status.code, ending.timed_out, ending.stopped, status.survivors, status.unkilled)
    if status.kind in _UNKNOWN_ENDS:
        message, hint = _UNKNOWN_ENDS[status.kind]
        raise StepFailed(message, where=request.argv[0], hint=hint)
    raise explain(request, status)


def is_unusable(status: Status) -> bool:
    """Whether a lane can't be used again after this."""
    return status.kind in _UNKNOWN_ENDS or status.unkilled > 0


def end_unheard(lane: Lane) -> None:
    """After an error of a sink: end the command, so that the error can be passed on and the lane used again."""
    lane.lost = True
    ending = Ending(time.monotonic(), timeout=None, grace=0, always=False)
    ending.notice(AT_ONCE, time.monotonic())
    stops = Stops()
    stops.rise(AT_ONCE)
    lane.lost = is_unusable(attend(lane, ending, stops, {lane.stdout: ignore, lane.stderr: ignore}))


def ignore(data: bytes) -> None:
    """Throw output away."""


def _poller(lane: Lane, stops: Stops, sinks: Mapping[int, Sink]) -> select.poll:
    poller = select.poll()
    for pipe in (lane.status, *sinks, *stops.bells(0)):
        poller.register(pipe, select.POLLIN)
    return poller


def _notice(ending: Ending, stops: Stops, poller: select.poll, now: float) -> None:
    """Tell the ending of a new level, and stop listening to the bells that rang for it."""
    level = stops.level
    if level == ending.level:
        return
    still = stops.bells(level)
    for bell in stops.bells(ending.level):
        if bell not in still:
            poller.unregister(bell)
    ending.notice(level, now)


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(min(seconds, _LONGEST_POLL) * 1000) + 1


def _report(lane: Lane) -> Status | None:
    """The report about the present command, or that there will never be one."""
    return next((s for s in lane.read_statuses() if s.sequence == lane.sequence or s.kind == LOST), None)


def _pour(pipe: int, sink: Sink, *, whole: bool) -> None:
    """Pass on what is in a pipe: one piece, so that an endless writer can't keep us from all else, or all that there is."""
    while True:
        try:
            data = os.read(pipe, CHUNK)
        except BlockingIOError:
            return
        if data:
            sink(data)
        if not data or not whole:
            return
