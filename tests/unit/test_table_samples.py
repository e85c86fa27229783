"""Live tables as samples in event time: what is over at its end, the rest as of the tick, nothing of large tables."""

import msgspec

from livelift.event_time import DAY
from livelift.table_plan import encode_key
from livelift.tables import Table, TableValue
from stats.edges.event_time_samples import EventTimeSamples
from stats.edges.redis_tables import KeptTables
from stats.edges.table_samples import Closing, exported_tables, table_samples
from tests.support.small_study import START, TABLED

COUNT = TableValue(count="event")
STUDY = msgspec.structs.replace(
    TABLED["rows"],
    tables={
        "daily": Table({"n": COUNT, "first": TableValue(min="day")}, window="day"),
        "by_artist": Table({"n": COUNT}, by=["artist", "hour"]),
        "hourly": Table({"n": COUNT}, window="hour"),
        "daily_by_artist": Table({"n": COUNT}, window="day", by=["artist"]),
        "all": Table({"n": COUNT}),
    },
)


def kept(groups: dict[str, dict[bytes, list[int]]], tick: int = START + 2 * DAY) -> KeptTables:
    return KeptTables("", tick, groups)


def key(*parts: int | str) -> bytes:
    return encode_key(parts).encode()


def values(tables: KeptTables) -> list[tuple[int, str, str, str, float]]:
    found = []
    for time, (_, labels, value) in table_samples(STUDY, tables):
        assert isinstance(value, float)
        found.append((time, labels["table"], labels["row"], labels["column"], value))
    return found


def test_which_tables_are_exported() -> None:
    assert exported_tables(STUDY) == ["daily", "by_artist", "all", "sizes", "cohorts", "retention"]


def test_a_window_is_told_at_its_end_and_once_it_is_over() -> None:
    days = {key(START + day * DAY): [day + 1, 10 + day] for day in range(3)}
    assert values(kept({"daily": days})) == [
        (START + DAY, "daily", "", "n", 1.0),
        (START + 2 * DAY, "daily", "", "n", 2.0),
    ]


def test_all_of_time_is_told_as_of_the_tick() -> None:
    groups = {"by_artist": {key(0, "x", 3): [7]}, "all": {key(0): [9]}}
    tick = START + 2 * DAY
    assert values(kept(groups)) == [(tick, "by_artist", "x · 3", "n", 7.0), (tick, "all", "all", "n", 9.0)]
    assert values(kept(groups, tick=-1)) == []


def test_a_table_of_many_rows_is_not_exported() -> None:
    many = {key(0, f"a{number}", 1): [1] for number in range(61)}
    assert values(kept({"by_artist": many})) == []
    many.popitem()
    assert len(values(kept({"by_artist": many}))) == 60


def test_a_series_only_goes_on() -> None:
    """A row that is asked for again, or is not later than what was given, adds nothing."""
    samples = EventTimeSamples(STUDY, "r1")
    first = [*table_samples(STUDY, kept({"all": {key(0): [9]}}))]
    samples.add_numbers(first)
    samples.add_numbers(first)
    text = samples.text().decode()
    assert text.count("livelift_table_value{") == 1
    assert f"9.0 {(START + 2 * DAY) / 1000}" in text
    later = [*table_samples(STUDY, kept({"all": {key(0): [10]}}, tick=START + 3 * DAY))]
    samples.add_numbers(later)
    assert samples.text(after=2).decode().count("livelift_table_value{") == 1


def test_what_is_gone_is_ended() -> None:
    """Once: a segment that everybody has left would be read as today's for ever."""
    closing, samples, day = Closing(), EventTimeSamples(STUDY, "r1"), START + 2 * DAY
    told = [
        {key(0, "x", 1): [7], key(0, "y", 1): [2]},
        {key(0, "y", 1): [3]},
        {key(0, "y", 1): [4]},
        {key(0, "x", 1): [8], key(0, "y", 1): [4]},
    ]
    daily = {key(START): [5, 1]}
    for number, groups in enumerate(told):
        points = [*table_samples(STUDY, kept({"by_artist": groups, "daily": daily}, tick=day + number * DAY))]
        samples.add_numbers([*points, *closing.closed(points, day + number * DAY)])
    lines = [line for line in samples.text().decode().splitlines() if 'row="x' in line]
    assert [line.split()[-2] for line in lines] == ["7.0", "NaN", "8.0"]
    assert sum('table="daily"' in line for line in samples.text().decode().splitlines()) == 1
