"""The timers of a partition, in their order. Pure.

A heap of a million timers is slow: each step through it finds its tuple somewhere else in memory. Here only the minute that
fires next is a heap; a later minute is a list until its turn comes. Then its timers are asked whether they still hold: three of
four sessions went on since theirs was set, and a list more costs less than to fire, see it, and wait again.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

from livelift.event_time import MINUTE

Timer = tuple[Any, ...]
"""(due in ms, kind, user or offset, …): timers fire in the order of these tuples."""


def unchanged(timer: Timer) -> Timer:
    """A timer that holds for good."""
    return timer


class Timers:
    """A priority queue of timers.

    Parameters
    ----------
    as_it_stands
        What a timer is by now: the same object, or a later timer. May be asked at any time before it fires.

    >>> timers = Timers()
    >>> for timer in [(90_000, 1), (10, 2), (90_000, 0), (10, 1)]: timers.push(timer)
    >>> [timers.pop() for _ in range(4)], timers.first()
    ([(10, 1), (10, 2), (90000, 0), (90000, 1)], None)
    >>> timers = Timers(lambda timer: (70_000, *timer[1:]) if timer[0] < 60_000 else timer)
    >>> timers.push((10, 1)); timers.push((65_000, 2)); [timers.pop() for _ in range(2)], timers.first()
    ([(65000, 2), (70000, 1)], None)
    """

    def __init__(self, as_it_stands: Callable[[Timer], Timer] = unchanged) -> None:
        self._as_it_stands = as_it_stands
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
        while not self._near:
            if not self._minutes:
                return None
            self._open(heappop(self._minutes))
        return self._near[0]

    def _open(self, minute: int) -> None:
        """A minute's turn comes: of its timers stay those that hold."""
        self._minute = minute
        as_it_stands = self._as_it_stands
        for timer in self._far.pop(minute):
            by_now = as_it_stands(timer)
            if by_now is timer:
                self._near.append(timer)
            else:
                self.push(by_now)
        heapify(self._near)

    def pop(self) -> Timer:
        """Take out the timer that fires next. Raises IndexError if there is none."""
        self.first()
        return heappop(self._near)
