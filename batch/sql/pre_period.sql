-- Every user's sessions before the period that are closed when it opens.
CREATE OR REPLACE TEMP TABLE pre_period AS
SELECT listener, count(*) AS pre_sessions, sum(seconds) AS pre_seconds
FROM session
WHERE start_time >= getvariable('pre_start')
  AND start_time < getvariable('period_start')
  AND due < getvariable('period_start')
GROUP BY listener;
