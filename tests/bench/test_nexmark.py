"""Nexmark's query 11: bids are generated as its generator does it, and counted in sessions of ten seconds."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.nexmark_bids import bids, make_bids
from bench.nexmark_q11 import STUDY, count_by_sql
from livelift.sessions import session_measures
from livelift.study import load_study
from tests.bench.test_bench import bench

EVENTS = 500_000


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return bids(EVENTS)


def test_forty_six_of_fifty_events_are_bids(table: pa.Table) -> None:
    assert len(table) == EVENTS * 46 // 50


def test_bids_come_in_order_ten_thousand_events_a_second(table: pa.Table) -> None:
    times = table["time"].cast(pa.int64()).to_numpy()
    assert (np.diff(times) >= 0).all()
    assert times[-1] - times[0] == EVENTS // 10 - 1


def test_three_of_four_bids_are_of_the_hot_bidder(table: pa.Table) -> None:
    """The second of the newest hundred persons, one person in fifty events; anybody else seldom is."""
    numbers = np.arange(EVENTS)
    newest = numbers[numbers % 50 >= 4] // 50
    hot = table["bidder"].to_numpy() == 1000 + newest // 100 * 100 + 1
    assert hot[newest >= 2000].mean() == pytest.approx(0.75, abs=0.005)


def test_other_bidders_are_new_or_the_newest_thousand(table: pa.Table) -> None:
    numbers = np.arange(EVENTS)
    newest = numbers[numbers % 50 >= 4] // 50
    ahead = table["bidder"].to_numpy() - 1000 - newest
    assert ahead.max() == 10
    assert ahead[newest > 2000].min() == -999


def test_the_seed_decides_the_bids() -> None:
    assert bids(5_000).equals(bids(5_000))
    assert not bids(5_000).equals(bids(5_000, seed=8))


def test_ten_seconds_continue_a_session_of_bids(tmp_path: Path) -> None:
    times = [0, 10_000, 20_001, 20_001, 5]
    made = {"bidder": [1, 1, 1, 1, 2], "time": pa.array(times, pa.timestamp("ms", "UTC"))}
    pq.write_table(pa.table(made), tmp_path / "bids.parquet")
    count_by_sql(tmp_path / "bids.parquet", tmp_path / "counts.parquet", 10)
    with duckdb.connect() as database:
        found = database.execute(f'FROM \'{tmp_path / "counts.parquet"}\' ORDER BY "user", "start"').fetchall()
    assert found == [("1", 0, 10_000, 10, 2), ("1", 20_001, 20_001, 0, 2), ("2", 5, 5, 0, 1)]


def test_the_study_of_bids_asks_what_the_query_asks(tmp_path: Path) -> None:
    study = load_study(str(STUDY))
    assert (study.windows.gap_seconds, session_measures(study).names) == (10, ("seconds", "bids"))
    assert pq.read_schema(make_bids(tmp_path, 100)).names == ["bidder", "time", *study.fields]


@pytest.mark.slow
def test_the_processor_counts_bids_as_duckdb_does(tmp_path: Path) -> None:
    report = bench(tmp_path, events=100_000, limit=120, program="bench.nexmark_q11")
    assert report["rows"][0]["equal_to_oracle"] is True
    assert report["bids"] == 92_000
    assert 1_500 < report["sessions"] < 2_500
