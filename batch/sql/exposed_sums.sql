-- The exact sums over all exposed users, included or not, by tick, metric and variant: sessions per user with 0 for none,
-- the share of resolved anchor days with a return, and for a primary that is a mean over sessions the measure's sum per user.
WITH exposure AS (
    SELECT listener, min(due) AS due FROM session WHERE first_in_period IS NOT NULL GROUP BY listener
), seen AS (
    SELECT number, listener FROM tick JOIN exposure ON due < sessions_before
), heard AS (
    SELECT
        number, listener,
        count(*) AS sessions, added(measures) AS sums
    FROM tick
    JOIN session ON due < sessions_before
    WHERE in_period
    GROUP BY number, listener
), amount AS (
    SELECT
        number, listener, metric.name AS metric,
        CASE over_exposed
            WHEN 'count' THEN coalesce(sessions, 0)
            ELSE coalesce(measured(numerator_of, sums), 0)
        END::BIGINT AS y,
        over_exposed = 'count' AS counts,
        over_exposed = 'sum' AND coalesce(covariate IN ('duration', 'length'), false) AS lasts
    FROM seen
    LEFT JOIN heard USING (number, listener), metric
    WHERE over_exposed IN ('count', 'sum')
    UNION ALL
    SELECT
        number, listener, metric.name,
        ((2 * scale * returned[retention] + eligible[retention]) // (2 * eligible[retention]))::BIGINT,
        false, false
    FROM resolved, metric
    WHERE over_exposed = 'share' AND eligible[retention] > 0
), adjusted AS (
    SELECT
        number, metric, variant, y::HUGEINT AS y,
        round(1000 * CASE
            WHEN counts THEN ln(coalesce(pre_sessions, 0) + 1)
            WHEN lasts THEN ln(coalesce(pre_seconds, 0) / getvariable('prior_seconds') + 1)
            ELSE 0
        END)::HUGEINT AS x
    FROM amount
    JOIN listener USING (listener)
    LEFT JOIN pre_period USING (listener)
)
SELECT
    number, metric, variant,
    count(*)::HUGEINT, sum(y)::HUGEINT, sum(y * y)::HUGEINT, sum(x)::HUGEINT, sum(x * x)::HUGEINT, sum(x * y)::HUGEINT
FROM adjusted
GROUP BY number, metric, variant;
