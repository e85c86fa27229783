-- Every row of the input, judged. `reason` is null where the row is acceptable; the first reason that holds is given.
-- `digest` stands for the row as written in the search for duplicates: 128 bits, compared only between rows of one user and
-- one moment. `event_key`, where a study declares one, is compared between all rows.
CREATE TABLE line AS
WITH raw AS (
    /*: raw */
), timed AS (
    SELECT
        *,
        regexp_full_match(said, '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z') AS published,
        -- Other clocks: a space, no seconds, a fraction, an offset.
        CASE WHEN NOT published THEN regexp_extract(
            said,
            '^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?([.,][0-9]{1,9})? ?(Z|z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)?$',
            ['day', 'minute', 'second', 'fraction', 'zone']
        ) END AS clock,
        -- Unix time, by its digits: seconds, perhaps with a fraction; milli-, micro-, nanoseconds.
        NOT published AND regexp_full_match(said, '[0-9]{10}([.][0-9]{1,9})?|[0-9]{13}|[0-9]{16}|[0-9]{19}') AS unix
    FROM raw
), clocked AS (
    SELECT
        *,
        -- What the clock shows, as if it were UTC.
        CASE WHEN clock.day <> '' THEN
            epoch_ms(try_strptime(
                clock.day || ' ' || clock.minute || if(clock.second = '', ':00', clock.second), '%Y-%m-%d %H:%M:%S'
            )) + rpad(substr(clock.fraction, 2, 3), 3, '0')::BIGINT
        END AS shown
    FROM timed
), dated AS (
    SELECT row, broken, digest, user_id, /*: time */ AS time/*: event_key *//*: values */
    FROM clocked
)
SELECT
    row,
    CASE
        WHEN broken IS NOT NULL THEN broken
        WHEN user_id IS NULL OR user_id = '' OR strlen(user_id) > getvariable('most_user_bytes') THEN 'user'  -- in bytes
        WHEN time IS NULL THEN 'date'
        WHEN time < getvariable('not_before') OR time >= getvariable('before') THEN 'out_of_range'
        /*: rules */
        WHEN time < getvariable('select_from') OR time >= getvariable('select_to') THEN 'not_selected'
    END AS reason,
    user_id,
    time,
    digest/*: event_key *//*: line_arm *//*: line_columns */
FROM dated;
