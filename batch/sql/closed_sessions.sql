-- Every session of the stream, in the order in which they are due.
SELECT user_id, variant, start_time, end_time, measures, in_period, first_in_period
FROM session
JOIN listener USING (listener)
ORDER BY due, user_id;
