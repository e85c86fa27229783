"""Prometheus adapter of stats: counters of its own work, and the newest document as gauges."""

import time
from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from exporter.instruments import Instruments, families
from livelift.document import Document
from livelift.metrics import Sample, of, verdict
from livelift.metrics import stats as declared
from livelift.output_log import ClosedSession, EndMark, GroupChange, Mark, Output, UserTotals
from livelift.study import Study
from stats.edges.verdict_samples import verdict_samples

KINDS: dict[type[Output], str] = {
    ClosedSession: "session", UserTotals: "user", GroupChange: "group", Mark: "mark", EndMark: "end",
}  # fmt: skip
"""The label of an output's kind."""


class StatsMetrics(Collector):
    """Counts for one stats process; `collect` gives the gauges of the newest document."""

    def __init__(self, study: Study) -> None:
        looked_up = (declared.LAG, declared.WAITING)
        self.instruments = Instruments(study.name, [metric for metric in of(declared) if metric not in looked_up])
        self._study = study
        self._document: Document | None = None
        self._decision = ""
        self._times: dict[str, float] = {}  # metric name → wall time, Unix seconds
        self._outputs = {kind: self.instruments.counter(declared.OUTPUTS, label) for kind, label in KINDS.items()}
        self.instruments.add(self)

    def arrived(self, kinds: Mapping[type[Output], int], lag: list[int | None], waiting: list[int]) -> None:
        """So many outputs of each kind were read; per partition what is unread, and what waits at a mark."""
        for kind, number in kinds.items():
            self._outputs[kind].inc(number)
        self.instruments.histogram(declared.BATCH_RECORDS).observe(sum(kinds.values()))
        for partition, records in enumerate(lag):
            if records is not None:
                self.instruments.gauge(declared.LAG, str(partition)).set(records)
        for partition, records in enumerate(waiting):
            self.instruments.gauge(declared.WAITING, str(partition)).set(records)

    def committed(self, seconds: float) -> None:
        """A commit to Redis took so long."""
        self.instruments.histogram(declared.COMMIT_SECONDS).observe(seconds)

    def reloaded(self) -> None:
        """The run was loaded from Redis."""
        self.instruments.counter(declared.RELOADS).inc()

    def ticked(self, document: Document, seconds: float) -> None:
        """A tick was evaluated in `seconds`."""
        self.instruments.counter(declared.TICKS).inc()
        self.instruments.histogram(declared.TICK_SECONDS).observe(seconds)
        self._times[verdict.TICK_TIMESTAMP.name] = time.time()
        self.shown(document)

    def shown(self, document: Document) -> None:
        """This is the newest document: a tick's, or a preview."""
        self._times[verdict.VERDICT_TIMESTAMP.name] = time.time()
        if document.decision != self._decision:
            self._decision = document.decision
            self._times[verdict.DECISION_SINCE.name] = time.time()
        self._document = document

    def collect(self) -> Iterator[Family]:
        return families(self._samples())

    def _samples(self) -> Iterator[Sample]:
        for metric in (verdict.TICK_TIMESTAMP, verdict.VERDICT_TIMESTAMP, verdict.DECISION_SINCE):
            if metric.name in self._times:
                yield metric, {}, self._times[metric.name]
        if self._document is not None:
            yield from verdict_samples(self._document, self._study, self._document.run)
