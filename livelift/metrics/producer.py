"""Metrics exported by the producer."""

from livelift.metrics.declare import RECORDS, SECONDS, counter, gauge, histogram, states

PHASES = ("reading", "sorting", "sending", "complete")

PHASE = states("livelift_producer_phase", "What the producer does: prepares its input, sends, or has sent all.", PHASES)
PHASE_DONE = gauge("livelift_producer_phase_done_ratio", "How far the producer is in its phase, 0 to 1.")
ROWS = gauge("livelift_producer_rows", "Events of the replay in all; 0 until it is prepared.")
ROWS_SENT = gauge(
    "livelift_producer_rows_sent", "Events of the replay handed to Kafka, those of earlier starts included."
)
EVENTS = counter("livelift_producer_events_total", "Events that this process handed to Kafka.")
EVENT_TIME = gauge("livelift_producer_event_time_seconds", "Event time of the last event sent, Unix time.")
SPEED = gauge(
    "livelift_producer_speed_ratio",
    "Event time that passes per second of wall time, as asked for; 0 is as fast as possible.",
)
REJECTED = gauge("livelift_producer_rejected_rows", "Rows of the input that were refused, by reason.", "reason")
DUPLICATES = gauge("livelift_producer_duplicate_rows", "Rows of the input that repeat another in every field.")
BATCH_RECORDS = histogram("livelift_producer_batch_records", "Events sent between two progress marks.", RECORDS)
BATCH_SECONDS = histogram(
    "livelift_producer_batch_seconds",
    "From the collecting of a slice of events to the next one, acknowledgements included.",
    SECONDS,
)
