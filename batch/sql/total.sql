-- At each tick, every included user's totals: closed sessions of the period, resolved user-days, the pre-period.
CREATE OR REPLACE TEMP TABLE total AS
WITH listened AS (
    SELECT
        number, listener,
        count(*) AS sessions,
        added(measures) AS sums, squared(measures) AS squares
    FROM tick
    JOIN session ON due < sessions_before
    WHERE in_period
    GROUP BY number, listener
    HAVING count(*) >= getvariable('minimum_sessions')
)
SELECT
    listened.*,
    variant, bucket,
    eligible, returned,
    coalesce(pre_sessions, 0) AS pre_sessions, coalesce(pre_seconds, 0) AS pre_seconds
FROM listened
JOIN listener USING (listener)
LEFT JOIN resolved USING (number, listener)
LEFT JOIN pre_period USING (listener);
