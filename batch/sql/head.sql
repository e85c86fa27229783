-- What a tick counts before any metric. Events and sessions are first counted by day: a tick inside the stream is a midnight.
WITH event_day AS (
    SELECT (time // getvariable('day_ms') + 1) * getvariable('day_ms') AS day_end, count(*) AS events
    FROM event
    GROUP BY day_end
), due_day AS (
    SELECT
        due // getvariable('day_ms') * getvariable('day_ms') AS day_start,
        count(*) AS sessions_all,
        count(*) FILTER (in_period) AS sessions_in_period,
        count(*) FILTER (began_in_period AND NOT assigned) AS sessions_unassigned,
        count(*) FILTER (in_period AND measured(getvariable('events_measure'), measures) = 1) AS sessions_one_event
    FROM session
    GROUP BY day_start
), begun_day AS (
    SELECT (start_time // getvariable('day_ms') + 1) * getvariable('day_ms') AS day_end, count(*) AS begun_in_period
    FROM session
    WHERE began_in_period
    GROUP BY day_end
), heard AS (
    SELECT number, sum(events) AS accepted
    FROM tick JOIN event_day ON day_end <= events_before
    GROUP BY number
), begun AS (
    SELECT number, sum(begun_in_period) AS begun_in_period
    FROM tick JOIN begun_day ON day_end <= events_before
    GROUP BY number
), closed AS (
    SELECT
        number,
        sum(sessions_all) AS sessions_all,
        sum(sessions_in_period) AS sessions_in_period,
        sum(sessions_unassigned) AS sessions_unassigned,
        sum(sessions_one_event) AS sessions_one_event
    FROM tick JOIN due_day ON day_start < sessions_before
    GROUP BY number
)
SELECT
    number, time, ended, period_complete,
    coalesce(accepted, 0)::BIGINT AS accepted,
    coalesce(sessions_all, 0)::BIGINT AS sessions_all,
    coalesce(sessions_in_period, 0)::BIGINT AS sessions_in_period,
    coalesce(sessions_one_event, 0)::BIGINT AS sessions_one_event,
    (coalesce(begun_in_period, 0) - coalesce(sessions_in_period, 0) - coalesce(sessions_unassigned, 0))::BIGINT AS sessions_unfinished
FROM tick
LEFT JOIN heard USING (number)
LEFT JOIN begun USING (number)
LEFT JOIN closed USING (number)
ORDER BY number;
