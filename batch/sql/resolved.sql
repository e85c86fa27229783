-- At each tick, every user's resolved days of the period, and those of them with a return.
CREATE OR REPLACE TEMP TABLE resolved AS
SELECT number, listener, count(*) AS eligible, count(*) FILTER (returned) AS returned
FROM tick
JOIN user_day ON due <= days_through
GROUP BY number, listener;
