-- The study's metrics as the oracle reads them: the only statement that knows what a kind means. `declared` holds them as
-- they stand in the study file. Names of totals are columns of `total`, or the own ones that `amount_of` knows.
CREATE TABLE metric AS
SELECT
    position, name, divide_by, retention,
    CASE kind
        WHEN 'session_count' THEN 'sessions'
        WHEN 'retention' THEN 'returned'
        ELSE measure
    END AS numerator_of,
    CASE kind
        WHEN 'session_mean' THEN 'sessions'
        WHEN 'session_count' THEN 'one'
        WHEN 'retention' THEN 'eligible'
        ELSE per
    END AS denominator_of,
    CASE
        WHEN resolution > 0 THEN resolution
        WHEN kind = 'session_mean' AND measure = 'seconds' THEN 10             -- deciseconds
        WHEN kind = 'session_count' THEN 1
        ELSE 1000000                                                           -- millionths
    END AS scale,
    CASE
        WHEN kind = 'session_mean' AND measure = 'seconds' THEN 'duration'
        WHEN kind = 'session_count' THEN 'count'
    END AS covariate,
    kind = 'session_mean' AS of_sessions,                                      -- the unit of the classic reading
    kind IN ('session_mean', 'user_ratio') AS has_ratio,
    CASE
        WHEN kind = 'session_count' THEN 'count'
        WHEN kind = 'retention' THEN 'share'
        WHEN kind = 'session_mean' AND name = getvariable('primary_metric') THEN 'sum'
    END AS over_exposed                                                        -- null where there is no such reading
FROM declared;
