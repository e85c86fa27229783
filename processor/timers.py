"""Timer queue of a partition, ordered by (due, kind, user). Pure.

A heap of a million timers is slow: each step through it finds its tuple somewhere else in memory. Here a later minute is a
list until its turn comes, and is sorted then.
"""

from heapq import heappop, heappush
from typing import Any

from livelift.event_time import MINUTE

ALWAYS = 1 << 63

Timer = tuple[Any, ...]
"""(due in ms, kind, user or offset, …): timers fire in the order of these tuples."""


class Timers:
    """A priority queue of timers.

    >>> timers = Timers()
    >>> for timer in [(90_000, 1), (10, 2), (90_000, 0), (10, 1)]: timers.push(timer)
    >>> timers.first(until=0), timers.next_minute(), timers.first(until=1), timers.next_minute()
    (None, 0, (10, 1), 60000)
    >>> [timers.pop() for _ in range(4)], timers.next_minute()
    ([(10, 1), (10, 2), (90000, 0), (90000, 1)], None)
    """

    def __init__(self) -> None:
        self._near: list[Timer] = []  # of the minutes up to `_minute`, as it was opened; the last one fires first
        self._late: list[Timer] = []  # of these minutes too, but pushed since: a heap
        self._minute = -1
        self._far: dict[int, list[Timer]] = {}
        self._minutes: list[int] = []  # a heap of the keys of `_far`

    def push(self, timer: Timer) -> None:
        minute = timer[0] // MINUTE
        if minute <= self._minute:
            heappush(self._late, timer)
        else:
            later = self._far.get(minute)
            if later is None:
                later = self._far[minute] = []
                heappush(self._minutes, minute)
            later.append(timer)

    def first(self, until: int) -> Timer | None:
        """The timer that fires next; None if there is none in the minutes that begin before `until` ms.

        These minutes are open from then on: what is still to be pushed into them costs more.
        """
        near, late = self._near, self._late
        while not near and not late:
            if not self._minutes or self._minutes[0] * MINUTE >= until:
                return None
            self._open(heappop(self._minutes))
        if late and (not near or late[0] < near[-1]):
            return late[0]
        return near[-1]

    def next_minute(self) -> int | None:
        """When the next minute with timers begins, ms; None if there is none. It is not open yet."""
        return self._minutes[0] * MINUTE if self._minutes else None

    def _open(self, minute: int) -> None:
        """A minute's turn comes."""
        self._minute = minute
        self._near += self._far.pop(minute)
        self._near.sort(reverse=True)

    def pop(self) -> Timer:
        """Take out the timer that fires next, of all. Raises IndexError if there is none."""
        first = self.first(ALWAYS)
        if self._late and self._late[0] is first:
            return heappop(self._late)
        return self._near.pop()
