"""Tracks what each scraper of `/history` has received, so that a sample is sent a few times only.

Prometheus keeps samples of years ago as out-of-order ones, and takes those that it has once more: read in full every two
seconds, a run of 68 ticks filled 190 MB in half an hour, and took minutes to read at the next start. Pure: the clock is
passed in. docs/decisions/0031-history-is-given-once.md has the choice.
"""

from collections import deque
from dataclasses import dataclass, field

REPEATS = 3
"""Answers that hold a sample: one that is lost on its way, or comes too late, is made good by the next."""

GAP_SECONDS = 15.0
"""Whoever has not asked for so long may have begun anew, without the data of before: it gets everything."""

WHOLE_SECONDS = 600.0
"""Everything is given again this often, whatever went wrong on the other side."""


@dataclass(slots=True)
class _Reader:
    asked_at: float
    whole_at: float
    given: deque[int] = field(default_factory=lambda: deque([0], maxlen=REPEATS))  # the newest number, by answer


class HistoryReaders:
    """Remembers what each reader was given.

    >>> readers = HistoryReaders()
    >>> [readers.after("a", newest, now) for newest, now in [(5, 0.0), (5, 2.0), (5, 4.0), (5, 6.0), (7, 8.0)]]
    [0, 0, 0, 5, 5]
    >>> readers.after("a", 7, 30.0), readers.after("b", 7, 30.0)  # after a gap; another reader
    (0, 0)
    """

    def __init__(self) -> None:
        self._readers: dict[str, _Reader] = {}

    def after(self, reader: str, newest: int, now: float) -> int:
        """What `reader` is to get at `now` seconds: numbers above this one; `newest` is the newest there is."""
        for name, known in list(self._readers.items()):
            if now - known.asked_at > GAP_SECONDS or now - known.whole_at >= WHOLE_SECONDS:
                del self._readers[name]
        known = self._readers.setdefault(reader, _Reader(now, now))
        known.asked_at = now
        oldest = known.given[0]
        known.given.append(newest)
        return oldest
