"""Metrics exported by a processor worker. Partitions are shared by workers: sum over them, or take the lowest
watermark.
"""

from livelift.metrics.declare import RECORDS, SECONDS, counter, gauge, histogram
from livelift.refusals import REFUSALS

EVENT_TIME_SECONDS = (1.0, 10.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0)

OUTCOMES = ("accepted", "late", "repeated", *REFUSALS)

EVENTS = counter(
    "livelift_processor_events_total", "Event records taken from Kafka, by what became of them.", "outcome"
)
APPLIED = gauge(
    "livelift_processor_applied_events",
    "Events of the run applied on this worker's partitions, before its start included.",
)
SESSIONS_CLOSED = counter("livelift_processor_sessions_closed_total", "Sessions closed by the watermark.")
SESSIONS_OPEN = gauge("livelift_processor_sessions_open", "Sessions that may still go on.")
USERS = gauge("livelift_processor_users", "Users whose state this worker holds.")
PARTITIONS = gauge("livelift_processor_partitions", "Partitions that this worker works on.")
WATERMARK = gauge(
    "livelift_processor_watermark_seconds",
    "Event time before which nothing on time is still to come, Unix time.",
    "partition",
)
LAG = gauge("livelift_processor_lag_records", "Records on the events topic that were not applied yet.", "partition")
EVENT_TIME_LAG = histogram(
    "livelift_processor_event_time_lag_seconds",
    "Event time by which a batch's partition is behind the furthest one of this worker.",
    EVENT_TIME_SECONDS,
)
BATCH_RECORDS = histogram("livelift_processor_batch_records", "Event records applied at once.", RECORDS)
APPLY_SECONDS = histogram("livelift_processor_apply_seconds", "Time to apply a batch to the sessions.", SECONDS)
OUTPUT_SECONDS = histogram(
    "livelift_processor_output_seconds", "Time to write a batch's outputs and dead letters, acknowledged.", SECONDS
)
CHANGELOG_SECONDS = histogram(
    "livelift_processor_changelog_seconds", "Time to write a batch's state to the changelog, acknowledged.", SECONDS
)
RECOVERIES = counter(
    "livelift_processor_recoveries_total",
    "Assignments whose state was restored from the changelog: starts and rebalances.",
)
