"""The timers of a partition, in their order. Pure.

A heap of a million timers is slow: each step through it finds its tuple somewhere else in memory. Here only the minute that
fires next is a heap; a later minute is a list until its turn comes.
"""

from heapq import heapify, heappop, heappush
from typing import Any

from livelift.event_time import MINUTE

Timer = tuple[Any, ...]
"""(due in ms, kind, user or offset, …): timers fire in the order of these tuples."""


class Timers:
    """A priority queue of timers.

    >>> timers = Timers()
    >>> for timer in [(90_000, 1), (10, 2), (90_000, 0), (10, 1)]: timers.push(timer)
    >>> [timers.pop() for _ in range(4)], timers.first()
    ([(10, 1), (10, 2), (90000, 0), (90000, 1)], None)
    """

    def __init__(self) -> None:
        self._near: list[Timer] = []  # a heap: every timer of the minute `_minute` and before
        self._minute = -1
        self._far: dict[int, list[Timer]] = {}
        self._minutes: list[int] = []  # a heap of the keys of `_far`

    def push(self, timer: Timer) -> None:
        minute = timer[0] // MINUTE
        if minute <= self._minute:
            heappush(self._near, timer)
            return
        later = self._far.get(minute)
        if later is None:
            self._far[minute] = [timer]
            heappush(self._minutes, minute)
        else:
            later.append(timer)

    def first(self) -> Timer | None:
        """The timer that fires next; None if there is none."""
        if not self._near:
            if not self._minutes:
                return None
            self._minute = heappop(self._minutes)
            self._near = self._far.pop(self._minute)
            heapify(self._near)
        return self._near[0]

    def pop(self) -> Timer:
        """Take out the timer that fires next. Raises IndexError if there is none."""
        if not self._near:
            self.first()
        return heappop(self._near)
