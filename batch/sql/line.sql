-- Every row of the file, judged. `reason` is null where the row is acceptable; the first reason that holds is given.
-- `digest` stands for the six fields in the search for duplicates: 128 bits of the whole line, compared only between
-- rows of one user and one second.
CREATE TABLE line AS
WITH decoded AS (
    SELECT row, try(decode(line)) AS text                      -- null where the bytes are not UTF-8
    FROM feed
), split AS (
    SELECT row, text, string_split(text, chr(9)) AS field
    FROM decoded
), dated AS (
    SELECT
        row, text, field,
        -- strptime alone would take '2009-3-1', and a year 0000 that the calendar does not have.
        CASE WHEN len(field) = 6
              AND regexp_full_match(field[2], '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z')
              AND NOT starts_with(field[2], '0000')
             THEN epoch_ms(try_strptime(field[2], '%Y-%m-%dT%H:%M:%SZ')) END AS time
    FROM split
)
SELECT
    row,
    CASE
        WHEN text IS NULL THEN 'encoding'
        WHEN len(field) <> 6 THEN 'columns'
        WHEN field[1] = '' THEN 'user'
        WHEN time IS NULL THEN 'date'
        WHEN time < getvariable('not_before') OR time >= getvariable('before') THEN 'out_of_range'
        WHEN time < getvariable('select_from') OR time >= getvariable('select_to') THEN 'not_selected'
    END AS reason,
    field[1] AS user_id,
    time,
    field[3] <> '' AS has_artist_id,
    CASE WHEN field[3] <> '' THEN field[3] ELSE field[4] END AS artist,
    md5_number(text) AS digest
FROM dated;
