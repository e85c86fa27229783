"""Odd files of every format, each with what has to become of its rows, by the producer and by the batch oracle alike."""

import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from livelift.errors import InputError
from livelift.source import Field, Source, checks
from livelift.study import Study, load_study
from tests.support.judged_rows import by_oracle, by_producer

LASTFM = load_study("lastfm")
AT = "2009-03-01T12:05:07Z"
MS = 1_235_909_107_000
TEXT = {"a": Field("text")}


def study(format_: str, fields: dict[str, Field] = TEXT, **source: Any) -> Study:
    given = {"user": "who", "time": "at"} | source
    declared = Source(format_, "*", not_before=date(1970, 1, 1), before=date(2030, 1, 1), **given)
    assert [(key, fix) for key, wrong, fix in checks(declared, fields) if wrong] == []
    return msgspec.structs.replace(LASTFM, source=declared, fields=fields)


def judged(of: Study, content: bytes, path: Path) -> dict[int, Any]:
    """Row → its reason, or its fields' values; both sides alike."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    rows, equal = by_producer(of, path)
    assert by_oracle(of, path) == (rows, equal)
    assert all(len(group) == 1 for group in equal)
    return {number: row[0] or row[3] for number, row in rows.items()}


HEAD = b"who,at,a\n"
ROW = f"u,{AT},x\n".encode()
GOOD = ("x",)

CSV: dict[str, tuple[bytes, dict[int, Any]]] = {
    "a forgotten quote costs its line": (
        HEAD + f'u,{AT},"x\n'.encode() + b"".join(f"u,{AT},{n}\n".encode() for n in range(300)),
        {2: "quoting"} | {n + 3: (str(n),) for n in range(300)},
    ),
    "a quote that another one closes later": (
        HEAD + f'u,{AT},"x\n'.encode() + ROW + f'u,{AT},"y"\n'.encode(),
        {2: "quoting", 3: GOOD, 4: ("y",)},
    ),
    "a column of several lines": (
        HEAD + f'u,{AT},"1\n\r\n""2"""\n'.encode() + ROW,
        {2: ('1\n\r\n"2"',), 5: GOOD},
    ),
    "a column of more lines than a row may have": (
        HEAD + f'u,{AT},"'.encode() + b"y\n" * 40_000 + b'"\n' + ROW,
        {2: "quoting"} | dict.fromkeys(range(3, 40_002), "columns") | {40_002: "quoting", 40_003: GOOD},
    ),
    "what follows a closing quote": (HEAD + f'u,{AT},"x"y\n'.encode() + ROW, {2: "quoting", 3: GOOD}),
    "two carriage returns": (HEAD + f"u,{AT},x\r\r\n".encode() + f'u,{AT},"x"\r\r\n'.encode(), {2: "quoting", 3: "quoting"}),
    "a carriage return in a row": (HEAD + f"u,{AT},x\ry\n".encode() + ROW, {2: "quoting", 3: GOOD}),
    "no line end at the end": (HEAD + f'u,{AT},"x"\r'.encode(), {2: GOOD}),
    "bytes that are no UTF-8": (HEAD + b'u,\xff,"a\n' + b'u,\xff,"a\n"\n' + ROW, {2: "encoding", 3: "encoding", 5: GOOD}),
    "the header once more": (HEAD + HEAD + ROW, {2: "date", 3: GOOD}),
    "an empty line": (HEAD + b"\n" + ROW, {2: "columns", 3: GOOD}),
    "a byte order mark": (b"\xef\xbb\xbf" + HEAD + ROW, {2: GOOD}),
}  # fmt: skip


@pytest.mark.parametrize("name", CSV)
def test_odd_csv(name: str, tmp_path: Path) -> None:
    content, expected = CSV[name]
    assert judged(study("csv"), content, tmp_path / "log.csv") == expected


def test_a_column_named_twice_is_refused_even_with_a_default(tmp_path: Path) -> None:
    of = study("csv", {"a": Field("text", default="")})
    assert refused(of, f"who,at,a,a\nu,{AT},1,2\n".encode(), tmp_path / "log.csv")


def refused(of: Study, content: bytes, path: Path) -> bool:
    """By both sides."""
    path.write_bytes(content)
    for judge in (by_producer, by_oracle):
        with pytest.raises(InputError):
            judge(of, path)
    return True


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"d.u": "x", "d": {"u": "y"}}, ("y",)),
        ({"d.u": "x"}, ("",)),
        ({"d": {"u": [1]}}, "a.type"),
        ({"d": {"u": True}}, ("true",)),
        ({"d": {"u": 12.0}}, ("12.0",)),
        ({"d": "no object"}, ("",)),
        ({"d": None}, ("",)),
    ],
)
def test_a_dot_leads_into_a_nested_object(row: dict[str, Any], expected: Any, tmp_path: Path) -> None:
    of = study("jsonl", {"a": Field("text", column="d.u")})
    line = json.dumps({"who": "u", "at": AT} | row).encode() + b"\n"
    assert judged(of, line, tmp_path / "log.jsonl") == {1: expected}
    assert judged(study("json", of.fields), b"[" + line + b"]", tmp_path / "log.json") == {1: expected}


@pytest.mark.parametrize(
    "element", [b'{"who": NaN}', b'{"who": "\\udc00"}', b"{", b"1 2", b'"' + b"x" * (3 << 20) + b'"']
)
def test_an_array_that_is_no_json_as_a_whole_is_refused(element: bytes, tmp_path: Path) -> None:
    good = json.dumps({"who": "u", "at": AT, "a": "x"}).encode()
    assert refused(study("json"), b"[" + good + b"," + element + b"]", tmp_path / "log.json")


TIMES: list[tuple[str, dict[str, str], int | str]] = [
    ("0000000000", {}, 0),
    ("0000-01-01 00:00:00", {}, "date"),
    ("0001-01-01 00:00:00", {"time_zone": "Europe/Berlin"}, "out_of_range"),
    ("9999-12-31 23:59:59", {"time_zone": "America/New_York"}, "out_of_range"),
    ("2010-03-04 23:30:00", {"time_zone": "Antarctica/Casey"}, 1_267_705_800_000),
    ("2009-10-25 02:30:00", {"time_zone": "Europe/Berlin"}, 1_256_430_600_000),
    ("2009-03-29 02:30:00", {"time_zone": "Europe/Berlin"}, "date"),
    ("20090301", {"time_format": "%Y%m%d"}, 1_235_865_600_000),
    ("200931", {"time_format": "%Y%m%d"}, "date"),
    ("200903011205", {"time_format": "%Y%m%d%H%M%S"}, "date"),
    ("1.3.2009 5:6", {"time_format": "%d.%m.%Y %H:%M"}, 1_235_883_960_000),
    ("1.3.2009  5:6", {"time_format": "%d.%m.%Y %H:%M"}, "date"),
    ("01-1-03-2009", {"time_format": "%d-1-%m-%Y"}, 1_235_865_600_000),
    ("1235909107", {"time_unit": "seconds"}, MS),
    ("1235909107123456", {"time_unit": "microseconds"}, MS + 123),
    ("-1", {"time_unit": "seconds"}, "date"),
    ("9999999999999999999", {"time_unit": "seconds"}, "out_of_range"),
]


@pytest.mark.parametrize(("text", "source", "expected"), TIMES)
def test_odd_times(text: str, source: dict[str, str], expected: int | str, tmp_path: Path) -> None:
    of, path = study("csv", {}, **source), tmp_path / "log.csv"
    path.write_text(f"who,at\nu,{text}\n")
    rows, _ = by_producer(of, path)
    assert by_oracle(of, path)[0] == rows
    assert rows[2][0 if isinstance(expected, str) else 1] == expected


def parquet(**columns: pa.Array) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


COLUMNS: dict[str, tuple[pa.Array, list[Any]]] = {
    "32-bit numbers": (
        pa.array([1.0, 19.99, 1e7, 1.5e-5, -0.0, 16777216.0, float("nan"), None], pa.float32()),
        ["1.0", "19.99", "10000000.0", "1.5e-05", "-0.0", "16777216.0", "nan", ""],
    ),
    "64-bit numbers": (pa.array([1.0, 0.1, 1e16, 1e-7, float("inf")]), ["1.0", "0.1", "1e+16", "1e-07", "inf"]),
    "whole numbers": (pa.array([0, 2**64 - 1], pa.uint64()), ["0", "18446744073709551615"]),
    "decimals": (pa.array([Decimal("1.50"), Decimal("-0.07")], pa.decimal128(9, 2)), ["1.50", "-0.07"]),
    "truth values": (pa.array([True, False]), ["true", "false"]),
    "dates": (pa.array([date(2009, 3, 1), None]), ["2009-03-01", ""]),
    "bytes": (pa.array([b"x", b"\xfe", b"\xff", None]), ["x", "a.type", "a.type", ""]),
    "nested": (pa.array([[1], [], None]), ["a.type", "a.type", ""]),
    "a dictionary": (pa.array(["x", "y", "x2"]).dictionary_encode(), ["x", "y", "x2"]),
    "nanoseconds with a zone": (
        pa.array([1_235_909_107_123_456_789, -1], pa.timestamp("ns", "Europe/Berlin")),
        ["2009-03-01T12:05:07.123Z", "1969-12-31T23:59:59.999Z"],
    ),
    "microseconds": (pa.array([1_235_909_107_123_456], pa.timestamp("us")), ["2009-03-01T12:05:07.123"]),
    "seconds": (pa.array([-1], pa.timestamp("s")), ["1969-12-31T23:59:59.000"]),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("folder", ["plain", "who=me"])
def test_parquet_columns_as_text(name: str, folder: str, tmp_path: Path) -> None:
    column, expected = COLUMNS[name]
    content = parquet(who=texts(*["u"] * len(expected)), at=texts(*[AT] * len(expected)), a=column)
    found = judged(study("parquet"), content, tmp_path / folder / "log.parquet")
    assert [found[row] for row in sorted(found)] == [text if text == "a.type" else (text,) for text in expected]


def test_events_within_a_millisecond_are_no_duplicates(tmp_path: Path) -> None:
    at = pa.array([MS * 1000 + 123_456, MS * 1000 + 123_999], pa.timestamp("us", "UTC"))
    assert judged(study("parquet"), parquet(who=texts("u", "u"), at=at, a=texts("x", "x")), tmp_path / "log") == {
        1: GOOD,
        2: GOOD,
    }


@pytest.mark.parametrize("kind", [pa.time64("ns"), pa.duration("us"), pa.time32("ms")])
def test_a_type_that_is_not_read_is_refused_where_it_is_used(kind: pa.DataType, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(
        parquet(
            who=texts("u"),
            at=texts(AT),
            a=pa.array([1], pa.int64()).cast(pa.int32()).cast(pa.int64()).cast(kind)
            if kind != pa.time32("ms")
            else pa.array([1], kind),
        )
    )
    with pytest.raises(InputError, match="'a' is of the type"):
        by_producer(study("parquet"), path)
    assert by_producer(study("parquet", {}), path)[0] == {1: ("", MS, "u", ())}


@pytest.mark.parametrize(
    "damage", [lambda content: content[:200] + b"\xff" * 40 + content[240:], lambda content: content[:-9]]
)
def test_a_damaged_parquet_file_is_refused(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    content = parquet(
        who=texts(*(f"u{n}" for n in range(999))), at=texts(*[AT] * 999), a=texts(*(str(n) for n in range(999)))
    )
    assert refused(study("parquet"), damage(content), tmp_path / "log")
