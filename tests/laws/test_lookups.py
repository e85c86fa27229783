"""Events joined with random tables: producer and batch oracle agree row by row, and refuse the same tables.

The producer joins in Python by a dictionary, the oracle in SQL; each reads the tables with its own parsers.
"""

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livelift.errors import InputError
from livelift.lookups import Lookup, checks
from livelift.source import Field
from livelift.source import checks as source_checks
from livelift.study import Study
from tests.laws.test_source_formats import FIELDS_AS_NAMED, WRITTEN, amounts, declared, genres, records, users
from tests.support.judged_rows import by_oracle, by_producer

replace = msgspec.structs.replace

COLUMNS = ("id", "label", "cost", "more")

JOINED = [
    {"label": Field("text", lookup="one")},
    {"label": Field("text", lookup="one", default="none", values=["pop", "jazz", "none"])},
    {"price": Field("integer", lookup="one", column="cost", decimals=2, minimum=1)},
    {"price": Field("integer", lookup="one", column="cost", default=7), "same": Field("text", lookup="one", column="label")},
    {"key": Field("text", lookup="one", column="id"), "two": Field("text", lookup="two", column="label", default="")},
]  # fmt: skip

Record = dict[str, Any]


@st.composite
def lookups(draw: st.DrawFn, fields: dict[str, Field]) -> dict[str, Lookup]:
    """A declaration of each table that the fields name."""
    found = {}
    for name in sorted({field.lookup for field in fields.values() if field.lookup}):
        format_ = draw(st.sampled_from(list(WRITTEN)))
        more: dict[str, Any] = {"delimiter": draw(st.sampled_from([",", ";"]))} if format_ == "csv" else {}
        if format_ in ("csv", "tsv") and draw(st.booleans()):
            more["columns"] = list(COLUMNS)
        by = draw(st.sampled_from(["genre", "genre", "who", "amount", "other"]))
        found[name] = Lookup(f"{name}.table", format_, "id", by, **more)
    return found


@st.composite
def tables(draw: st.DrawFn, lookup: Lookup) -> list[Record]:
    """Rows of a table: keys that events have, most of them once."""
    keys = {"genre": genres, "who": users, "amount": amounts, "other": st.sampled_from(["1", "0"])}[lookup.by]
    one = st.fixed_dictionaries({"id": keys, "label": genres, "cost": amounts, "more": st.sampled_from(["", "1"])})
    once = {}
    for record in draw(st.lists(one, min_size=1, max_size=8)):
        if record["id"] or draw(st.integers(0, 9)) == 0:
            once.setdefault(as_text(lookup, record)[0], record)
    found = list(once.values())
    if found and draw(st.booleans()):
        found.append(draw(st.sampled_from(found)))
    if found and draw(st.integers(0, 9)) == 0:
        found.append(draw(st.sampled_from(found)) | {"more": "other"})
    return found


def as_text(lookup: Lookup, record: Record) -> list[str]:
    texts = [record[name] for name in COLUMNS]
    if lookup.format == "tsv":
        texts = [text.translate({9: None, 10: None, 13: None}) for text in texts]
    return texts


def as_value(text: str) -> Any:
    """What is empty is left out or null, and a number may be one."""
    return json.loads(text) if text in ("7", "12", "19.99", "-3") else {"a": []} if text == "Pop" else text or None


def content(lookup: Lookup, found: list[Record]) -> bytes:
    if lookup.format == "parquet":
        file = io.BytesIO()
        columns = {name: pa.array([record[name] or None for record in found], pa.string()) for name in COLUMNS}
        pq.write_table(pa.table(columns), file)
        return file.getvalue()
    if lookup.format in ("json", "jsonl"):
        objects = [{name: as_value(text) for name, text in record.items() if text != "0"} for record in found]
        lines = [json.dumps(one) for one in objects]
        return (json.dumps(objects) if lookup.format == "json" else "\n".join(lines)).encode()
    lines = [as_text(lookup, record) for record in found]
    lines = lines if lookup.columns else [list(COLUMNS), *lines]
    if lookup.format == "tsv":
        return "".join("\t".join(line) + "\n" for line in lines).encode()
    text = io.StringIO()
    csv.writer(text, delimiter=lookup.delimiter, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()


def judged(by: Any, study: Study, path: Path) -> Any:
    try:
        return by(study, path)
    except InputError as error:
        return error.what.partition(":")[0]  # which lookup; the sentences are each side's own


def judged_alike(format_: str, data: st.DataObject) -> None:
    study = data.draw(declared(format_))
    joined = data.draw(st.sampled_from(JOINED))
    others = data.draw(st.sampled_from([{}, *FIELDS_AS_NAMED]))
    fields = {**joined, **others, **joined} if data.draw(st.booleans()) else {**others, **joined}
    study = replace(study, fields=fields, lookups=data.draw(lookups(joined)))
    wrong = [*source_checks(study.source, fields), *checks(study.source, fields, study.lookups)]
    assert [(key, fix) for key, is_wrong, fix in wrong if is_wrong] == []
    with TemporaryDirectory() as folder:
        for lookup in study.lookups.values():
            Path(folder, lookup.file).write_bytes(content(lookup, data.draw(tables(lookup))))
        path = Path(folder, "input")
        path.write_bytes(WRITTEN[format_](study, data.draw(records(study)), []))
        assert judged(by_oracle, study, path) == judged(by_producer, study, path)


@pytest.mark.parametrize("format_", WRITTEN)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_producer_and_oracle_join_every_row_alike(format_: str, data: st.DataObject) -> None:
    judged_alike(format_, data)


@pytest.mark.slow
@pytest.mark.parametrize("format_", WRITTEN)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_they_do_so_for_many_tables(format_: str, data: st.DataObject) -> None:
    judged_alike(format_, data)
