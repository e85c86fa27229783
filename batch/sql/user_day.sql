-- For each retention of the study (`anchor`, `days`) a user's anchor days of the period whose later day is in it too: was there
-- an event on the later day? Known at its end.
CREATE TABLE user_day AS
WITH active AS (
    SELECT DISTINCT listener, time // getvariable('day_ms') AS day
    FROM event /*: with_arm */
    WHERE /*: active */
), first AS (
    SELECT listener, min(time) // getvariable('day_ms') AS day FROM event GROUP BY listener
), exposure AS (
    SELECT listener, min(day) AS day FROM active GROUP BY listener
), anchored AS (
    SELECT
        retention, anchor, days, active.listener, active.day
    FROM retention, active
    LEFT JOIN first USING (listener)
    LEFT JOIN exposure USING (listener)
    WHERE CASE anchor
        WHEN 'every_day' THEN true
        WHEN 'first_activity' THEN active.day = first.day
        WHEN 'exposure' THEN active.day = exposure.day
    END
)
SELECT
    retention,
    anchored.listener,
    anchored.day,
    later.day IS NOT NULL AS returned,
    (anchored.day + days + 1) * getvariable('day_ms') AS due
FROM anchored
LEFT JOIN active AS later ON later.listener = anchored.listener AND later.day = anchored.day + days
WHERE (anchored.day + days) * getvariable('day_ms') < getvariable('period_end');
