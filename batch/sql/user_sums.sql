-- The exact sums over included users, by tick, metric, variant and bucket.
SELECT
    number, metric, variant, bucket,
    count(*)::BIGINT AS n,
    sum(y)::BIGINT AS y, sum(y::HUGEINT * y)::BIGINT AS yy,
    sum(x)::BIGINT AS x, sum(x::HUGEINT * x)::BIGINT AS xx,
    sum(x::HUGEINT * y)::BIGINT AS xy
FROM value
GROUP BY ALL;
