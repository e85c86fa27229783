-- Count, mean and sum of squared deviations of the classic reading, in the shown unit. Where the unit is the session
-- they come from exact integers, m2 = (n ΣX² − (ΣX)²) / n; where it is the user, in two passes with the rounding of the
-- mean taken back out.
WITH session_unit AS (
    SELECT
        number, metric.name AS metric, variant, divide_by,
        sum(sessions)::HUGEINT AS n,
        sum(measured(numerator_of, sums))::HUGEINT AS s,
        sum(measured(numerator_of, squares))::HUGEINT AS ss
    FROM total, metric
    WHERE of_sessions
    GROUP BY ALL
), user_unit AS (
    SELECT number, metric, variant, numerator::DOUBLE / denominator / divide_by AS rate
    FROM value
    WHERE NOT of_sessions
), centre AS (
    SELECT number, metric, variant, count(*) AS n, fsum(rate) / count(*) AS mean
    FROM user_unit
    GROUP BY ALL
)
SELECT
    number, metric, variant, n::BIGINT AS n,
    s::DOUBLE / n::DOUBLE / divide_by AS mean,
    (n * ss - s * s)::DOUBLE / n::DOUBLE / divide_by / divide_by AS m2
FROM session_unit
UNION ALL
SELECT
    number, metric, variant, n::BIGINT,
    mean,
    greatest(0, fsum((rate - mean) * (rate - mean)) - fsum(rate - mean) * fsum(rate - mean) / n)
FROM user_unit
JOIN centre USING (number, metric, variant)
GROUP BY number, metric, variant, n, mean;
