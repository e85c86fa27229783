-- The sums of the ratio reading (numerator S, denominator M), for the metrics that have one.
SELECT
    number, metric, variant,
    count(*)::BIGINT AS n,
    sum(numerator)::BIGINT AS s, sum(denominator)::BIGINT AS m,
    sum(numerator::HUGEINT * numerator)::BIGINT AS ss,
    sum(denominator::HUGEINT * denominator)::BIGINT AS mm,
    sum(numerator::HUGEINT * denominator)::BIGINT AS sm
FROM value
WHERE kind IN ('session_mean', 'user_ratio')
GROUP BY ALL;
