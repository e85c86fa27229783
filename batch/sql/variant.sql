-- Per tick, control and treatment side by side: users exposed (a closed session holds an event of the period), users
-- included, and the latter's sessions and events; and exposed users whose closed sessions name both arms.
WITH exposure AS (
    SELECT
        listener, variant,
        min(due) FILTER (first_in_period IS NOT NULL) AS due,
        min(due) FILTER (conflict) AS both_due
    FROM session JOIN listener USING (listener)
    GROUP BY listener, variant
    HAVING count(first_in_period) > 0
), seen AS (
    SELECT
        number,
        count(*) FILTER (variant = 0) AS control, count(*) FILTER (variant = 1) AS treatment,
        count(*) FILTER (both_due < sessions_before) AS in_both
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
    coalesce(events_control, 0)::BIGINT, coalesce(events_treatment, 0)::BIGINT,
    coalesce(in_both, 0)::BIGINT
FROM tick
LEFT JOIN seen USING (number)
LEFT JOIN kept USING (number)
ORDER BY number;
