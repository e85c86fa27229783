-- Every row of the file, judged. `reason` is null where the row is acceptable; the first reason that holds is given.
-- `digest` stands for the six fields in the search for duplicates: 128 bits of the whole line, compared only between
-- rows of one user and one moment.
CREATE TABLE line AS
WITH decoded AS (
    SELECT row, try(decode(line)) AS text                      -- null where the bytes are not UTF-8
    FROM feed
), split AS (
    SELECT row, text, string_split(text, chr(9)) AS field
    FROM decoded
), timed AS (
    SELECT
        row, text, field,
        CASE WHEN len(field) = 6 THEN field[2] END AS said,
        regexp_full_match(said, '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z') AS published,
        -- Other clocks: a space, no seconds, a fraction, an offset; without one it is UTC.
        CASE WHEN NOT published THEN regexp_extract(
            said,
            '^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?([.,][0-9]{1,9})? ?(Z|z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)?$',
            ['day', 'minute', 'second', 'fraction', 'zone']
        ) END AS clock,
        -- Unix time, by its digits: seconds, perhaps with a fraction; milli-, micro-, nanoseconds.
        NOT published AND regexp_full_match(said, '[0-9]{10}([.][0-9]{1,9})?|[0-9]{13}|[0-9]{16}|[0-9]{19}') AS unix
    FROM split
), dated AS (
    SELECT
        row, text, field,
        -- strptime alone would take '2009-3-1', and a year 0000 that the calendar does not have.
        CASE
            WHEN starts_with(said, '0000') THEN NULL
            WHEN published THEN epoch_ms(try_strptime(said, '%Y-%m-%dT%H:%M:%SZ'))
            WHEN unix AND len(said) IN (13, 16, 19) AND NOT contains(said, '.')
            THEN (said::HUGEINT // (10 ** (len(said) - 13))::HUGEINT)::BIGINT
            WHEN unix THEN (left(said, 10) || rpad(substr(said, 12, 3), 3, '0'))::BIGINT
            WHEN clock.day <> '' AND NOT (clock.second = '' AND clock.fraction <> '') AND NOT said[-1] = ' '
            THEN epoch_ms(try_strptime(
                     clock.day || ' ' || clock.minute || if(clock.second = '', ':00', clock.second), '%Y-%m-%d %H:%M:%S'
                 ))
                 + rpad(substr(clock.fraction, 2, 3), 3, '0')::BIGINT
                 - CASE
                     WHEN regexp_full_match(clock.zone, '[+-][0-9]+:?[0-9]*') THEN
                         CASE WHEN substr(clock.zone, 2, 2) || rpad(replace(substr(clock.zone, 4), ':', ''), 2, '0') <= '1400'
                               AND rpad(replace(substr(clock.zone, 4), ':', ''), 2, '0') <= '59'
                              THEN (clock.zone[1] || '1')::BIGINT * 60_000 * (
                                  60 * substr(clock.zone, 2, 2)::BIGINT
                                  + rpad(replace(substr(clock.zone, 4), ':', ''), 2, '0')::BIGINT
                              )
                         END
                     ELSE 0
                   END
        END AS time
    FROM timed
)
SELECT
    row,
    CASE
        WHEN text IS NULL THEN 'encoding'
        WHEN len(field) <> 6 THEN 'columns'
        WHEN field[1] = '' OR strlen(field[1]) > getvariable('most_user_bytes') THEN 'user'  -- strlen counts bytes
        WHEN time IS NULL THEN 'date'
        WHEN time < getvariable('not_before') OR time >= getvariable('before') THEN 'out_of_range'
        WHEN time < getvariable('select_from') OR time >= getvariable('select_to') THEN 'not_selected'
    END AS reason,
    field[1] AS user_id,
    time,
    md5_number(text) AS digest/*: line_columns */
FROM dated;
