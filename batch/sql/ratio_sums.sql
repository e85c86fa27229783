-- The sums of the ratio reading (numerator S, denominator M), for the metrics that have one.
SELECT
    number, metric, variant,
    count(*)::HUGEINT AS n,
    sum(numerator)::HUGEINT AS s, sum(denominator)::HUGEINT AS m,
    sum(numerator::HUGEINT * numerator)::HUGEINT AS ss,
    sum(denominator::HUGEINT * denominator)::HUGEINT AS mm,
    sum(numerator::HUGEINT * denominator)::HUGEINT AS sm
FROM value
WHERE has_ratio
GROUP BY ALL;
