"""Flink SQL: Nexmark's query 11, the bids of a bidder in each session."""

from flink_tables import GAP, GAP_MS, run

MS = (
    "CAST(TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', {0}) AS BIGINT) * 1000 + EXTRACT(MILLISECOND FROM {0})"
)

COUNTS = f"""
SELECT `user`, `start`, `end`, (`end` - `start`) / 1000, bids
FROM (
    SELECT
        `user`, {MS.format("window_start")} AS `start`, {MS.format("window_end")} - {GAP_MS} AS `end`,
        COUNT(*) AS bids
    FROM TABLE(SESSION(TABLE bids PARTITION BY `user`, DESCRIPTOR(moment), {GAP}))
    GROUP BY `user`, window_start, window_end
)
"""

if __name__ == "__main__":
    run(
        "auction BIGINT, price BIGINT",
        "bids BIGINT",
        f"WITH bids AS (SELECT * FROM events WHERE `user` IS NOT NULL) {COUNTS}",
    )
