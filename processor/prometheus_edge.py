"""Prometheus adapter of a worker: counts what batches did, and collects the partitions' state at each scrape."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from exporter.instruments import Instruments, families
from livelift.event_time import SECOND
from livelift.metrics import Sample, of
from livelift.metrics import processor as declared
from processor.effects import Effects
from processor.partition import Partition
from processor.writing import Written

Ends = Callable[[int], int | None]
"""Partition → offset after its last record, None where it is not known."""

LOOKED_UP = (
    declared.APPLIED,
    declared.SESSIONS_OPEN,
    declared.USERS,
    declared.PARTITIONS,
    declared.WATERMARK,
    declared.LAG,
)


class ProcessorMetrics(Collector):
    """Counts for one worker, and gauges of its partitions as they stand when Prometheus asks.

    Attributes
    ----------
    ends
        To be set by whoever knows how far the events topic goes.
    """

    def __init__(self, study: str) -> None:
        self.ends: Ends = lambda _: None
        self._partitions: Mapping[int, Partition] = {}
        self.instruments = Instruments(study, [metric for metric in of(declared) if metric not in LOOKED_UP])
        counter, histogram = self.instruments.counter, self.instruments.histogram
        self._events = {outcome: counter(declared.EVENTS, outcome) for outcome in declared.OUTCOMES}
        self._closed = counter(declared.SESSIONS_CLOSED)
        self._records = histogram(declared.BATCH_RECORDS)
        self._lag = histogram(declared.EVENT_TIME_LAG)
        self._apply = histogram(declared.APPLY_SECONDS)
        self._output = histogram(declared.OUTPUT_SECONDS)
        self._changelog = histogram(declared.CHANGELOG_SECONDS)
        self._recoveries = counter(declared.RECOVERIES)
        self.instruments.add(self)

    def recovered(self, partitions: Mapping[int, Partition]) -> None:
        """The state of these partitions was restored from the changelog."""
        self._partitions = partitions
        self._recoveries.inc()

    def applied(self, records: int, effects: Effects, behind: int, seconds: float) -> None:
        """A batch of `records` was applied in `seconds`; its partition is `behind` ms of event time behind the furthest."""
        counts = effects.counts
        outcomes = {"accepted": counts.accepted, "late": counts.late, "repeated": counts.repeated, **counts.refused}
        for outcome, number in outcomes.items():
            self._events[outcome].inc(number)
        self._closed.inc(effects.closed)
        self._records.observe(records)
        self._lag.observe(behind / SECOND)
        self._apply.observe(seconds)

    def written(self, took: Written) -> None:
        """What a batch did was written and acknowledged."""
        self._output.observe(took.output)
        if took.changelog is not None:
            self._changelog.observe(took.changelog)

    def collect(self) -> Iterator[Family]:
        return families(self._samples())

    def _samples(self) -> Iterator[Sample]:
        standing = dict(self._partitions)
        yield declared.APPLIED, {}, sum(partition.counts.total for partition in standing.values())
        yield declared.SESSIONS_OPEN, {}, sum(partition.open_sessions for partition in standing.values())
        yield declared.USERS, {}, sum(len(partition.users) for partition in standing.values())
        yield declared.PARTITIONS, {}, len(standing)
        for number, partition in sorted(standing.items()):
            if partition.watermark >= 0:
                yield declared.WATERMARK, {"partition": str(number)}, partition.watermark / SECOND
        for number, partition in sorted(standing.items()):
            end = self.ends(number)
            if end is not None:
                yield declared.LAG, {"partition": str(number)}, max(0, end - partition.as_of - 1)
