"""What one run of one engine came to."""

from dataclasses import dataclass, field

from bench.meter import Meter
from bench.progress import Progress

MILLION = 1_000_000


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
        Between 5 % and 95 % of the events; None where a job has no such part (a batch, a whole pipeline).
    whole
        From the start of the process to the last result.
    peak_mib
        Peak resident memory of the engine's processes.
    equal
        Is the result the twin's?
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


def steady_span(progress: Progress, meter: Meter) -> Span:
    """The steady part of a job that was metered meanwhile."""
    begin, end, events = progress.steady()
    return Span(end - begin, events, meter.used(begin, end))
