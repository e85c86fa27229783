"""DuckDB: the same sessions by SQL over Parquet on one thread, without a stream or durable state.

`python duckdb_batch.py INPUT OUTPUT GAP_MS SKIP_MS`; the input has the columns user_id, time, artist_id and artist. Prints
the seconds and CPU-seconds that the query took, as JSON.
"""

import json
import sys
import time

import duckdb

SESSIONS = """
COPY (
    WITH gaps AS (
        SELECT *, time - lag(time) OVER (PARTITION BY user_id ORDER BY time) AS gap
        FROM '{source}'
    ), numbered AS (
        SELECT *, count(*) FILTER (gap IS NULL OR gap > {gap_ms}) OVER (
            PARTITION BY user_id ORDER BY time ROWS UNBOUNDED PRECEDING
        ) AS number
        FROM gaps
    )
    SELECT
        user_id AS "user", min(time) AS "start", max(time) AS "end",
        (max(time) - min(time)) // 1000 AS seconds,
        count(*) AS plays,
        count(*) FILTER (gap < {skip_ms}) AS skips,
        count(DISTINCT CASE WHEN artist_id <> '' THEN 'id:' || artist_id ELSE 'name:' || artist END) AS artists
    FROM numbered
    GROUP BY user_id, number
) TO '{target}' (FORMAT parquet)
"""


def main(source: str, target: str, gap_ms: int, skip_ms: int) -> None:
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("SET preserve_insertion_order = false")
        began, cpu = time.perf_counter(), time.process_time()
        database.execute(SESSIONS.format(source=source, target=target, gap_ms=gap_ms, skip_ms=skip_ms))
        print(json.dumps({"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
