"""What can be wrong with a declared table is refused with its key and the fix; a table's rows as a person reads them."""

import json
import re
from pathlib import Path

import pytest

from batch.oracle import Oracle
from livelift.errors import StateError, StudyError
from livelift.output_log import GroupChange, encode
from livelift.study import load_study, parse_study
from livelift.table_plan import decode_key, encode_key, table_plans
from livelift.tables import Table, TableValue
from processor.table_changes import TableShard, encode_shard
from tests.support.pure_pipeline import run_pure
from tests.unit.test_command_line import livelift, refused

TEXT = Path("tests/studies/viewings/study.toml").read_text(encoding="utf-8")
WITHOUT = TEXT[: TEXT.index("[tables.")]


@pytest.mark.parametrize(
    ("declared", "key", "fix"),
    [
        ('[tables.Daily]\nvalues = {n = {count = "event"}}', "tables.Daily", "lower-case letters"),
        ("[tables.t]\nvalues = {}", "tables.t.values", "declare a column"),
        ('[tables.t]\nwindow = "year"\nvalues = {n = {count = "event"}}', "tables.t.window", "hour, day, week, month, all"),
        ('[tables.t]\nby = ["place"]\nvalues = {n = {count = "event"}}', "tables.t.by", "watched, length, genre"),
        ('[tables.t]\nby = ["genre", "genre"]\nvalues = {n = {count = "event"}}', "tables.t.by", "once"),
        ('[tables.t]\nwindow = "hour"\nby = ["hour"]\nvalues = {n = {count = "event"}}', "tables.t.by", "once"),
        ('[tables.t]\nby = ["genre"]\nvalues = {genre = {count = "event"}}', "tables.t.values", "no column the name of a key"),
        ('[tables.t]\nvalues = {n = {count = "event", sum = "watched"}}', "tables.t.values.n", "one of: count"),
        ("[tables.t]\nvalues = {n = {}}", "tables.t.values.n", "one of: count"),
        ('[tables.t]\nvalues = {n = {sum = "genre"}}', "tables.t.values.n.sum", "use one of: watched, length"),
        ('[tables.t]\nvalues = {n = {mean = "place"}}', "tables.t.values.n.mean", "use one of: watched, length"),
        ('[tables.t]\nvalues = {n = {distinct = "genre"}}', "tables.t.values.n.distinct", "user"),
        ('[tables.t]\nvalues = {n = {distinct = "user", where = {genre = "x"}}}', "tables.t.values.n.where", "leave it out"),
        ('[tables.t]\nvalues = {n = {count = "event", where = {place = "x"}}}', "tables.t.values.n.where.place", "genre"),
        ('[tables.t]\nvalues = {n = {count = "event", where = {genre = 1}}}', "tables.t.values.n.where.genre", "text"),
        ('[tables.t]\nvalues = {n = {count = "event", divide_by = 0}}', "tables.t.values.n.divide_by", "use 1 to"),
        ('[tables.t]\nvalues = {n = {count = "event", times = 0}}', "tables.t.values.n.times", "use 1 to"),
        ('[tables.t]\nvalues = {n = {mean = ["watched"]}}', "tables.t.values.n.mean", "name two integer fields"),
        ('[tables.t]\nvalues = {n = {mean = ["length", "watched"]}}', "tables.t.values.n.mean", "'watched' a minimum of 1"),
        ('[tables.t]\nvalues = {n = {mean = "watched", at_most = 1}}', "tables.t.values.n.at_most", "two fields"),
        ('[tables.t]\nvalues = {n = {mean = ["watched", "length"], at_most = 0}}', "tables.t.values.n.at_most", "1 or more"),
        ('[tables.t]\nvalues = {n = {ratio = ["a", "b"]}}', "tables.t.values.n.ratio", "columns above it"),
        ('[tables.t]\nvalues = {n = {count = "event"}, r = {ratio = ["n"]}}', "tables.t.values.r.ratio", "two earlier"),
        ('[tables.t]\nvalues = {n = {quantile = "genre", at = 0.5}}', "tables.t.values.n.quantile", "watched, length"),
        ('[tables.t]\nvalues = {n = {quantile = "watched"}}', "tables.t.values.n.at", "between 0 and 1"),
        ('[tables.t]\nvalues = {n = {quantile = "watched", at = 1.0}}', "tables.t.values.n.at", "between 0 and 1"),
        ('[tables.t]\nvalues = {n = {quantile = "watched", at = 1e-320}}', "tables.t.values.n.at", "6 decimals"),
        ('[tables.t]\nvalues = {n = {mean = "watched", at = 0.5}}', "tables.t.values.n.at", "with quantile"),
        ('[users.values]\nn = {quantile = "watched", at = 0.5}', "users.values", "in [tables]"),
        ('[tables.t]\nrank_by = "m"\nvalues = {n = {count = "event"}}', "tables.t.rank_by", "use one of: n"),
        ('[tables.t]\ntop = 3\nvalues = {n = {count = "event"}}', "tables.t.top", "rank_by"),
        ('[tables.t]\nrank_by = "n"\ntop = -1\nvalues = {n = {count = "event"}}', "tables.t.top", "0 (all rows)"),
        ('[tables.t]\ncolour = "red"\nvalues = {n = {count = "event"}}', "tables.t", "use one of"),
        ('[tables.t]\nby = "genre"\nvalues = {n = {count = "event"}}', "tables.t.by", "docs/14-tables.md"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused(declared: str, key: str, fix: str) -> None:
    with pytest.raises(StudyError) as error:
        parse_study(f"{WITHOUT}\n{declared}\n".encode(), "study.toml")
    assert re.search(rf"key '{re.escape(key)}'", error.value.what), error.value.what
    assert fix in f"{error.value.what} {error.value.fix}"


def test_tables_need_declared_measures() -> None:
    lastfm = Path("studies/lastfm/study.toml").read_text(encoding="utf-8")
    without = lastfm[: lastfm.index("[measures]")] + lastfm[lastfm.index("[experiment]") :]
    with pytest.raises(StudyError, match="tables"):
        parse_study(f'{without}\n[tables.t]\nvalues = {{n = {{count = "event"}}}}\n'.encode(), "study.toml")


def test_rows_are_in_the_order_of_windows_and_keys_or_of_the_rank() -> None:
    values = {
        "n": TableValue(count="event"),
        "low": TableValue(min="x"),
        "half": TableValue(mean="x", where={"x": 1}, divide_by=2),
    }
    by_key = Table(values, window="day", by=["k"])
    by_rank = Table(values, window="day", by=["k"], rank_by="low", top=2)
    plans = table_plans({"by_key": by_key, "by_rank": by_rank})
    day = 86_400_000
    groups = {(day, 10): [4, 7, 8, 2], (day, 9): [1, 7, 3, 1], (0, 2): [2, 2**63 - 1, 0, 0], (day, 11): [5, 9, 9, 1]}
    keyed = {encode_key(key).encode(): group for key, group in groups.items()}
    rows = plans["by_key"].rows(keyed)
    assert [(row["day"], row["k"]) for row in rows] == [
        ("1970-01-01", 2), ("1970-01-02", 9), ("1970-01-02", 10), ("1970-01-02", 11),
    ]  # fmt: skip
    assert rows[0] == {"day": "1970-01-01", "k": 2, "n": 2, "low": None, "half": None}
    assert rows[2] == {"day": "1970-01-02", "k": 10, "n": 4, "low": 7, "half": 2.0}
    assert [(row["day"], row["k"]) for row in plans["by_rank"].rows(keyed)] == [
        ("1970-01-01", 2), ("1970-01-02", 11), ("1970-01-02", 9),
    ]  # fmt: skip


def test_a_group_has_one_name() -> None:
    key = ("t", 5, 'a"\n\u2028', -3)
    assert decode_key(encode_key(key)) == list(key)


def test_what_is_asked_for_wrongly_is_refused(tmp_path: Path) -> None:
    refused(livelift(tmp_path, "tables", "nope"), "declares no tables")
    study = str(Path("tests/studies/viewings").absolute())
    refused(livelift(tmp_path, "tables", "nope", "--study", study), "no table 'nope'", "daily")
    refused(livelift(tmp_path, "tables", "daily", "--study", study), "there is no verdict yet")


def test_a_long_text_is_a_key_by_its_beginning(tmp_path: Path) -> None:
    """In the stream and in the batch; two such texts are one row."""
    rows = [{"user_id": str(n), "created_at": f"2024-05-0{n + 1}T10:00:00", "show_duration_seconds": 60,
             "user_watch_duration_seconds": 30, "show_genre": "é" * 200 + str(n) * n * 1000} for n in range(3)]  # fmt: skip
    data = tmp_path / "streaming_data.json"
    data.write_text(json.dumps(rows))
    study = load_study("tests/studies/viewings")
    live = run_pure(data, tmp_path / "cache", study, partitions=2).tables[-1][1]
    with Oracle(data, study) as oracle:
        assert live == oracle.tables()
    assert [(row["genre"], row["users"]) for row in live["weekly"]] == [("é" * 200, 3)]


def test_a_sum_of_a_group_that_leaves_64_bits_is_named() -> None:
    with pytest.raises(StateError, match="a sum of the group"):
        encode(GroupChange(5, 1, '["t",0]', (2**64,)))
    with pytest.raises(StateError, match="a sum of a table"):
        encode_shard(TableShard(groups=[('["t",0]', [2**64])]))
