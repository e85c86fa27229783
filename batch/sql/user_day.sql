-- A user's active days of the period whose next day is in it too: was there an event on the next day? Known at its end.
CREATE TABLE user_day AS
WITH active AS (
    SELECT DISTINCT listener, time // getvariable('day_ms') AS day
    FROM event
    WHERE time >= getvariable('period_start') AND time < getvariable('period_end')
)
SELECT
    today.listener,
    today.day,
    tomorrow.day IS NOT NULL AS returned,
    (today.day + 2) * getvariable('day_ms') AS due
FROM active AS today
LEFT JOIN active AS tomorrow ON tomorrow.listener = today.listener AND tomorrow.day = today.day + 1
WHERE (today.day + 1) * getvariable('day_ms') < getvariable('period_end');
