-- Per tick, control and treatment side by side: users exposed (a closed session holds an event of the period), users
-- included, and the latter's sessions and events.
WITH exposure AS (
    SELECT listener, variant, min(due) AS due
    FROM session JOIN listener USING (listener)
    WHERE first_in_period IS NOT NULL
    GROUP BY listener, variant
), seen AS (
    SELECT number, count(*) FILTER (variant = 0) AS control, count(*) FILTER (variant = 1) AS treatment
    FROM tick JOIN exposure ON due < sessions_before
    GROUP BY number
), kept AS (
    SELECT
        number,
        count(*) FILTER (variant = 0) AS users_control, count(*) FILTER (variant = 1) AS users_treatment,
        sum(sessions) FILTER (variant = 0) AS sessions_control, sum(sessions) FILTER (variant = 1) AS sessions_treatment,
        sum(measured(getvariable('events_measure'), sums)) FILTER (variant = 0) AS events_control, sum(measured(getvariable('events_measure'), sums)) FILTER (variant = 1) AS events_treatment
    FROM total
    GROUP BY number
)
SELECT
    number,
    coalesce(control, 0)::BIGINT, coalesce(treatment, 0)::BIGINT,
    coalesce(users_control, 0)::BIGINT, coalesce(users_treatment, 0)::BIGINT,
    coalesce(sessions_control, 0)::BIGINT, coalesce(sessions_treatment, 0)::BIGINT,
    coalesce(events_control, 0)::BIGINT, coalesce(events_treatment, 0)::BIGINT
FROM tick
LEFT JOIN seen USING (number)
LEFT JOIN kept USING (number)
ORDER BY number;
