"""Columns that identify an event: which row is kept, what has no such key, and what is refused."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from batch.oracle import Oracle
from livelift.errors import InputError, StudyError
from livelift.event_time import from_iso
from livelift.source import Field, Source
from livelift.study import Study, load_study, parse_study
from producer.prepare import prepare
from producer.sources import Selection, plain_tsv
from tests.support.judged_rows import by_oracle, by_producer, kept_by_oracle, kept_by_producer

LASTFM = load_study("lastfm")
replace = msgspec.structs.replace

HEAD = "who,at,order,a\n"


def study(duplicate: list[str] | None, format_: Any = "csv", **source: Any) -> Study:
    """Events of orders."""
    declared = Source(
        format=format_, file_glob="*", user="who", time="at", not_before=date(2009, 1, 1), before=date(2010, 1, 1),
        duplicate=duplicate, **source,
    )  # fmt: skip
    measures = {"seconds": LASTFM.measures["seconds"]}
    metrics = {"session_duration": LASTFM.metrics["session_duration"]}
    return replace(LASTFM, source=declared, fields={"a": Field("text")}, measures=measures, metrics=metrics, folder="")


def kept(of: Study, path: Path, text: str) -> list[int]:
    """The rows that are events, by producer and oracle alike."""
    path.write_text(text)
    rows = kept_by_producer(of, path)
    assert kept_by_oracle(of, path) == rows
    return rows


def row(order: str, a: str = "", user: str = "u", minute: int = 0) -> str:
    return f"{user},2009-03-01T12:{minute:02}:00Z,{order},{a}\n"


def test_the_first_in_the_file_is_kept_whatever_its_time(tmp_path: Path) -> None:
    text = HEAD + row("o1", "late", minute=30) + row("o1", "early", minute=10) + row("o2", minute=5)
    assert kept(study(["order"]), tmp_path / "log", text) == [2, 4]
    prepared = prepare(study(["order"]), tmp_path / "log", tmp_path / "cache")
    events = [json.loads(value) for value in pq.read_table(prepared.events)["value"].to_pylist()]
    assert [(event["row"], event["a"]) for event in events] == [(0, ""), (1, "late")]
    assert (prepared.manifest.rows, prepared.manifest.accepted, prepared.manifest.duplicates) == (3, 2, 1)
    with Oracle(tmp_path / "log", study(["order"])) as oracle:
        assert (oracle.counts().accepted, oracle.counts().duplicates) == (2, 1)


def test_a_key_identifies_whoever_the_user_is(tmp_path: Path) -> None:
    text = HEAD + row("o1", user="u1") + row("o1", user="u2") + row("o2", user="u2")
    assert kept(study(["order"]), tmp_path / "log", text) == [2, 4]
    assert kept(study(["order", "who"]), tmp_path / "log", text) == [2, 3, 4]


def test_a_user_of_duplicates_alone_is_none(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(HEAD + row("o1", user="u1") + row("o1", user="u2"))
    with Oracle(tmp_path / "log", study(["order"])) as oracle:
        assert [session.user for session in oracle.sessions()] == ["u1"]


def test_a_row_without_the_whole_key_is_judged_as_written(tmp_path: Path) -> None:
    text = HEAD + row("", "x") + row("", "x") + row("", "y") + row("", "x", minute=1) + row("o1", "x")
    assert kept(study(["order"]), tmp_path / "log", text) == [2, 4, 5, 6]
    assert kept(study(["order", "a"]), tmp_path / "log", HEAD + 2 * row("o1") + row("o1", minute=1)) == [2, 4]


def test_with_an_empty_list_every_row_counts(tmp_path: Path) -> None:
    assert kept(study([]), tmp_path / "log", HEAD + 3 * row("o1")) == [2, 3, 4]
    manifest = prepare(study([]), tmp_path / "log", tmp_path / "cache").manifest
    assert (manifest.accepted, manifest.duplicates) == (3, 0)


def test_plain_text_in_blocks_may_have_no_duplicates_either(tmp_path: Path) -> None:
    of = study([], "tsv", columns=["who", "at", "order", "a"])
    assert plain_tsv.reads(of)
    assert not plain_tsv.reads(replace(of, source=replace(of.source, duplicate=["order"])))
    assert kept(of, tmp_path / "log", 3 * row("o1").replace(",", "\t")) == [1, 2, 3]


def test_without_a_declaration_equal_rows_count_once(tmp_path: Path) -> None:
    assert kept(study(None), tmp_path / "log", HEAD + 2 * row("o1") + row("o1", minute=1)) == [2, 4]


def test_the_first_acceptable_row_is_kept(tmp_path: Path) -> None:
    text = HEAD + "u,never,o1,\n" + row("o1", user="") + row("o1") + row("o1")
    assert kept(study(["order"]), tmp_path / "log", text) == [4]


def test_of_a_selection_the_first_inside_counts(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(HEAD + row("o1", minute=1) + row("o1", minute=20) + row("o1", minute=30))
    start = from_iso("2009-03-01") + 12 * 3_600_000 + 600_000
    manifest = prepare(study(["order"]), tmp_path / "log", tmp_path / "cache", Selection(start)).manifest
    assert (manifest.accepted, manifest.duplicates, manifest.rejected) == (1, 1, {"not_selected": 1})
    with Oracle(tmp_path / "log", study(["order"]), select_from=start) as oracle:
        counts = oracle.counts()
    assert (counts.accepted, counts.duplicates, counts.rejected) == (1, 1, {"not_selected": 1})


def test_a_key_may_lie_in_an_object_and_is_no_object(tmp_path: Path) -> None:
    def line(key: object, a: str) -> str:
        return json.dumps({"who": "u", "at": "2009-03-01T12:00:00Z", "order": key, "a": a}) + "\n"

    lines = (
        line({"id": 7}, "x")
        + line({"id": "7"}, "y")
        + line({"id": None}, "x")
        + line({"id": None}, "y")
        + line({}, "z")
    )
    assert kept(study(["order.id"], "jsonl"), tmp_path / "log", lines) == [1, 3, 4, 5]
    assert kept(study(["order"], "jsonl"), tmp_path / "log", lines) == [1, 2, 3, 4, 5]


def test_keys_are_found_across_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "log2").write_text(HEAD + row("o1", "second"))
    (folder / "log1").write_text(HEAD + row("o1", "first") + row("o2"))
    of = study(["order"], several=True)
    assert kept_by_producer(of, folder) == kept_by_oracle(of, folder) == [2, 3]


def test_a_key_that_the_file_lacks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(HEAD + row("o1"))
    for read in (by_producer, by_oracle):
        with pytest.raises(InputError, match="'order_id'"):
            read(study(["order_id"]), tmp_path / "log")


def test_another_key_is_another_cache(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(HEAD + row("o1") + row("o1", minute=1))
    found = [prepare(study(key), tmp_path / "log", tmp_path / "cache") for key in (None, [], ["order"])]
    assert len({prepared.folder for prepared in found}) == 3
    assert [prepared.manifest.accepted for prepared in found] == [2, 2, 1]


@pytest.mark.parametrize("value", ['[""]', '["track", "track"]', '["order"]'])
def test_a_wrong_declaration_names_its_key(value: str) -> None:
    text = Path("studies/lastfm/study.toml").read_text()
    with pytest.raises(StudyError, match=r"key 'source\.duplicate'") as refused:
        parse_study(text.replace("[source]", f"[source]\nduplicate = {value}", 1).encode(), "mine.toml")
    assert refused.value.fix
    good = parse_study(text.replace("[source]", '[source]\nduplicate = ["track"]', 1).encode(), "mine.toml")
    assert good.source.duplicate == ["track"]
