"""A look at the beginning of an input as a study reads it: what is rejected and why, events, and what sessions measure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
import pyarrow as pa

from livelift.events import SCHEMA
from livelift.sessions import SessionMeasures, session_measures
from livelift.study import Study
from producer.sources import Keys, Reader, Selection, reader_of

ROWS = 10_000
"""Rows that are looked at, unless told otherwise: the files' blocks may hold some more."""


class SampleEvent(NamedTuple):
    """An accepted row: `time` in ms, and the event's JSON object."""

    time: int
    user: str
    fields: dict[str, Any]


class Example(NamedTuple):
    """A rejected row: its line, what is wrong with it, and of several files the one that it is in."""

    line: int
    what: str
    file: str


class SampleSession(NamedTuple):
    """A session of the sample; times in ms."""

    user: str
    start: int
    end: int
    measures: dict[str, int]


@dataclass
class Sample:
    """What became of the first rows.

    rejected
        Reason → how many rows.
    examples
        Reason → the first such row.
    events
        The accepted rows in replay order, duplicates included.
    complete
        Was it the whole input?
    keys
        Lookup → the size of its table, and how many events asked for a row and found it.
    """

    rows: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Example] = field(default_factory=dict)
    events: list[SampleEvent] = field(default_factory=list)
    complete: bool = True
    keys: dict[str, Keys] = field(default_factory=dict)


def take_sample(study: Study, path: Path, rows: int = ROWS) -> Sample:
    """The first `rows` of the input, or some more: readers give blocks.

    Raises
    ------
    InputError
        If the file cannot be read as the study declares it.
    StudyError
        If the study's time zone is not known here.
    """
    reader = reader_of(study)
    sample = Sample()
    accepted: list[pa.RecordBatch] = []
    for block in reader.read(path, Selection()):
        if sample.rows >= rows:
            sample.complete = False
            break
        sample.rows += block.rows
        sample.rejected.update(block.reasons)
        for name, (rows_there, asked, found) in block.keys.items():
            before = sample.keys.get(name, Keys(0, 0, 0))
            sample.keys[name] = Keys(rows_there, before.asked + asked, before.found + found)
        for row in block.rejected.to_pylist():
            if row["reason"] not in sample.examples:
                what = reader.what_is_wrong(row["reason"], row["text"])
                sample.examples[row["reason"]] = Example(row["line"] - block.before, what, block.file)
        accepted.append(block.accepted)
    sample.events = list(_events(accepted, reader))
    return sample


def _events(accepted: list[pa.RecordBatch], reader: Reader) -> Iterator[SampleEvent]:
    with duckdb.connect() as database:
        database.register("rows", pa.Table.from_batches(accepted, reader.accepted))
        found = database.execute(
            f'SELECT time, {reader.user_sql} AS "user", {reader.fields_sql} FROM rows ORDER BY time, "user", line'
        ).fetchall()
    for time, user, fields in found:
        yield SampleEvent(time, user, msgspec.json.decode(fields))


def sessions_of(study: Study, events: list[SampleEvent]) -> list[SampleSession]:
    """The sessions, by their start, that these events come to. Those at the sample's end may go on after it.

    Raises
    ------
    StudyError
        If the study has no measures.
    """
    measures = session_measures(study)
    by_user = groupby(sorted(events, key=lambda event: (event.user, event.time)), key=lambda event: event.user)
    found = [session for user, his in by_user for session in _of_user(study, measures, user, list(his))]
    return sorted(found, key=lambda session: session.start)


def _of_user(study: Study, measures: SessionMeasures, user: str, events: list[SampleEvent]) -> Iterator[SampleSession]:
    start = last = 0
    accumulator: Any = None

    def finished() -> SampleSession:
        values = measures.finish(accumulator, start, last)
        return SampleSession(user, start, last, dict(zip(measures.names, values, strict=True)))

    for row, event in enumerate(events):
        decoded = measures.decode(msgspec.json.encode({"v": SCHEMA, "row": row} | event.fields))
        gap = event.time - last
        if accumulator is not None and study.windows.kind == "gap" and gap <= study.windows.gap_ms:
            measures.extend(accumulator, decoded, gap)
        else:
            if accumulator is not None:
                yield finished()
            start, accumulator = event.time, measures.begin(decoded)
        last = event.time
    if accumulator is not None:
        yield finished()
