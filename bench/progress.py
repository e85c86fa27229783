"""Progress of a job over time, and from that its steady rate without start-up and tail."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEADY = (0.05, 0.95)
"""The steady part: between these shares of all events. Starting and ending lie outside."""

Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Progress:
    """At wall time `times[i]` (seconds) so many events in all were done; both rise."""

    times: NDArray[np.float64]
    events: NDArray[np.float64]

    def steady(self) -> tuple[float, float, float]:
        """(wall time where the steady part begins, where it ends, events done in between).

        Both ends are moments at which progress was seen, so that nothing is interpolated.
        """
        total = self.events[-1]
        first = int(np.searchsorted(self.events, STEADY[0] * total))
        last = max(int(np.searchsorted(self.events, STEADY[1] * total)), min(first + 1, len(self.events) - 1))
        return float(self.times[first]), float(self.times[last]), float(self.events[last] - self.events[first])


def progress_by_event_time(event_times: list[Array], written: list[tuple[Array, Array]]) -> Progress:
    """Progress of a job over partitions whose outputs tell how far in event time it was.

    Parameters
    ----------
    event_times
        Per partition: the times of its events in ms, ascending.
    written
        Per partition: wall times (ms) at which the broker appended outputs, and event times (ms) that the job had
        reached by then.

    Only the last output of each append counts; an event is done when the job has reached its time.
    """
    moments, added = [], []
    for times, (appended, reached) in zip(event_times, written, strict=True):
        if not len(appended):
            continue
        done = np.searchsorted(times, np.maximum.accumulate(reached), side="right")
        last_of_append = np.append(np.flatnonzero(np.diff(appended)), len(appended) - 1)
        moments.append(appended[last_of_append])
        added.append(np.diff(done[last_of_append], prepend=0))
    if not moments:
        raise ValueError("nothing was written: there is no progress to measure")
    wall, gain = np.concatenate(moments), np.concatenate(added)
    order = np.argsort(wall, kind="stable")
    return Progress(wall[order] / 1000.0, np.cumsum(gain[order]).astype(np.float64))
