"""Fault runs (`make chaos`) in short: a seed's schedule, and schedules that once ended wrong."""

import pytest

from tests.chaos.run import run_chaos
from tests.chaos.schedule import Fault, Schedule, schedule

EVENTS = 60_000
SECONDS = 18.0


@pytest.mark.slow
def test_a_short_run_under_faults_equals_the_batch() -> None:
    report = run_chaos(schedule(11, SECONDS), events=EVENTS)
    assert report.good, report


@pytest.mark.slow
def test_a_batch_that_a_restarted_broker_takes_twice_counts_once() -> None:
    """The acknowledgement is lost, and the broker forgets the producer at its restart: its newest event is years old."""
    faults = (Fault(5.0, "lose answers", "producer>kafka", 10.0), Fault(6.5, "terminate", "kafka", 0.0))
    report = run_chaos(Schedule(0, SECONDS, "memory", 3, faults), events=EVENTS)
    assert report.good, report
