"""Flink SQL: a session window over event time.

Skips compare neighbouring events, so each play first gets the time since its user's last one.
"""

import os

from flink_tables import GAP, run

SKIP_SECONDS = int(os.environ["SKIP_MS"]) // 1000

# The events' times are whole seconds. Not LAG: over event time it looks once at all plays of a moment, so that of two at
# the same time each has the other before it. A sum is what two rows keep most cheaply.
SESSIONS = f"""
WITH spaced AS (
    SELECT
        `user`, moment, at_second, artist,
        CASE WHEN COUNT(*) OVER two = 2 THEN 2 * at_second - SUM(at_second) OVER two END AS gap
    FROM (
        SELECT
            `user`, moment,
            CAST(TIMESTAMPDIFF(SECOND, TO_TIMESTAMP_LTZ(0, 3), moment) AS BIGINT) AS at_second,
            CASE WHEN artist_id <> '' THEN 'id:' || artist_id ELSE 'name:' || artist END AS artist
        FROM events
        WHERE `user` IS NOT NULL
    )
    WINDOW two AS (PARTITION BY `user` ORDER BY moment ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
SELECT
    `user`, MIN(at_second) * 1000, MAX(at_second) * 1000, MAX(at_second) - MIN(at_second),
    COUNT(*), COUNT(*) FILTER (WHERE gap < {SKIP_SECONDS}), COUNT(DISTINCT artist)
FROM TABLE(SESSION(TABLE spaced PARTITION BY `user`, DESCRIPTOR(moment), {GAP}))
GROUP BY `user`, window_start, window_end
"""

if __name__ == "__main__":
    run("artist_id STRING, artist STRING", "plays BIGINT, skips BIGINT, artists BIGINT", SESSIONS)
