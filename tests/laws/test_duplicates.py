"""Which rows are duplicates, as a study declares it: producer, oracle and plain Python keep the same rows.

By a declared key a row may repeat one of another user or another time, so the rows are far from each other in the replay.
"""

import json
from datetime import date
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
from tests.support.judged_rows import by_producer, kept_by_oracle, kept_by_producer

LASTFM = load_study("lastfm")
replace = msgspec.structs.replace

COLUMNS = ("who", "at", "order", "part", "amount")

Record = dict[str, str]

records = st.fixed_dictionaries(
    {
        "who": st.sampled_from(["u1", "u1", "u2", ""]),
        "at": st.sampled_from([f"2009-03-01T12:00:0{second}{zone}" for second in (0, 1) for zone in ("Z", "+00:00")]),
        "order": st.sampled_from(["o1", "o2", "ö", '"', ""]),
        "part": st.sampled_from(["1", "2", ""]),
        "amount": st.sampled_from(["1", "2", "x"]),
    }
)

DUPLICATES = [None, [], ["order"], ["order", "part"], ["part", "amount"], ["who"], ["at", "order"]]


def study(format_: Any, duplicate: list[str] | None, fields: dict[str, Field], *, named: bool) -> Study:
    source = Source(
        format=format_, file_glob="*", user="who", time="at", not_before=date(2009, 1, 1), before=date(2010, 1, 1),
        duplicate=duplicate, columns=list(COLUMNS) if named else [],
    )  # fmt: skip
    assert [(key, fix) for key, wrong, fix in checks(source, fields) if wrong] == []
    return replace(LASTFM, source=source, fields=fields, measures={"seconds": LASTFM.measures["seconds"]}, folder="")


def written(format_: str, found: list[Record], *, named: bool) -> str:
    if format_ == "jsonl":
        return "".join(json.dumps({name: text or None for name, text in one.items()}) + "\n" for one in found)
    head = [] if named else [list(COLUMNS)]
    if format_ == "tsv":
        return "".join(
            "\t".join(texts) + "\n" for texts in [*head, *([one[name] for name in COLUMNS] for one in found)]
        )
    lines = [['"' + one[name].replace('"', '""') + '"' for name in COLUMNS] for one in found]
    return "".join(",".join(texts) + "\n" for texts in [*head, *lines])


def write(path: Path, format_: str, found: list[Record], *, named: bool) -> None:
    if format_ == "parquet":
        pq.write_table(
            pa.table({name: pa.array([one[name] or None for one in found], pa.string()) for name in COLUMNS}), path
        )
    else:
        path.write_text(written(format_, found, named=named), encoding="utf-8")


def first_ones(found: list[Record], duplicate: list[str] | None, numbers: list[int]) -> list[int]:
    """The numbers of the rows that are kept, of acceptable ones."""
    seen: set[Any] = set()
    kept = []
    for number, one in zip(numbers, found, strict=True):
        names: list[tuple[object, ...]] = [("as written", *one.items())]
        if duplicate and all(one[column] for column in duplicate):
            names.append(("key", *(one[column] for column in duplicate)))
        if duplicate == [] or not seen.intersection(names):
            kept.append(number)
        seen.update(names)
    return kept


def kept_alike(format_: str, data: st.DataObject) -> None:
    named = format_ in ("csv", "tsv") and data.draw(st.booleans())
    duplicate = data.draw(st.sampled_from(DUPLICATES))
    fields = data.draw(
        st.sampled_from([{"amount": Field("integer")}, {"amount": Field("text")}, {"order": Field("text")}])
    )
    found = data.draw(st.lists(records, min_size=1, max_size=12))
    found += data.draw(st.lists(st.sampled_from(found), max_size=4))
    of = study(format_, duplicate, fields, named=named)
    with TemporaryDirectory() as folder:
        path = Path(folder, "log")
        write(path, format_, found, named=named)
        producer, oracle = kept_by_producer(of, path), kept_by_oracle(of, path)
        rows, _ = by_producer(of, path)
    good = [number for number, row in sorted(rows.items()) if not row[0]]
    first = 1 + (format_ in ("csv", "tsv") and not named)
    if format_ != "jsonl":  # in an object the order of the keys is written, too
        found = [{name: one[name] for name in COLUMNS} for one in found]
    expected = first_ones([found[number - first] for number in good], duplicate, good)
    assert (producer, oracle) == (expected, expected)


@pytest.mark.parametrize("format_", ["csv", "tsv", "jsonl", "parquet"])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_all_keep_the_same_rows(format_: str, data: st.DataObject) -> None:
    kept_alike(format_, data)


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["csv", "tsv", "jsonl", "parquet"])
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_they_do_so_for_many_logs(format_: str, data: st.DataObject) -> None:
    kept_alike(format_, data)
