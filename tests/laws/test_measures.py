"""Declared measures mean the same three times: compiled for the stream, in plain Python, and in the oracle's SQL."""

import json
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.arm_sql import arm_parts
from batch.database import query
from batch.measure_sql import measure_sql
from livelift.compiled_measures import FEW, CompiledMeasures
from livelift.event_time import SECOND
from livelift.measures import Between, Measure, checks
from livelift.source import LARGEST, Field
from livelift.study import load_study
from tests.support.lastfm_by_hand import LastfmMeasures

LASTFM = load_study("lastfm")
# Fields may be called as the compiled functions call what they hold.
FIELDS = {name: Field("text") for name in ("genre", "a")} | {name: Field("integer") for name in ("watched", "event")}
TEXTS, NUMBERS = ("genre", "a"), ("watched", "event")
GAP = 1800 * SECOND

texts = st.sampled_from(["", "a", "b", "a'b", "é", "0"])
numbers = st.sampled_from([0, 1, -1, 2, 30, LARGEST, -LARGEST])
gaps = st.sampled_from([0, 1, 29_999, 30_000, 30_001, 60_000, GAP])
events = st.fixed_dictionaries({"genre": texts, "a": texts, "watched": numbers, "event": numbers, "gap": gaps})


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in draw(st.lists(st.sampled_from(list(FIELDS)), max_size=2, unique=True)):
        if field in TEXTS:
            found[field] = draw(texts | st.lists(texts, min_size=1, max_size=2))
        else:
            between = (
                st.builds(Between, numbers, st.none())
                | st.builds(Between, st.none(), numbers)
                | st.builds(Between, numbers, numbers).filter(lambda one: one.at_least < one.below)
            )
            found[field] = draw(numbers | st.lists(numbers, min_size=1, max_size=2) | between)
    return found


@st.composite
def measures(draw: st.DrawFn) -> Measure:
    aggregate = draw(
        st.sampled_from(["count", "follows", "sum", "min", "max", "first", "last", "distinct", "distinct"])
    )
    where = draw(conditions())
    if aggregate == "count":
        return Measure(count="event", where=where)
    if aggregate == "follows":
        return Measure(count="event", where=where, follows_within=draw(st.sampled_from([1, 30, 60, 7200])))
    if aggregate == "distinct":
        return Measure(distinct=draw(st.sampled_from([*FIELDS, ["genre", "a"], ["a"]])), where=where)
    return Measure(**{aggregate: draw(st.sampled_from(NUMBERS))}, where=where)


declared = st.lists(measures(), max_size=5).map(
    lambda found: {"seconds": Measure(length="session")} | {f"m{number}": one for number, one in enumerate(found)}
)


def compiled(declared: dict[str, Measure], log: list[dict[str, Any]], frozen_after: int) -> tuple[int, ...]:
    """As the operator does it, with the accumulator written down and read once on the way."""
    made = CompiledMeasures(FIELDS, declared)
    start = now = 0
    accumulator: Any = None
    for row, event in enumerate(log):
        decoded = made.decode(json.dumps({"v": 1, "row": row} | event).encode())
        if accumulator is None:
            accumulator = made.begin(decoded)
        else:
            now += event["gap"]
            made.extend(accumulator, decoded, event["gap"])
        if row == frozen_after:
            accumulator = made.thaw(made.freeze(accumulator))
    return made.finish(accumulator, start, now)


def plain(measure: Measure, log: list[dict[str, Any]]) -> int:
    """The definition."""
    times = [0]
    for event in log[1:]:
        times.append(times[-1] + event["gap"])
    if measure.length:
        return (times[-1] - times[0]) // SECOND
    kept = [event for event in log if meets(event, measure.where)]
    if measure.follows_within is not None:
        return sum(
            meets(event, measure.where) and after["gap"] < measure.follows_within * SECOND
            for event, after in pairwise(log)
        )
    if measure.count:
        return len(kept)
    if isinstance(measure.distinct, list):
        return len({next(((f, e[f]) for f in measure.distinct if e[f]), "") for e in kept})
    values = [event[measure.fields[0]] for event in kept]
    if measure.distinct:
        return len(set(values))
    if not values:
        return 0
    return {"sum": sum, "min": min, "max": max, "first": lambda v: v[0], "last": lambda v: v[-1]}[measure.aggregate](
        values
    )


def meets(event: dict[str, Any], where: dict[str, Any]) -> bool:
    for field, wanted in where.items():
        value = event[field]
        if isinstance(wanted, Between):
            low = wanted.at_least is None or value >= wanted.at_least
            if not (low and (wanted.below is None or value < wanted.below)):
                return False
        elif value not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as database:
        database.execute("SET threads = 1")
        for name, value in {"gap_ms": GAP, "period_start": 0, "period_end": 1}.items():
            database.execute(f"SET VARIABLE {name} = {value}")
        yield database


def by_sql(
    database: duckdb.DuckDBPyConnection, declared: dict[str, Measure], log: list[dict[str, Any]]
) -> tuple[int, ...]:
    """The oracle's own statements from the judged rows on; nothing of them stays."""
    made = measure_sql(msgspec.structs.replace(LASTFM, fields=FIELDS, measures=declared), {f: f'"{f}"' for f in FIELDS})
    rows, time = [], 0
    for row, event in enumerate(log):
        time += event["gap"] if row else 0
        rows.append((row, time, *(event[field] for field in FIELDS)))
    database.begin()
    try:
        database.execute(
            'CREATE TABLE raw (row BIGINT, time BIGINT, "genre" VARCHAR, "a" VARCHAR, "watched" BIGINT, "event" BIGINT)'
        )
        database.executemany("INSERT INTO raw VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.execute(
            f"CREATE TABLE line AS SELECT row, NULL AS reason, 'u' AS user_id, time, row AS digest{made.line_columns} FROM raw"
        )
        database.execute("CREATE TABLE listener AS SELECT 'u' AS user_id, 1 AS listener")
        for number in made.numbered:
            database.execute(query("text", {"i": str(number)}))
        for table in ("event", "session"):
            database.execute(query(table, made.parts() | arm_parts(LASTFM)))
        ((found,),) = database.execute("SELECT measures FROM session").fetchall()
        return tuple(found)
    finally:
        database.rollback()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(declared=declared, log=st.lists(events, min_size=1, max_size=12), frozen_after=st.integers(0, 12))
def test_compiled_measures_are_the_plain_answer_and_the_oracle_s(
    database: duckdb.DuckDBPyConnection, declared: dict[str, Measure], log: list[dict[str, Any]], frozen_after: int
) -> None:
    assert [(key, fix) for key, wrong, fix in checks(FIELDS, declared) if wrong] == []
    expected = tuple(plain(measure, log) for measure in declared.values())
    assert compiled(declared, log, frozen_after) == expected
    assert by_sql(database, declared, log) == expected


@settings(max_examples=40, deadline=None, derandomize=True)
@given(declared, st.integers(0, 2**32))
def test_a_long_session_is_counted_as_exactly_and_stays_bounded(declared: dict[str, Measure], seed: int) -> None:
    chance = random.Random(seed)
    log = [
        {
            "genre": str(chance.randrange(90)),
            "a": chance.choice(["", "a"]),
            "watched": chance.randrange(-50, 50),
            "event": 1,
        }
        | {"gap": chance.randrange(60_000)}
        for _ in range(600)
    ]
    assert compiled(declared, log, 300) == tuple(plain(measure, log) for measure in declared.values())
    made = CompiledMeasures(FIELDS, declared)
    accumulator = made.begin(made.decode(json.dumps({"v": 1, "row": 0} | log[0]).encode()))
    for event in log:
        made.extend(accumulator, made.decode(json.dumps({"v": 1, "row": 0} | event).encode()), event["gap"])
    numbers = sum(
        len({str(event[f]) for event in log for f in one.fields}) for one in declared.values() if one.distinct
    )
    assert len(accumulator) <= 20 + max(FEW, 2 * numbers) + len(declared)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(texts, texts, gaps), min_size=1, max_size=200))
def test_lastfm_s_declared_measures_are_those_written_by_hand(log: list[tuple[str, str, int]]) -> None:
    """To the byte of their state: an accumulator that was written by hand can be read."""
    declared, by_hand = CompiledMeasures(LASTFM.fields, LASTFM.measures), LastfmMeasures(LASTFM)
    states: list[Any] = [None, None]
    for artist_id, artist, gap in log:
        value = json.dumps({"v": 1, "row": 1, "artist_id": artist_id, "artist": artist}).encode()
        for number, one in enumerate((declared, by_hand)):
            event = one.decode(value)
            if states[number] is None:
                states[number] = one.begin(event)
            else:
                one.extend(states[number], event, gap)
    assert declared.freeze(states[0]) == by_hand.freeze(states[1])
    assert declared.finish(states[0], 0, 99_999) == by_hand.finish(states[1], 0, 99_999)
