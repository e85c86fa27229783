"""Result of one run of one engine: times, CPU, memory, and whether the answer equals the batch oracle's."""

from dataclasses import dataclass, field

from bench.meter import SAMPLE_SECONDS, Meter
from bench.progress import Progress

MILLION = 1_000_000
SHORTEST_SECONDS = 10 * SAMPLE_SECONDS
"""A shorter steady part tells of the moments at which one looked, not of the work."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of work: seconds of wall time, events done in it, CPU-seconds used in it."""

    seconds: float
    events: float
    cpu_seconds: float

    @property
    def events_per_s(self) -> float:
        return self.events / self.seconds if self.seconds > 0 else 0.0

    @property
    def cpu_s_per_million(self) -> float:
        return self.cpu_seconds / self.events * MILLION if self.events else 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One run.

    steady
        Between 5 % and 95 % of the events; None where a job has no such part (a whole pipeline, a job done too quickly).
    whole
        From the start of the process to the last result.
    peak_mib
        Peak resident memory of the engine's processes.
    equal
        Is the result the oracle's?
    servers_cpu_s_per_million
        CPU-seconds of Kafka and of Redis per million events over the whole, beside the engine's own.
    left_open
        Sessions that the engine had not closed at the end of the topic.
    """

    events: int
    whole: Span
    steady: Span | None
    peak_mib: float
    equal: bool
    servers_cpu_s_per_million: dict[str, float] = field(default_factory=dict)
    left_open: int = 0
    why: str = ""


def steady_span(progress: Progress, *meters: Meter) -> Span | None:
    """The steady part of a job that was metered meanwhile; None if it was done too quickly to have one."""
    begin, end, events = progress.steady()
    if end - begin < SHORTEST_SECONDS or events <= 0:
        return None
    return Span(end - begin, events, sum(meter.used(begin, end) for meter in meters))
