"""When a running command is told to end, and how hard. Pure: the time comes in as a number of seconds."""

from __future__ import annotations

from kern.process.wire import INTERRUPT, KILL, TERMINATE

ORDERLY = 1
AT_ONCE = 2
"""The two levels of a stop."""

GIVE_UP = b"G"
"""Not for the keeper: it has not reported, though told to kill; don't wait for it any longer."""

_KILL_AFTER_STOP = 3.0
_KILL_AFTER_TIMEOUT = 1.0
_LONGEST_GRACE_AFTER_TIMEOUT = 5.0
_PATIENCE = 10.0

Word = tuple[float, bytes]


class Ending:
    """What is still to be said to one command, and why it was said.

    Attributes:
        level: the level of the stop that it knows of.
        stopped: whether it was told something because of a stop.
        timed_out: whether it was told something because its time was over.
    """

    def __init__(
        self, now: float, *, timeout: float | None, grace: float, always: bool, background: bool = False
    ) -> None:
        """Start the clock of a command.

        Args:
            now: the present time.
            timeout: seconds that it may take.
            grace: seconds between INT and TERM after a stop.
            always: a clean-up: a stop does not interrupt it, it only bounds the time it has left.
            background: an orderly stop says nothing to it; whoever started it calls `request`.
        """
        self.level = 0
        self.stopped = False
        self.timed_out = False
        self._grace = grace
        self._always = always
        self._background = background
        self._by_stop = False
        self._killed = False
        self._words: list[Word] = []
        self._deadline = None if timeout is None else now + timeout

    def notice(self, level: int, now: float) -> None:
        """Take note of the level of the stop at this time."""
        if level <= self.level:
            return
        self.level = level
        if self._killed:
            return
        if level >= AT_ONCE:
            self._say([(now, KILL)], by_stop=True)
        elif not self._words and not self._background:
            end = now + self._grace
            words = [(end, TERMINATE), (end + _KILL_AFTER_STOP, KILL)]
            self._say(words if self._always else [(now, INTERRUPT), *words], by_stop=True)

    def request(self, now: float, grace: float) -> None:
        """Have it end: SIGTERM when the grace is over, SIGKILL 3 seconds later. Only a kill that is under way beats that."""
        if not self._killed:
            end = now + grace
            self._say([(end, TERMINATE), (end + _KILL_AFTER_STOP, KILL)], by_stop=False)

    def take(self, now: float) -> list[bytes]:
        """Remove and return what is to be said by this time."""
        if self._deadline is not None and now >= self._deadline:
            self._time_is_over(now)
        due = [word for when, word in self._words if when <= now]
        del self._words[: len(due)]
        self._killed = self._killed or KILL in due
        if due and self._by_stop:
            self.stopped = True
        return due

    def wait(self, now: float) -> float | None:
        """Seconds until there may be something to say; ``None`` for never."""
        times = [when for when, _ in self._words[:1]]
        if self._deadline is not None:
            times.append(self._deadline)
        return max(0.0, min(times) - now) if times else None

    def _time_is_over(self, now: float) -> None:
        self._deadline = None
        if self.stopped or self.level >= AT_ONCE or (self.level and not self._always):
            return
        self.timed_out = True
        end = now + min(self._grace, _LONGEST_GRACE_AFTER_TIMEOUT)
        words = [(now, INTERRUPT), (end, TERMINATE), (end + _KILL_AFTER_TIMEOUT, KILL)]
        self._say(words, by_stop=False)

    def _say(self, words: list[Word], *, by_stop: bool) -> None:
        self._by_stop = by_stop
        self._words = [*words, (words[-1][0] + _PATIENCE, GIVE_UP)]
