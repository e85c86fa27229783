"""Flink SQL: a session window over event time, on a cluster of one task inside this process; state on the heap, with a
checkpoint every ten seconds; `flink_app.py CONNECTOR` with the jar of its Kafka connector.

Skips compare neighbouring events, so each play first gets the time since its user's last one.
"""

import os
import sys
from pathlib import Path

from pyflink.table import EnvironmentSettings, TableEnvironment

GAP_SECONDS, SKIP_SECONDS = (int(os.environ[name]) // 1000 for name in ("GAP_MS", "SKIP_MS"))
SETTINGS = {
    "pipeline.jars": Path(sys.argv[1]).as_uri(),
    "parallelism.default": "1",
    "execution.checkpointing.interval": "10 s",
    "execution.checkpointing.dir": Path(os.environ["DATA"], "checkpoints").resolve().as_uri(),
    "table.local-time-zone": "UTC",
}

# The connector puts an ascending watermark on each partition; without the millisecond, a play at its predecessor's very
# time could come late. Control marks have no key: they move the watermark and are left out after it.
PLAYS = f"""
CREATE TABLE plays (
    `user` STRING, artist_id STRING, artist STRING,
    moment TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
    WATERMARK FOR moment AS moment - INTERVAL '0.001' SECOND
) WITH (
    'connector' = 'kafka', 'topic' = '{os.environ["EVENTS"]}',
    'properties.bootstrap.servers' = '{os.environ["BROKER"]}', 'properties.group.id' = '{os.environ["APPLICATION"]}',
    'scan.startup.mode' = 'earliest-offset',
    'key.format' = 'raw', 'key.fields' = 'user', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY'
)"""

CLOSED = f"""
CREATE TABLE closed (
    `user` STRING, `start` BIGINT, `end` BIGINT, seconds BIGINT, plays BIGINT, skips BIGINT, artists BIGINT
) WITH (
    'connector' = 'kafka', 'topic' = '{os.environ["OUTPUT"]}', 'properties.bootstrap.servers' = '{os.environ["BROKER"]}',
    'key.format' = 'raw', 'key.fields' = 'user', 'value.format' = 'json'
)"""

# The events' times are whole seconds. Not LAG: over event time it looks once at all plays of a moment, so that of two at
# the same time each has the other before it.
SESSIONS = f"""
INSERT INTO closed
WITH spaced AS (
    SELECT
        `user`, moment, at_second, artist,
        CASE WHEN COUNT(*) OVER two = 2 THEN at_second - FIRST_VALUE(at_second) OVER two END AS gap
    FROM (
        SELECT
            `user`, moment,
            CAST(TIMESTAMPDIFF(SECOND, TO_TIMESTAMP_LTZ(0, 3), moment) AS BIGINT) AS at_second,
            CASE WHEN artist_id <> '' THEN 'id:' || artist_id ELSE 'name:' || artist END AS artist
        FROM plays
        WHERE `user` IS NOT NULL
    )
    WINDOW two AS (PARTITION BY `user` ORDER BY moment ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
SELECT
    `user`, MIN(at_second) * 1000, MAX(at_second) * 1000, MAX(at_second) - MIN(at_second),
    COUNT(*), COUNT(*) FILTER (WHERE gap < {SKIP_SECONDS}), COUNT(DISTINCT artist)
FROM TABLE(SESSION(TABLE spaced PARTITION BY `user`, DESCRIPTOR(moment), INTERVAL '{GAP_SECONDS}' SECOND({len(str(GAP_SECONDS))})))
GROUP BY `user`, window_start, window_end
"""

if __name__ == "__main__":
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for name, value in SETTINGS.items():
        tables.get_config().set(name, value)
    tables.execute_sql(PLAYS)
    tables.execute_sql(CLOSED)
    tables.execute_sql(SESSIONS).wait()
