-- For each retention of the study (`anchor`, `days`) a user's anchor days of the period whose later day is in it too: was there
-- an event on the later day, 1 or 0? Or, of the first days, how many sessions of the period had begun? Known at its end, when a session
-- that is still open counts however it goes on.
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
        retention, anchor, days, counts_sessions, active.listener, active.day,
        (active.day + days + 1) * getvariable('day_ms') AS due
    FROM retention, active
    LEFT JOIN first USING (listener)
    LEFT JOIN exposure USING (listener)
    WHERE CASE anchor
        WHEN 'every_day' THEN true
        WHEN 'first_activity' THEN active.day = first.day
        WHEN 'exposure' THEN active.day = exposure.day
    END
), begun AS (
    SELECT retention, anchored.listener, anchored.day, count(*) AS sessions
    FROM anchored
    JOIN session ON session.listener = anchored.listener AND start_time < anchored.due
    WHERE counts_sessions AND began_in_period AND (in_period OR session.due >= anchored.due)
    GROUP BY retention, anchored.listener, anchored.day
)
SELECT
    retention,
    anchored.listener,
    anchored.day,
    CASE WHEN counts_sessions THEN coalesce(sessions, 0) ELSE (later.day IS NOT NULL)::INTEGER END AS returned,
    due
FROM anchored
LEFT JOIN begun USING (retention, listener, day)
LEFT JOIN active AS later ON later.listener = anchored.listener AND later.day = anchored.day + days
WHERE (anchored.day + days) * getvariable('day_ms') < getvariable('period_end');
