-- Acceptable rows in numbers only, the first of equal rows kept.
CREATE TABLE event AS
SELECT listener, time, row, artist_number
FROM line
JOIN listener USING (user_id)
JOIN artist USING (has_artist_id, artist)
WHERE reason IS NULL
QUALIFY row_number() OVER (PARTITION BY listener, time, digest ORDER BY row) = 1;
