-- At each tick, every included user's value of every metric: numerator / denominator, y the same in whole units of
-- 1 / `scale` with halves up, and the covariate x. A user without a denominator has no value.
CREATE OR REPLACE TEMP TABLE value AS
WITH fraction AS (
    SELECT
        number, listener, variant, bucket, metric.name AS metric, of_sessions, has_ratio, divide_by, scale,
        amount_of(numerator_of, sessions, returned[retention], eligible[retention], sums) AS numerator,
        amount_of(denominator_of, sessions, returned[retention], eligible[retention], sums) AS denominator,
        CASE covariate
            WHEN 'duration' THEN ln(
                (pre_seconds + 3 * getvariable('prior_seconds')) / ((pre_sessions + 3) * getvariable('prior_seconds'))
            )
            WHEN 'count' THEN ln(pre_sessions + 1)
            WHEN 'length' THEN ln(pre_seconds / getvariable('prior_seconds') + 1)
            ELSE 0
        END AS log_before
    FROM total, metric
)
SELECT
    number, listener, variant, bucket, metric, of_sessions, has_ratio, divide_by, numerator, denominator,
    floored(2 * scale * numerator + denominator, 2 * denominator) AS y,
    round(1000 * log_before)::BIGINT AS x                                      -- DuckDB rounds halves away from zero
FROM fraction
WHERE denominator > 0;
