"""Sources: how a study's input is found, read and validated. One module a file format.

A source yields blocks of judged rows; what follows (sorting, duplicates, the cache) is the same for all of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from livelift.study import Study

ACCEPTED = pa.schema([("time", pa.int64()), ("line", pa.int64()), ("text", pa.string())])
"""Rows of the stream to be: event time in ms, original line number (1 …), the line without its end."""

REJECTED = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("text", pa.binary())])
"""Rows for the dead-letter topic: original line number, why, the line's bytes (at most `MOST_KEPT_BYTES`)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of the input to be replayed: event times in [start, end), in ms; None is open."""

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class JudgedBlock:
    """What became of a block of rows.

    rows
        How many there were.
    accepted, rejected
        Batches of the schemas above. Rows outside the selection are counted, not kept: nothing is wrong with them.
    reasons
        Rejected rows by reason.
    reaches_end
        A row that is otherwise acceptable lies at or after the end of the selection: the file has data up to that end.
    done, total
        Bytes of the input read so far and in all.
    """

    rows: int
    accepted: pa.RecordBatch
    rejected: pa.RecordBatch
    reasons: dict[str, int]
    reaches_end: bool
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Source:
    """A format.

    find
        (folder or file, study) → the input file, or InputError saying where to get one.
    read
        (file, study, selection) → blocks in the file's order.
    what_is_wrong
        (reason, rejected line) → what is wrong with it and what is wanted, for a person.
    user_sql, fields_sql
        DuckDB expressions over `text`: the user id; the event's own fields as a JSON object.
    """

    find: Callable[[Path, Study], Path]
    read: Callable[[Path, Study, Selection], Iterator[JudgedBlock]]
    what_is_wrong: Callable[[str, bytes], str]
    user_sql: str
    fields_sql: str


def source_of(study: Study) -> Source:
    """The source that reads the study's format; `livelift.study.Input` lists the formats."""
    from producer.sources import lastfm_tsv

    return {"lastfm_tsv": lastfm_tsv.SOURCE}[study.input.format]
