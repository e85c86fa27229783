-- Events as tables take them: with the user, the UTC day and the user's first, and whether they begin a session.
CREATE TABLE told AS
SELECT
    event.*,
    user_id,
    time // getvariable('day_ms') AS day,
    min(time) OVER of_user // getvariable('day_ms') AS first_day,
    getvariable('gap_ms') IS NULL
    OR coalesce(time - lag(time) OVER in_order > getvariable('gap_ms'), true) AS begins
FROM event
JOIN listener USING (listener)
WINDOW of_user AS (PARTITION BY listener), in_order AS (PARTITION BY listener ORDER BY time, row);
