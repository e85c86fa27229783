"""Prometheus adapter of the producer: turns its progress reports into metrics."""

import time

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from exporter.instruments import Instruments, families
from livelift.event_time import SECOND
from livelift.events import Manifest
from livelift.metrics import of
from livelift.metrics import producer as declared
from producer.report import Report

COMPLETE = "complete"


class ProducerMetrics(Collector):
    """Takes every report, in any phase.

    Parameters
    ----------
    speed
        Event seconds a second, None as fast as possible.
    """

    def __init__(self, study: str, speed: float | None) -> None:
        given = (declared.PHASE,)
        self.instruments = Instruments(study, [metric for metric in of(declared) if metric not in given])
        self._phase = "reading"
        self._last: tuple[int, float] | None = None  # rows sent, at what time of the process's clock
        self.instruments.gauge(declared.SPEED).set(speed or 0.0)
        self.instruments.add(self)

    def __call__(self, report: Report) -> None:
        gauge = self.instruments.gauge
        self._phase = report.phase
        gauge(declared.PHASE_DONE).set(report.done / report.total if report.total else 1.0)
        if report.phase != "sending":
            return
        if report.manifest is not None:
            self._prepared(report.manifest)
        # A replay that goes on passes the rows that Kafka has once more, without sending them.
        done = report.done if self._last is None else max(report.done, self._last[0])
        gauge(declared.ROWS).set(report.total)
        gauge(declared.ROWS_SENT).set(done)
        if report.event_time is not None:
            gauge(declared.EVENT_TIME).set(report.event_time / SECOND)
        now = time.perf_counter()
        if self._last is not None:
            sent, before = self._last
            self.instruments.counter(declared.EVENTS).inc(done - sent)
            self.instruments.histogram(declared.BATCH_RECORDS).observe(done - sent)
            self.instruments.histogram(declared.BATCH_SECONDS).observe(now - before)
        self._last = done, now

    def complete(self) -> None:
        """All is sent."""
        self._phase = COMPLETE

    def _prepared(self, manifest: Manifest) -> None:
        """The input is read: what became of its rows is known."""
        self.instruments.gauge(declared.DUPLICATES).set(manifest.duplicates)
        for reason, number in manifest.rejected.items():
            self.instruments.gauge(declared.REJECTED, reason).set(number)

    def collect(self) -> list[Family]:
        return list(families([(declared.PHASE, {}, self._phase)]))
