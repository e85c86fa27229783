-- The midnights from the first look to the completion of the period, as far as the events reach, and the stream's end.
-- In a tick are sessions due before `sessions_before`, user-days due by `days_through`, events before `events_before`.
CREATE OR REPLACE TEMP TABLE tick AS
WITH stream AS (
    SELECT max(time) AS last_event FROM event
), open_until AS (
    SELECT max(due) AS last_due FROM session WHERE began_in_period
), midnight AS (
    SELECT unnest(generate_series(
        getvariable('period_start') + getvariable('day_ms'), last_event, getvariable('day_ms')
    )) AS time
    FROM stream
), judged AS (
    SELECT
        time,
        time >= getvariable('period_end')
        AND (time > coalesce(last_due, 0) OR time >= getvariable('wait_until')) AS period_complete
    FROM midnight, open_until
), evaluated AS (
    SELECT
        time, false AS ended, period_complete,
        time AS sessions_before, time AS days_through, time AS events_before
    FROM judged
    WHERE NOT getvariable('end_only')
      AND time <= coalesce((SELECT min(time) FROM judged WHERE period_complete), time)
    UNION ALL
    SELECT
        last_event, true, greatest(last_event, getvariable('covered_to')) >= getvariable('period_end'),
        getvariable('for_ever'), last_event, getvariable('for_ever')
    FROM stream
)
SELECT (row_number() OVER (ORDER BY ended, time) - 1)::INTEGER AS number, *
FROM evaluated;
