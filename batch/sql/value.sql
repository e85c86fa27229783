-- At each tick, every included user's value of every metric: numerator / denominator, y the same in whole units of
-- 1 / `scale` with halves up, and the covariate x. A user without a denominator has no value.
CREATE OR REPLACE TEMP TABLE value AS
WITH fraction AS (
    SELECT
        number, listener, variant, bucket, metric.name AS metric, kind, divide_by,
        CASE kind
            WHEN 'session_count' THEN sessions
            WHEN 'next_day_return' THEN returned
            ELSE measured(measure, seconds, plays, skips, artists)
        END AS numerator,
        CASE kind
            WHEN 'session_mean' THEN sessions
            WHEN 'session_count' THEN 1
            WHEN 'next_day_return' THEN eligible
            ELSE measured(per, seconds, plays, skips, artists)
        END AS denominator,
        CASE
            WHEN kind = 'session_mean' AND measure = 'seconds' THEN 10         -- deciseconds
            WHEN kind = 'session_count' THEN 1
            ELSE 1000000                                                       -- millionths
        END AS scale,
        CASE
            WHEN measure = 'seconds' THEN ln(
                (pre_seconds + 3 * getvariable('prior_seconds')) / ((pre_sessions + 3) * getvariable('prior_seconds'))
            )
            WHEN kind = 'session_count' THEN ln(pre_sessions + 1)
            ELSE 0
        END AS log_before
    FROM total, metric
)
SELECT
    number, listener, variant, bucket, metric, kind, divide_by, numerator, denominator,
    (2 * scale * numerator + denominator) // (2 * denominator) AS y,
    round(1000 * log_before)::BIGINT AS x                                      -- DuckDB rounds halves away from zero
FROM fraction
WHERE denominator > 0;
