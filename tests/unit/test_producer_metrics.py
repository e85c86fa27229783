"""The producer's reports as metrics."""

from typing import Any

from livelift.events import Manifest
from livelift.metrics import producer as declared
from producer.prometheus_edge import ProducerMetrics
from producer.report import Report

MANIFEST = Manifest(rows=110, accepted=100, rejected={"date": 4, "columns": 1}, duplicates=5, first=0, last=9_000)


def value(metrics: ProducerMetrics, name: str, **labels: str) -> Any:
    return metrics.instruments.registry.get_sample_value(name, {"study": "s"} | labels)


def test_a_replay_that_goes_on_counts_only_what_it_sends() -> None:
    metrics = ProducerMetrics("s", speed=None)
    for report in (
        Report("sending", 50, 100, manifest=MANIFEST),
        Report("sending", 40, 100, event_time=4_000),  # a slice of rows that Kafka has already
        Report("sending", 70, 100, event_time=7_000),
    ):
        metrics(report)
    assert value(metrics, declared.ROWS_SENT.name) == 70
    assert value(metrics, declared.EVENTS.name) == 20
    assert value(metrics, declared.EVENT_TIME.name) == 7.0
    assert value(metrics, declared.REJECTED.name, reason="date") == 4
    assert value(metrics, declared.DUPLICATES.name) == 5


def test_the_phase_is_a_state_set_and_ends_complete() -> None:
    metrics = ProducerMetrics("s", speed=600.0)
    assert value(metrics, declared.SPEED.name) == 600.0
    metrics(Report("sorting", 25, 100))
    assert value(metrics, declared.PHASE.name, livelift_producer_phase="sorting") == 1
    assert value(metrics, declared.PHASE_DONE.name) == 0.25
    metrics.complete()
    assert value(metrics, declared.PHASE.name, livelift_producer_phase="complete") == 1
    assert value(metrics, declared.PHASE.name, livelift_producer_phase="sorting") == 0
