-- At each tick, every user's resolved anchor days of each retention, and those of them with a return (or sessions): two lists, in which
-- retention i has place i.
CREATE OR REPLACE TEMP TABLE resolved AS
WITH counted AS (
    SELECT number, listener, retention, count(*) AS eligible, sum(returned)::BIGINT AS returned
    FROM tick
    JOIN user_day ON due <= days_through
    GROUP BY number, listener, retention
)
SELECT
    number, listener,
    map_from_entries(list((retention, eligible))) AS eligible,
    map_from_entries(list((retention, returned))) AS returned
FROM counted
GROUP BY number, listener;
