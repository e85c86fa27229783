-- A session is a maximal run of one user's events with gaps of at most `gap_ms`; it is due `gap_ms` after its last event.
-- Where rows are windows (`gap_ms` is null) each event is a session, due at its own time.
-- `first_in_period` is its first event inside the period, null where it has none. It counts where it began in the period and
-- was due before the wait for such sessions was over, of a user whose arm was known by its end.
CREATE TABLE session AS
WITH neighbours AS (
    SELECT
        listener, time, row/*: session_arm *//*: session_columns */,
        time - lag(time) OVER play_order AS gap_before,
        lead(time) OVER play_order - time AS gap_after
    FROM event /*: with_arm */
    WINDOW play_order AS (PARTITION BY listener ORDER BY time, row)
), numbered AS (
    SELECT
        *,
        sum((gap_before IS NULL OR getvariable('gap_ms') IS NULL OR gap_before > getvariable('gap_ms'))::INTEGER) OVER (
            PARTITION BY listener ORDER BY time, row ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM neighbours
), closed AS (
    SELECT
        listener,
        min(time) AS start_time,
        max(time) AS end_time,
        /*: measures */ AS measures,
        min(time) FILTER (/*: active */) AS first_in_period,
        /*: assigned */ AS assigned,
        /*: conflict */ AS conflict
    FROM numbered
    GROUP BY listener, number
)
SELECT
    *,
    measures[1] AS seconds,
    end_time + coalesce(getvariable('gap_ms'), 0) AS due,
    start_time >= getvariable('period_start') AND start_time < getvariable('period_end') AS began_in_period,
    began_in_period AND due < getvariable('wait_until') AND assigned AS in_period
FROM closed;
