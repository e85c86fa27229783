"""The batch oracle's SQL equals the definitions written as plain loops, on random small inputs."""

from datetime import date
from math import fsum
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.oracle import Oracle
from livelift.errors import InputError
from livelift.event_time import DAY, SECOND, to_iso
from livelift.study import load_study
from livelift.tick_sums import TickSums
from tests.golden.brute_force import Stream, Tick, read

LASTFM = load_study("lastfm")
SHORT = msgspec.structs.replace(
    LASTFM,
    experiment=msgspec.structs.replace(
        LASTFM.experiment, period_end=date(2009, 3, 5), pre_period_days=2, minimum_sessions=2
    ),
)
"""Four days, two before, two sessions to be included: a few rows already reach every rule."""

START, END = SHORT.experiment.start_ms, SHORT.experiment.end_ms

GAPS = [0, 1, 29, 30, 600, 1799, 1800, 1801, 7_000, 43_200, 86_400, 100_000]
"""Seconds between one play and the next, with the edges of every rule."""

EDGES = [START - 2 * DAY, START - DAY, START, START + DAY, END - DAY, END, END + DAY]

SPOILED = [
    b"",
    b"\r",
    b"user_000001\t2009-03-02T10:00:00Z\tx",
    b"user_000001\t2009-02-30T10:00:00Z\t\tA\t\tt",
    b"\t2009-03-02T10:00:00Z\t\tA\t\tt",
    b"user_000001\t2013-03-02T10:00:00Z\t\tA\t\tt",
    b"user_000001\t2009-03-02T10:00:00Z\t\t\xff\t\tt",
]


@st.composite
def walks(draw: st.DrawFn) -> list[bytes]:
    """One user's rows, from a start near an edge on, one gap after another."""
    user = f"user_{draw(st.sampled_from([1, 2, 5, 7])):06d}"  # two of each variant
    time = draw(st.sampled_from(EDGES)) + SECOND * draw(st.sampled_from([-1801, -1800, -1, 0, 40_000]))
    rows = []
    gaps = draw(st.lists(st.sampled_from(GAPS), min_size=1, max_size=10))
    for gap in [1800] * draw(st.sampled_from([0, 0, 0, 0, 47, 48, 60])) + gaps:  # sessions longer than a day
        artist_id, name = draw(st.sampled_from(["", "a", "b"])), draw(st.sampled_from(["a", "A\x00", "é"]))
        track, end = draw(st.sampled_from(["t", "u"])), draw(st.sampled_from(["", "", "", "\r"]))
        rows.append(f"{user}\t{to_iso(time)}\t{artist_id}\t{name}\t\t{track}{end}".encode())
        time += gap * SECOND
    return rows


@st.composite
def files(draw: st.DrawFn) -> bytes:
    rows = [row for walk in draw(st.lists(walks(), min_size=1, max_size=12)) for row in walk]
    rows += draw(st.lists(st.sampled_from([*SPOILED, *rows]), max_size=6))
    return b"\n".join(draw(st.permutations(rows))) + draw(st.sampled_from([b"\n", b""]))


selections = st.none() | st.sampled_from([START + DAY, END, END + DAY])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    data=files(),
    select_from=st.none() | st.just(START - DAY),
    select_to=selections,
    wait_days=st.sampled_from([0, 1, 2]),
)
def test_counts_sessions_days_and_ticks_equal_the_plain_loops(
    data: bytes, select_from: int | None, select_to: int | None, wait_days: int
) -> None:
    study = msgspec.structs.replace(SHORT, experiment=msgspec.structs.replace(SHORT.experiment, wait_days=wait_days))
    stream = read(data, study, select_from, select_to)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "input.tsv"
        file.write_bytes(data)
        with Oracle(file, study, select_from=select_from, select_to=select_to) as oracle:
            assert_reading(oracle, stream)
            if not stream.plays:
                with pytest.raises(InputError):
                    oracle.ticks()
                return
            ticks = oracle.ticks()
            assert [tick.time for tick in ticks] == [*stream.tick_times(), stream.last]
            for tick in ticks[:-1]:
                assert not tick.ended
                assert tick.period_complete == stream.complete_at(tick.time)
                assert tick.sessions_unfinished == stream.unfinished_at(tick.time)
                assert_tick(tick, Tick(stream, tick.time))
            assert ticks[-1].ended
            assert ticks[-1].period_complete == (max(stream.last, stream.covered_to) >= END)
            assert ticks[-1].sessions_unfinished == stream.unfinished_at(None)
            assert_tick(ticks[-1], Tick(stream, None))


def assert_reading(oracle: Oracle, stream: Stream) -> None:
    counts = oracle.counts()
    assert (counts.rows, counts.accepted) == (stream.rows, len(stream.times))
    assert (counts.rejected, counts.duplicates, counts.late) == (dict(stream.rejected), stream.duplicates, 0)
    found = [(s.user, s.start, s.end, s.measures, s.in_period, s.first_in_period) for s in oracle.sessions()]
    assert found == [
        (s.user, s.start, s.end, {name: s.measure(name) for name in SHORT.measures}, s.in_period, s.first_in_period)
        for s in stream.sessions
    ]
    expected = [(u, *day) for u in stream.plays for day in stream.resolved_days(u, stream.last)]
    assert [(day.user, day.day, day.returned) for day in oracle.user_days()] == sorted(
        expected, key=lambda row: (row[1], row[0])
    )


def assert_tick(found: TickSums, expected: Tick) -> None:
    counts = found.counts
    assert counts.accepted == expected.accepted
    assert counts.rows == counts.accepted + sum(counts.rejected.values()) + counts.duplicates
    in_period = [run for run in expected.closed if run.in_period]
    assert found.sessions_all == len(expected.closed)
    assert found.sessions_in_period == len(in_period)
    assert found.sessions_one_event == sum(len(run.plays) == 1 for run in in_period)
    for arm in (0, 1):
        runs = expected.runs(arm)
        assert found.exposed[arm] == len(expected.exposed(arm))
        assert found.included[arm] == len(expected.users(arm))
        assert (found.sessions[arm], found.events and found.events[arm]) == (
            len(runs),
            sum(len(run.plays) for run in runs),
        )
        for name in SHORT.metrics:
            assert_metric(found, expected, name, arm)


def assert_metric(found: TickSums, expected: Tick, name: str, arm: int) -> None:
    sample = expected.sample(name, arm)
    moments = found.classic[name][arm]
    mean = sum(sample) / max(1, len(sample))
    assert moments.n == len(sample)
    assert moments.mean == pytest.approx(float(mean), rel=1e-12)
    assert moments.m2 == pytest.approx(fsum((x - mean) ** 2 for x in sample), rel=1e-12, abs=1e-28)

    sums = np.zeros((SHORT.statistics.buckets, 6), np.int64)
    for bucket, y, x in expected.units(name, arm):
        sums[bucket] += (1, y, y * y, x, x * x, x * y)
    assert np.array_equal(found.users[name][arm], sums)

    assert (name in found.ratios) == (SHORT.metrics[name].denominator in ("sessions", *SHORT.measures))
    if name in found.ratios:
        rows = [(1, s, m, s * s, m * m, s * m) for _, s, m in expected.fractions(name, arm)]
        assert found.ratios[name][arm] == tuple(np.array(rows, np.int64).reshape(-1, 6).sum(axis=0).tolist())

    of_everybody = SHORT.metrics[name].denominator in ("users", "")  # "": retention
    over_exposed = of_everybody or name == SHORT.decision.primary
    assert (name in found.exposed_sums) == over_exposed
    if over_exposed:
        rows = [(1, y, y * y, x, x * x, x * y) for y, x in expected.exposed_units(name, arm)]
        assert found.exposed_sums[name][arm] == tuple(np.array(rows, np.int64).reshape(-1, 6).sum(axis=0).tolist())
