"""Quantiles by fixed bins: less than one per cent from the exact ones, and the same in stream, oracle and plain Python."""

import json
import random
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.oracle import Oracle
from livelift.quantiles import BinTable, bin_of, middle, quantiles_of, with_bins
from livelift.study import parse_study
from livelift.table_plan import encode_key
from livelift.tables import Table, TableValue
from tests.support.pure_pipeline import run_pure, run_state
from tests.unit.test_tables import WITHOUT


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_bin_is_narrow_and_bins_are_in_order(one: int, other: int) -> None:
    least, shown = bin_of(one), middle(bin_of(one))
    assert least <= one
    assert bin_of(least) == least
    assert abs(shown - one) <= one / 256
    assert bin_of(shown) == least
    assert (one <= other) <= (bin_of(one) <= bin_of(other))


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=60), st.sampled_from([0.01, 0.1, 0.5, 0.95, 0.999]))
def test_the_rank_is_that_of_the_sorted_values(values: list[int], at: float) -> None:
    table = Table({"q": TableValue(quantile="f", at=at)})
    bins: dict[bytes, list[int]] = {encode_key((0, 7)).encode(): [0]}  # a bin whose events do not meet the condition
    for value in values:
        bins.setdefault(encode_key((0, bin_of(value))).encode(), [0])[0] += 1
    found = quantiles_of("t", table, {"t.q": bins})["q"][0,]
    rank = ceil(round(at * 1000) * len(values) / 1000)
    assert found == middle(bin_of(sorted(values)[rank - 1]))


def test_columns_of_one_field_and_condition_share_their_bins() -> None:
    half, most, other = (
        TableValue(quantile="f", at=0.5),
        TableValue(quantile="f", at=0.9),
        TableValue(quantile="f", at=0.9, where={"g": "x"}),
    )
    tables = with_bins({"t": Table({"a": half, "b": most, "c": other}, window="day", by=["g"])})
    assert list(tables) == ["t", "t.a", "t.c"]
    bins = tables["t.c"]
    assert isinstance(bins, BinTable)
    assert (bins.bins, bins.window, bins.by, bins.values["count"].where) == ("f", "day", ["g"], {"g": "x"})


@pytest.mark.parametrize("at", [0.05, 0.5, 0.95])
def test_stream_and_oracle_find_the_same_at_every_tick(at: float, tmp_path: Path) -> None:
    chance = random.Random(7)
    rows = [
        {
            "user_id": chance.randrange(40),
            "created_at": f"2024-05-{chance.randrange(1, 29):02}T{chance.randrange(24):02}:00:{chance.randrange(60):02}",
            "show_duration_seconds": 1 + int(chance.lognormvariate(7, 2)),
            "user_watch_duration_seconds": chance.choice([0, 1, 255, 256, 257, 511, 512, 86_400]),
            "show_genre": chance.choice("ab"),
        }
        for _ in range(3_000)
    ]
    data = tmp_path / "streaming_data.json"
    data.write_text(json.dumps(rows))
    declared = f"""
[tables.all]
values = {{length = {{quantile = "length", at = {at}}}, watched = {{quantile = "watched", at = {at}, divide_by = 60}}}}

[tables.by_genre]
window = "week"
by = ["genre", "hour"]
rank_by = "length"
top = 5
values = {{length = {{quantile = "length", at = {at}}}, some = {{quantile = "watched", at = {at}, where = {{genre = "a"}}}}}}
"""
    study = parse_study(f"{WITHOUT}\n{declared}".encode(), "study.toml")
    run = run_pure(data, tmp_path / "cache", study, partitions=3, seed=1, tables_each=1)
    with Oracle(data, study) as oracle:
        for sums, tables in run.tables:
            assert tables == oracle.tables(None if sums.ended else sums.time)
    state = run_state(data, tmp_path / "cache", study, partitions=2)
    assert (
        min(min(count for (count,) in state.tables.groups[name].values()) for name in ("all.length", "by_genre.some"))
        > 0
    )
    lengths = sorted(row["show_duration_seconds"] for row in rows)
    (shown,) = tables["all"]
    assert shown["length"] == pytest.approx(lengths[ceil(at * len(lengths)) - 1], rel=0.005)
    assert {row["some"] is None for row in tables["by_genre"]} == {True, False}
