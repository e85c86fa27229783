-- The anchor days whose later day the stream reached the end of, in the order in which they are due.
SELECT user_id, variant, retention, day, returned
FROM user_day
JOIN listener USING (listener)
WHERE due <= (SELECT max(time) FROM event)
ORDER BY due, user_id, retention;
