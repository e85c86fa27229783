"""What the producer and the batch oracle make of every row of a file: its reason or its values, and which rows are duplicates."""

import dataclasses
import json
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pyarrow as pa

from batch.database import open_database
from batch.feed import batches, fed, raw_sql
from batch.oracle import Oracle
from batch.row_sql import row_parts
from batch.statements import query
from livelift.study import Study
from producer.sorting import DuplicateFilter, sorted_rows
from producer.sources import Selection, reader_of
from producer.sources.table import read

replace = msgspec.structs.replace

Judged = tuple[dict[int, tuple[Any, ...]], set[frozenset[int]]]
"""Row → (reason,) or ("", time, user, fields); and the rows that are duplicates of each other."""


def by_producer(study: Study, path: Path) -> Judged:
    """By the reader of all formats."""
    rows: dict[int, tuple[Any, ...]] = {}
    equal: dict[Any, set[int]] = defaultdict(set)
    counted = 0
    for block in read(study, path, Selection()):
        for row in block.accepted.to_pylist():
            event = json.loads(row["fields"])
            values = tuple(event[name] for name in study.fields)
            assert (event["user"], list(event)) == (row["user"], ["user", "time", *study.fields])
            rows[row["line"]] = ("", row["time"], row["user"], values)
            equal[row["time"], row["user"], row["identity"]].add(row["line"])
        for row in block.rejected.to_pylist():
            rows[row["line"]] = (row["reason"],)
        counted += block.rows
        assert sum(block.reasons.values()) == block.rejected.num_rows
    assert counted == len(rows)
    return rows, {frozenset(group) for group in equal.values()}


def kept_by_producer(study: Study, path: Path) -> list[int]:
    """The rows that become events, by the study's own reader."""
    reader = reader_of(study)
    by_line = dataclasses.replace(reader, fields_sql="line::VARCHAR")
    duplicates = DuplicateFilter()
    kept: list[int] = []
    with TemporaryDirectory() as spill:
        accepted = (block.accepted for block in reader.read(path, Selection()))
        for batch in sorted_rows(accepted, by_line, Path(spill), 1):
            first = batch.filter(pa.array(duplicates.first_ones(batch)))
            kept += map(int, first["fields"].to_pylist())
    return sorted(kept)


def kept_by_oracle(study: Study, path: Path) -> list[int]:
    """The rows that become events, by the oracle: its table `event`."""
    with Oracle(path, replace(study, metrics={})) as oracle:
        oracle.counts()
        return [row for (row,) in oracle._database.execute("SELECT row FROM event ORDER BY row").fetchall()]


def by_oracle(study: Study, path: Path) -> Judged:
    """By the oracle: its table `line`."""
    values = "".join(f", v{i}" for i in range(len(study.fields)))
    with TemporaryDirectory() as folder:
        database = open_database(Path(folder), replace(study, metrics={}), None, None)
        parts = {"raw": raw_sql(study, path, database), **row_parts(study), "line_columns": values}
        with fed(database, study, lambda: batches(study, path, None)):
            database.execute(query("line", parts))
        found = database.execute(f"SELECT row, reason, time, user_id, digest{values} FROM line").fetchall()
        database.close()
    rows: dict[int, tuple[Any, ...]] = {}
    equal: dict[Any, set[int]] = defaultdict(set)
    for row, reason, time, user, digest, *fields in found:
        rows[row] = (reason,) if reason else ("", time, user, tuple(fields))
        if not reason:
            equal[time, user, digest].add(row)
    assert len(rows) == len(found)
    return rows, {frozenset(group) for group in equal.values()}
