"""The rows of any file in any declared format: producer and batch oracle agree row by row on reason, user, time and fields.

The two read with other parsers (csv, msgspec and pyarrow; regular expressions, json and DuckDB) and judge in Python and in SQL.
"""

import csv
import gzip
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livelift.source import Field, Source, checks
from livelift.study import Study, load_study
from producer.sources import Selection, plain_tsv
from tests.support.judged_rows import by_oracle, by_producer

LASTFM = load_study("lastfm")
replace = msgspec.structs.replace

COLUMNS = ("who", "at", "amount", "genre", "other")

FIELDS = [
    {"amount": Field("integer"), "genre": Field("text")},
    {"amount": Field("integer", decimals=2, minimum=1, maximum=100_000), "genre": Field("text", values=["pop", "jazz", "ü"])},
    {"price": Field("integer", column="amount", default=7, values=[7, 12]), "genre": Field("text", default="none")},
    {"amount": Field("text"), "kind": Field("text", column="genre"), "missing": Field("integer", default=0)},
    {"amount": Field("integer", decimals=1, default=-3, maximum=50)},
]  # fmt: skip

FIELDS_AS_NAMED = [fields for fields in FIELDS if "missing" not in fields]
"""Where the study names the columns, a field has one of them."""

PLAIN = {"amount": Field("text"), "kind": Field("text", column="genre")}

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]

users = st.sampled_from([*8 * ["u1"], *8 * ["u2"], "", "ü", "a,b", 'q"x', "two\nlines", "tab\there", " u1 ", "\x00"])
amounts = st.sampled_from(
    [*8 * ["7", "12"], "19.99", "-3", "+4", "12.000", "12.", ".5", "1e3", "", "007", "999999999999999", "1000000000000", "x", "-0", "٣", "0.125", "1.2.3"]
)  # fmt: skip
genres = st.sampled_from([*4 * ["pop", "jazz"], "ü", "", "Pop", 'a "b"', "x;y", "\r", "tab\there", "ends\r"])
MOMENTS = [
    datetime(2009, 3, 29, 0, 59),
    datetime(2009, 3, 29, 2, 30),
    datetime(2009, 10, 25, 2, 30),
    datetime(2009, 3, 1, 12, 5, 7),
]
NOT_TIMES = [
    "",
    "soon",
    "2009-13-01 00:00",
    "32.03.2009 01:00",
    "0000-01-01 00:00:00",
    "2009-03-01",
    "99999999999999999999",
    "1,5",
]


@st.composite
def times(draw: st.DrawFn, source: Source) -> str:
    """A time in the declared form, in one that is read anyhow, or none."""
    moment = draw(st.sampled_from(MOMENTS))
    seconds = int(moment.replace(tzinfo=UTC).timestamp())
    forms = [
        moment.isoformat(),
        moment.isoformat(" ") + ".25",
        moment.isoformat() + "Z",
        moment.isoformat(" ") + "+02:00",
        f"{seconds}",
        f"{seconds}.125",
        f"{seconds}500",
    ]
    if source.time_format:
        forms += 3 * [
            moment.strftime(source.time_format),
            moment.strftime(source.time_format).replace("0", " ", 1),
            f"{moment.day}.{moment.month}.2009 5:06",
        ]
    if source.time_unit:
        forms += [str(seconds), str(seconds * 10**9), "0", "17"]
    return draw(st.sampled_from([*4 * forms, *NOT_TIMES]))  # fmt: skip


@st.composite
def declared(draw: st.DrawFn, format_: str) -> Study:
    """A study of the format."""
    named = format_ in ("tsv", "csv") and draw(st.booleans())
    times_by = draw(
        st.sampled_from(
            [{}, {}, {"time_format": "%d.%m.%Y %H:%M"}, {"time_unit": "seconds"}, {"time_unit": "milliseconds"}]
        )
    )
    more = {"delimiter": draw(st.sampled_from([",", ";", "|"]))} if format_ == "csv" else {}
    source = Source(
        format=format_,
        file_glob="*",
        user="who",
        time="at",
        not_before=date(2005, 1, 1),
        before=date(2009, 12, 1),
        columns=list(COLUMNS) if named else [],
        time_zone="UTC" if "time_unit" in times_by else draw(st.sampled_from(ZONES)),
        **times_by,
        **more,
    )  # fmt: skip
    return replace(LASTFM, source=source, fields=draw(st.sampled_from(FIELDS_AS_NAMED if named else FIELDS)))


Record = dict[str, Any]


@st.composite
def records(draw: st.DrawFn, study: Study) -> list[Record]:
    one = st.fixed_dictionaries(
        {
            "who": users,
            "at": times(study.source),
            "amount": amounts,
            "genre": genres,
            "other": st.sampled_from(["", "1"]),
        }
    )
    found = draw(st.lists(one, min_size=1, max_size=8))
    again = draw(st.lists(st.sampled_from(found), max_size=3))
    return [*found, *again]


def without(record: Record, *characters: str) -> list[str]:
    texts = [record[name] for name in COLUMNS]
    for character in characters:
        texts = [text.replace(character, "") for text in texts]
    return texts


def as_tsv(study: Study, found: list[Record], junk: list[bytes]) -> bytes:
    lines = ["\t".join(without(record, "\t", "\n", "\r")).encode() for record in found]
    return head(study, "\t") + b"\r\n".join([*lines, *junk])


def as_csv(study: Study, found: list[Record], junk: list[bytes]) -> bytes:
    """What is open at a line's end goes on in the next one: junk may swallow rows."""
    text = io.StringIO()
    csv.writer(text, delimiter=study.source.delimiter, lineterminator="\r\n").writerows(
        without(record) for record in found
    )
    return head(study, study.source.delimiter) + b"".join(line + b"\n" for line in junk) + text.getvalue().encode()


def head(study: Study, delimiter: str) -> bytes:
    return b"" if study.source.columns else delimiter.join(COLUMNS).encode() + b"\n"


def as_json_values(record: Record) -> Record:
    """Numbers as numbers where JSON has them, what is empty left out or null."""
    found: Record = {}
    for name, text in record.items():
        if text == "" and name in ("amount", "other"):
            continue
        if name == "amount" and text in ("7", "12", "19.99", "-3", "-0", "0.125", "999999999999999"):
            found[name] = json.loads(text)
        elif name == "other":
            found[name] = {"deep": [True, None]}
        else:
            found[name] = text or None
    return found


def as_jsonl(_: Study, found: list[Record], junk: list[bytes]) -> bytes:
    lines = [
        json.dumps(as_json_values(record), ensure_ascii=number % 2 == 0).encode() for number, record in enumerate(found)
    ]
    return b"\n".join([*junk, *lines]) + b"\n"


def as_json(_: Study, found: list[Record], __: list[bytes]) -> bytes:
    return json.dumps(
        [as_json_values(record) for record in found] + [[], 3, {"who": {"a": 1}, "at": []}], indent=1
    ).encode()


def as_parquet(_: Study, found: list[Record], __: list[bytes]) -> bytes:
    file = io.BytesIO()
    columns = {name: [record[name] or None for record in found] for name in COLUMNS}
    pq.write_table(
        pa.table({name: pa.array(texts, pa.string()) for name, texts in columns.items()}), file, row_group_size=3
    )
    return file.getvalue()


WRITTEN = {"tsv": as_tsv, "csv": as_csv, "jsonl": as_jsonl, "json": as_json, "parquet": as_parquet}

JUNK = {
    "tsv": [b"", b"one", b"\xff\t\t\t\t", b"u1\t2009-03-01T12:05:07Z\t7\tpop\t1\r", b"\r"],
    "csv": [b"", b'"a"b,,,,', b'u1,"', b'"', b"\xff,,,,", b"a\rb,,,,", b'u1,2009-03-01T12:05:07Z,7,p"op,"1"', b',,"x\ny",,', b'""""'],
    "jsonl": [b"", b"{}", b"[]", b"7", b'{"who":', b'{"who":"\xff"}', b'{"who":"u1","at":1235909107,"amount":7,"genre":["pop"]}', b'{"who":"\\ud800"}', b'{"who":"u1","at":"2009-03-01T12:05:07Z","amount":true}', b'{"who":NaN}', b'{"a":1,}', b' {"who" : "u1"} '],
}  # fmt: skip


def judged_alike(format_: str, data: st.DataObject) -> None:
    study = data.draw(declared(format_))
    assert [(key, fix) for key, wrong, fix in checks(study.source, study.fields) if wrong] == []
    junk = data.draw(st.lists(st.sampled_from(JUNK[format_]), max_size=4)) if format_ in JUNK else []
    content = WRITTEN[format_](study, data.draw(records(study)), junk)
    with TemporaryDirectory() as folder:
        path = Path(folder, "input")
        path.write_bytes(content)
        assert by_oracle(study, path) == by_producer(study, path)


@pytest.mark.parametrize("format_", WRITTEN)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_producer_and_oracle_judge_every_row_alike(format_: str, data: st.DataObject) -> None:
    judged_alike(format_, data)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_plain_tsv_is_read_in_blocks_as_it_is_row_by_row(data: st.DataObject) -> None:
    study = replace(data.draw(declared("tsv")), fields=PLAIN)
    study = replace(
        study, source=replace(study.source, columns=list(COLUMNS), time_zone="UTC", time_format="", time_unit="")
    )
    assert plain_tsv.reads(study)
    content = as_tsv(study, data.draw(records(study)), data.draw(st.lists(st.sampled_from(JUNK["tsv"]), max_size=4)))
    with TemporaryDirectory() as folder:
        path = Path(folder, "input")
        path.write_bytes(content)
        rows = by_producer(study, path)
        in_blocks = list(plain_tsv.read(study, path, Selection()))
    accepted = {row["line"]: row["time"] for block in in_blocks for row in block.accepted.to_pylist()}
    rejected = {row["line"]: row["reason"] for block in in_blocks for row in block.rejected.to_pylist()}
    assert accepted == {number: row[1] for number, row in rows[0].items() if not row[0]}
    assert rejected == {number: row[0] for number, row in rows[0].items() if row[0]}


def files_judged_alike(format_: str, data: st.DataObject) -> None:
    """The files of a folder, each written, packed and called in its own way; those of the other names are not read."""
    study = data.draw(declared(format_))
    study = replace(study, source=replace(study.source, several=True, file_glob="log*", exclude=["log-not"]))
    names = data.draw(st.lists(st.sampled_from(["log", "log-1", "log-10", "log-2", "logs.gz.zst", "log-Z"]), min_size=1, unique=True))  # fmt: skip
    with TemporaryDirectory() as folder:
        for name in (*names, "log-not", ".log", "other"):
            junk = data.draw(st.lists(st.sampled_from(JUNK[format_]), max_size=2)) if format_ in JUNK else []
            content = WRITTEN[format_](study, data.draw(records(study)), junk)
            is_packed = format_ != "parquet" and not name.endswith("zst") and data.draw(st.booleans())
            Path(folder, name + ".gz" * is_packed).write_bytes(gzip.compress(content) if is_packed else content)
        assert by_oracle(study, Path(folder)) == by_producer(study, Path(folder))


@pytest.mark.parametrize("format_", WRITTEN)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_they_do_so_over_several_files(format_: str, data: st.DataObject) -> None:
    files_judged_alike(format_, data)


@pytest.mark.slow
@pytest.mark.parametrize("format_", WRITTEN)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_they_do_so_over_many_folders(format_: str, data: st.DataObject) -> None:
    files_judged_alike(format_, data)


@pytest.mark.slow
@pytest.mark.parametrize("format_", WRITTEN)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_they_do_so_for_many_files(format_: str, data: st.DataObject) -> None:
    judged_alike(format_, data)
