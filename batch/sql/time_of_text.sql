-- The time of `said` in ms: the published form, a clock with or without an offset, or Unix time, its unit told by its digits.
-- strptime alone would take '2009-3-1', and a year 0000 that the calendar does not have.
CASE
    WHEN starts_with(said, '0000-') THEN NULL
    WHEN published THEN epoch_ms(try_strptime(said, '%Y-%m-%dT%H:%M:%SZ'))
    WHEN unix AND len(said) IN (13, 16, 19) AND NOT contains(said, '.')
    THEN (said::HUGEINT // (10 ** (len(said) - 13))::HUGEINT)::BIGINT
    WHEN unix THEN (left(said, 10) || rpad(substr(said, 12, 3), 3, '0'))::BIGINT
    WHEN clock.day <> '' AND NOT (clock.second = '' AND clock.fraction <> '') AND NOT said[-1] = ' '
    THEN if(clock.zone = '', in_zone(shown), shown) - CASE
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
END
