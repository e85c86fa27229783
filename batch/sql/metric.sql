-- The study's metrics as the oracle reads them: the only statement that knows what a declaration means. `declared` holds them
-- as they stand in the study file; `retention` is null where they have a numerator and a denominator. Names of totals are
-- columns of `total`, or the own ones that `amount_of` knows.
CREATE TABLE metric AS
SELECT
    position, name, divide_by, retention,
    CASE WHEN retention IS NOT NULL THEN 'returned' ELSE numerator END AS numerator_of,
    CASE
        WHEN retention IS NOT NULL THEN 'eligible'
        WHEN denominator = 'users' THEN 'one'
        ELSE denominator
    END AS denominator_of,
    CASE
        WHEN counts_sessions THEN 1                                            -- of the first days: whole
        WHEN resolution > 0 THEN resolution
        WHEN numerator = 'seconds' AND denominator = 'sessions' THEN 10        -- deciseconds
        WHEN denominator = 'users' THEN 1
        ELSE 1000000                                                           -- millionths
    END AS scale,
    CASE
        WHEN numerator = 'seconds' AND denominator = 'sessions' THEN 'duration'
        WHEN numerator = 'sessions' AND denominator = 'users' THEN 'count'
        WHEN numerator = 'seconds' AND denominator = 'users' THEN 'length'
    END AS covariate,
    denominator = 'sessions' AS of_sessions,                                   -- the unit of the classic reading
    retention IS NULL AND denominator <> 'users' AS has_ratio,
    CASE
        WHEN retention IS NOT NULL THEN 'share'
        WHEN numerator = 'sessions' AND denominator = 'users' THEN 'count'
        WHEN denominator = 'users' THEN 'sum'
        WHEN denominator = 'sessions' AND name = getvariable('primary_metric') THEN 'sum'
    END AS over_exposed                                                        -- null where there is no such reading
FROM declared;
