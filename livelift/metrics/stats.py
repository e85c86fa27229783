"""Metrics exported by the stats station about its own work; those of the experiment are in `verdict`."""

from livelift.metrics.declare import RECORDS, SECONDS, counter, gauge, histogram

OUTPUTS = counter("livelift_stats_outputs_total", "Records of the output log that were read, by kind.", "kind")
LAG = gauge("livelift_stats_lag_records", "Records of the output log that were not read yet.", "partition")
WAITING = gauge("livelift_stats_waiting_records", "Outputs that wait at a mark for the other partitions.", "partition")
BATCH_RECORDS = histogram("livelift_stats_batch_records", "Outputs applied between two commits.", RECORDS)
COMMIT_SECONDS = histogram("livelift_stats_commit_seconds", "Time of an atomic commit to Redis.", SECONDS)
TICKS = counter("livelift_stats_ticks_total", "Ticks evaluated by this process.")
TICK_SECONDS = histogram("livelift_stats_tick_seconds", "Time to evaluate a tick.", SECONDS)
RELOADS = counter(
    "livelift_stats_reloads_total", "Times that the run was loaded from Redis: starts, lost connections, moved cursors."
)
