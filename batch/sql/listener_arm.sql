-- Where events name the arm: a user's is that of the first event in the period that names one, at (`arm_time`, `arm_row`).
CREATE OR REPLACE TABLE listener AS
WITH named AS (
    SELECT listener, first((arm, time, row) ORDER BY time, row) AS earliest
    FROM event
    WHERE arm IS NOT NULL
    GROUP BY listener
)
SELECT
    listener.listener, user_id, bucket,
    earliest[1] AS variant, earliest[2] AS arm_time, earliest[3] AS arm_row
FROM listener
LEFT JOIN named USING (listener);
