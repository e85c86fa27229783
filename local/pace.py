"""Computes progress rates over the last seconds, from readings whose clock is passed in. Pure."""

from collections import deque
from dataclasses import dataclass, field

from livelift.event_time import SECOND
from local.pipeline_reading import PipelineReading

WINDOW_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Events a second, event seconds a second, seconds to the end; None = unknown."""

    events_per_s: float | None = None
    speed_up: float | None = None
    eta_s: float | None = None


@dataclass(slots=True)
class PaceMeter:
    """Takes readings as they come.

    >>> meter = PaceMeter()
    >>> _ = meter.take(PipelineReading(rows=1_000, applied=100, event_time=0), 0.0)
    >>> meter.take(PipelineReading(rows=1_000, applied=400, event_time=60_000), 2.0)
    Pace(events_per_s=150.0, speed_up=30.0, eta_s=4.0)

    The event time may be known later than the number of events:

    >>> meter = PaceMeter()
    >>> readings = [(0, None, 0.0), (100, 0, 1.0), (200, 60_000, 2.0)]
    >>> [meter.take(PipelineReading(applied=n, event_time=time), now).speed_up for n, time, now in readings]
    [None, None, 60.0]
    """

    _seen: deque[tuple[float, int, int | None]] = field(default_factory=deque)  # (now, applied, event time)

    def take(self, reading: PipelineReading, now: float) -> Pace:
        """The pace with this reading, taken at `now` seconds of a steady clock."""
        applied = reading.applied
        if applied is None:
            return Pace()
        seen = self._seen
        seen.append((now, applied, reading.event_time))
        while len(seen) > 2 and seen[1][0] <= now - WINDOW_SECONDS:
            seen.popleft()
        then, before, _ = seen[0]
        if now <= then:
            return Pace()
        rate = max(0.0, (applied - before) / (now - then))
        left = None if reading.rows is None else reading.rows - applied
        return Pace(
            rate, self._speed_up(), None if left is None else 0.0 if left <= 0 else left / rate if rate else None
        )

    def _speed_up(self) -> float | None:
        """From the first reading that knew the event time: none does while the stations start."""
        known = [(now, event_time) for now, _, event_time in self._seen if event_time is not None]
        if not known or known[-1][0] <= known[0][0]:
            return None
        (then, before), (now, after) = known[0], known[-1]
        return max(0.0, (after - before) / SECOND / (now - then))
