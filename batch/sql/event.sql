-- Acceptable rows in numbers only, the first of equal rows kept.
CREATE TABLE event AS
SELECT listener, time, row/*: event_arm *//*: event_columns */
FROM line
JOIN listener USING (user_id)
/*: event_joins */
WHERE reason IS NULL/*: but_repeated */
QUALIFY row_number() OVER (PARTITION BY listener, time, digest ORDER BY row) = 1;
