-- Artists by id, else by name: an id and a name that read the same are two artists.
CREATE TABLE artist AS
SELECT (row_number() OVER ())::INTEGER AS artist_number, has_artist_id, artist
FROM (SELECT DISTINCT has_artist_id, artist FROM line WHERE reason IS NULL);
