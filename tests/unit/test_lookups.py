"""Tables that are joined to events: where they are found, what is refused, and what a changed one leads to."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.study import check
from livelift.errors import InputError, StudyError
from livelift.lookups import Lookup
from livelift.source import Field, Source
from livelift.study import Study, load_study, parse_study
from producer.cache import Prepared
from producer.draft import write_draft
from producer.prepare import prepare
from producer.report import Report
from producer.sample import take_sample
from producer.sources.finding import find
from tests.support.judged_rows import by_oracle, by_producer

LASTFM = load_study("lastfm")
replace = msgspec.structs.replace

HEAD = "who,at,content\n"
EVENTS = HEAD + "".join(f"u,2009-03-01T12:0{n}:00Z,{content}\n" for n, content in enumerate(["c1", "c2", "", "c9"]))
TABLE = "content_id,genre,length\nc1,pop,90\nc2,,x\n"

GENRE = {"genre": Field("text", lookup="content")}


def study(fields: dict[str, Field] = GENRE, folder: str = "", **lookup: Any) -> Study:
    """Events in CSV joined with a table of contents."""
    source = Source(
        format="csv", file_glob="*", user="who", time="at", not_before=date(2009, 1, 1), before=date(2010, 1, 1)
    )
    given = {"file": "content.csv", "format": "csv", "key": "content_id", "by": "content"} | lookup
    return replace(LASTFM, source=source, fields=fields, lookups={"content": Lookup(**given)}, folder=folder)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "events.csv").write_text(EVENTS)
    return folder / "events.csv"


def judged(of: Study, events: Path) -> list[Any]:
    """Each row's reason, or the values of its fields; both sides alike."""
    rows, _ = by_producer(of, events)
    assert by_oracle(of, events)[0] == rows
    return [row[0] or row[3] for _, row in sorted(rows.items())]


def beside(events: Path, table: str | bytes, name: str = "content.csv") -> Path:
    file = events.parent / name
    file.write_bytes(table if isinstance(table, bytes) else table.encode())
    return file


def test_an_event_gets_the_column_of_its_row(events: Path) -> None:
    beside(events, TABLE)
    assert judged(study(), events) == [("pop",), ("",), "genre.lookup", "genre.lookup"]


def test_a_default_stands_for_a_missing_row_and_an_empty_cell(events: Path) -> None:
    beside(events, TABLE)
    fields = {"genre": Field("text", lookup="content", default="none")}
    assert judged(study(fields), events) == [("pop",), ("none",), ("none",), ("none",)]


def test_the_rules_of_a_field_hold_for_a_joined_value(events: Path) -> None:
    beside(events, TABLE)
    fields = {"minutes": Field("integer", lookup="content", column="length", minimum=100, default=100)}
    assert judged(study(fields), events) == ["minutes.minimum", "minutes.type", (100,), (100,)]


def test_a_table_of_users_is_joined_by_the_user(events: Path) -> None:
    beside(events, "id,arm\nu,blue\n")
    fields = {"arm": Field("text", lookup="content")}
    assert judged(study(fields, key="id", by="who"), events) == 4 * [("blue",)]


def test_equal_rows_of_a_key_are_one(events: Path) -> None:
    beside(events, TABLE + "c1,pop,90\n")
    assert judged(study(), events)[0] == ("pop",)


def test_keys_are_compared_as_texts(events: Path) -> None:
    events.write_text(HEAD + "".join(f"u,2009-03-01T12:05:00Z,{key}\n" for key in ("7", "7.0", "07", " 7")))
    beside(events, '{"content_id": 7, "genre": "pop"}', "content.json")
    of = study({"genre": Field("text", lookup="content", default="-")}, file="content.json", format="jsonl")
    assert judged(of, events) == [("pop",), ("-",), ("-",), ("-",)]


def test_a_key_that_is_an_object_breaks_the_type(events: Path) -> None:
    events.write_text('{"who": "u", "at": "2009-03-01T12:05:00Z", "content": {"id": "c1"}}\n')
    beside(events, TABLE)
    fields = {"genre": Field("text", lookup="content", default="none")}
    nested = replace(study(fields), source=replace(study().source, format="jsonl"))
    assert judged(nested, events) == ["genre.type"]
    assert judged(replace(nested, lookups={"content": replace(nested.lookups["content"], by="content.id")}), events) == [("pop",)]  # fmt: skip


def test_a_parquet_table_may_have_numbers_as_keys(events: Path) -> None:
    events.write_text(HEAD + "u,2009-03-01T12:05:00Z,12\n")
    pq.write_table(pa.table({"content_id": [11, 12], "genre": ["a", "b"], "length": [1.5, None]}), events.parent / "t")
    assert judged(study(file="t", format="parquet"), events) == [("b",)]


# Where the table is.


def test_a_table_beside_the_data_comes_before_the_study_s(events: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "content.csv").write_text(TABLE.replace("pop", "jazz"))
    of = study({"genre": Field("text", lookup="content", default="")}, str(mine))
    assert judged(of, events)[0] == ("jazz",)
    beside(events, TABLE)
    assert judged(of, events)[0] == ("pop",)


def in_tar(text: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("other.csv", "folder/content.csv"):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return packed.getvalue()


@pytest.mark.parametrize(("name", "pack"), [("content.csv.gz", gzip.compress), ("content.csv", in_tar)])
def test_a_table_may_be_packed(name: str, pack: Callable[[bytes], bytes], events: Path) -> None:
    beside(events, pack(TABLE.encode()), name)
    assert judged(study(), events)[0] == ("pop",)


def test_a_table_is_not_taken_for_the_input(events: Path) -> None:
    text = Path("studies/lastfm/study.toml").read_text()
    text = text.replace("[measures]", 'genre = {type = "text", lookup = "content"}\n\n[measures]', 1)
    text += '\n[lookups.content]\nfile = "content.tsv"\nformat = "csv"\nkey = "content_id"\nby = "artist"\n'
    text = text.replace(f'file_glob = "{LASTFM.source.file_glob}"', 'file_glob = "*.tsv"')
    beside(events, TABLE, "content.tsv.gz")
    beside(events, TABLE, "content.tsv")
    log = beside(events, "", "content.tsv-log.tsv")
    assert find(events.parent, parse_study(text.encode(), "study.toml")) == log


# What is refused, by the producer and by the oracle.

FAULTS: dict[str, tuple[str | None, dict[str, Any], str]] = {
    "no table": (None, {}, r"there is no content\.csv in .*data"),
    "another row of a key": (TABLE + "c1,jazz,90\n", {}, r"key 'c1' .* 2 (and|to row) 4"),
    "a row that differs where no field reads": (TABLE + "c1,pop,91\n", {}, r"key 'c1'"),
    "no key": (TABLE + ",jazz,1\n", {}, "row 4 has no key in its column 'content_id'"),
    "no key column": (TABLE, {"key": "id"}, "'id'"),
    "no column of a field": (TABLE.replace("genre", "kind"), {}, "'genre'"),
    "a column twice": (TABLE.replace("length", "genre"), {}, "'genre'"),
    "a row with too few columns": (TABLE + "c3,pop\n", {}, "row 4 cannot be read"),
    "wrong quotes": (TABLE + 'c3,"p"op,1\n', {}, "row 4 cannot be read"),
    "no row": ("content_id,genre,length\n", {}, "no row"),
    "nothing": ("", {}, "empty|no row|columns"),
    "no JSON": ("c1\n", {"format": "jsonl"}, "row 1 cannot be read"),
    "no value in JSON": ('{"content_id": "c1", "kind": "pop"}\n', {"format": "jsonl"}, "no row has a value in 'genre'"),
    "an object as key": ('[{"content_id": {}, "genre": "pop"}]', {"format": "json"}, "row 1 has no key"),
    "no array": ("17", {"format": "json"}, "no JSON array"),
    "no Parquet": (TABLE, {"format": "parquet"}, "cannot be read as Parquet"),
    "a zip archive": ("PK\x03\x04", {}, "zip archive"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_table_that_cannot_be_used_is_refused(fault: str, events: Path) -> None:
    table, lookup, words = FAULTS[fault]
    if table is not None:
        beside(events, table)
    for read in (by_producer, by_oracle):
        with pytest.raises(InputError, match=words) as refused:
            read(study(**lookup), events)
        assert refused.value.what.startswith("lookup 'content': ")
        assert refused.value.fix


def test_a_folder_in_place_of_a_table_is_refused(events: Path) -> None:
    (events.parent / "content.csv").mkdir()
    for read in (by_producer, by_oracle):
        with pytest.raises(InputError, match=r"content\.csv is no file"):
            read(study(), events)


def test_an_events_column_that_is_not_there_is_refused(events: Path) -> None:
    beside(events, TABLE)
    fields = {"genre": Field("text", lookup="content", default="")}
    for read in (by_producer, by_oracle):
        with pytest.raises(InputError, match="'film'"):
            read(study(fields, by="film"), events)


@pytest.mark.parametrize("limit", ["MOST_ROWS", "MOST_BYTES"])
def test_a_table_too_large_for_memory_is_refused(limit: str, events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside(events, TABLE)
    for module in ("producer.sources.lookup_tables", "batch.lookups"):
        monkeypatch.setattr(f"{module}.{limit}", 1)
    for read in (by_producer, by_oracle):
        with pytest.raises(InputError, match="has more than"):
            read(study(), events)


def test_a_file_too_large_is_not_even_read(events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside(events, TABLE)
    monkeypatch.setattr("livelift.lookups.MOST_BYTES", 10)
    for read in (by_producer, by_oracle):
        with pytest.raises(InputError, match="too large for a table"):
            read(study(), events)


# A wrong declaration.

GOOD = """
[fields]
genre = {type = "text", lookup = "content"}
artist_id = {type = "text"}
artist = {type = "text"}

[lookups.content]
file = "content.csv"
format = "csv"
key = "content_id"
by = "track"

[measures]"""


def declared(old: str, new: str) -> Study:
    text = Path("studies/lastfm/study.toml").read_text()
    text = text[: text.index("[fields]")] + GOOD.strip() + text[text.index("[measures]") + len("[measures]") :]
    assert old in text
    return parse_study(text.replace(old, new, 1).encode(), "mine.toml")


def test_the_declaration_is_read() -> None:
    assert declared("by", "by").lookups["content"].key == "content_id"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('lookup = "content"', 'lookup = "films"', "fields.genre.lookup"),
        (', lookup = "content"', "", "fields.genre"),
        ("[lookups.content]", "[lookups.Content]", "lookups.Content"),
        ('file = "content.csv"', 'file = "../content.csv"', "lookups.content.file"),
        ('file = "content.csv"', 'file = ""', "lookups.content.file"),
        ('file = "content.csv"\n', "", "lookups.content"),
        ('file = "content.csv"', f'file = "{LASTFM.source.file_glob}"', "lookups.content.file"),
        ('format = "csv"', 'format = "xlsx"', "lookups.content.format"),
        ('format = "csv"', 'format = "csv"\nrows = 3', "lookups.content"),
        ('key = "content_id"', 'key = ""', "lookups.content.key"),
        ('key = "content_id"', 'key = "id"\ncolumns = ["content_id", "genre"]', "lookups.content.key"),
        ('key = "content_id"', 'key = "content_id"\ncolumns = ["content_id", "kind"]', "fields.genre"),
        ('key = "content_id"', 'key = "content_id"\ndelimiter = "::"', "lookups.content.delimiter"),
        ('format = "csv"', 'format = "json"\ncolumns = ["content_id"]', "lookups.content.columns"),
        ('by = "track"', 'by = ""', "lookups.content.by"),
        ('by = "track"', 'by = "film"', "lookups.content.by"),
        ('artist = {type = "text"}', 'artist = {type = "text"}\n[lookups.more]\nfile = "m"\nformat = "csv"\nkey = "a"\nby = "track"', "lookups.more"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_names_its_key(old: str, new: str, key: str) -> None:
    with pytest.raises(StudyError, match=rf"mine\.toml: key '{key}'") as refused:
        declared(old, new)
    assert refused.value.fix


# A changed table is another input.


def prepared(of: Study, events: Path) -> Prepared:
    return prepare(of, events, events.parent.parent / "cache")


def test_a_changed_table_is_another_input_whose_old_cache_goes(events: Path) -> None:
    table = beside(events, TABLE)
    before = prepared(study(), events)
    status = table.stat()
    assert prepared(study(), events).folder == before.folder
    table.write_text(TABLE.replace("pop", "ska"))
    os.utime(table, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = prepared(study(), events)
    assert b'"genre":"ska"' in pq.read_table(after.events)["value"][0].as_py()
    assert not before.folder.exists()


def test_a_copied_table_is_the_same_input(events: Path) -> None:
    table = beside(events, TABLE)
    before = prepared(study(), events)
    table.unlink()
    beside(events, TABLE)
    assert prepared(study(), events).folder == before.folder


def test_a_table_that_changes_while_it_is_read_is_refused(events: Path) -> None:
    table = beside(events, TABLE)

    def change(_: Report) -> None:
        table.write_text(TABLE.replace("pop", "ska"))

    with pytest.raises(InputError, match="or a table of the study's lookups, changed while it was read"):
        prepare(study(), events, events.parent.parent / "cache", report=change)


def test_a_sample_says_how_many_events_found_their_key(events: Path) -> None:
    beside(events, TABLE)
    sample = take_sample(study(), events)
    assert sample.keys == {"content": (2, 4, 2)}
    assert sample.examples["genre.lookup"][1].startswith("the lookup 'content' has no row for its column 'content'")


def test_the_check_of_a_study_shows_its_lookups(
    events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_draft("mine", events, tmp_path / "mine")
    declaration = tmp_path / "mine" / "study.toml"
    joined = 'genre = {type = "text", lookup = "content", default = "-"}\n\n[lookups.content]\nfile = "content.csv"\nformat = "csv"\nkey = "content_id"\nby = "content"\n\n[measures]'
    declaration.write_text(declaration.read_text().replace("[measures]", joined, 1))
    beside(events, TABLE)
    check(str(tmp_path / "mine"), events, 100)
    assert "lookup content: content.csv has 2 rows; 2 of 4 events found theirs by 'content'" in capsys.readouterr().out
