"""Sources: how a study's input is found, read and validated, by its declaration (`livelift.source`).

A reader yields blocks of judged rows; what follows (sorting, duplicates, the cache) is the same for all of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from livelift.study import Study

REJECTED = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("text", pa.binary())])
"""Rows for the dead-letter topic: original line number, why, the line's bytes (at most `MOST_KEPT_BYTES`)."""

REJECTED_OF_SEVERAL = REJECTED.append(pa.field("file", pa.string())).append(pa.field("file_line", pa.int64()))
"""Of several files: also the one that has the row, and the row's number in it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of the input to be replayed: event times in [start, end), in ms; None is open."""

    start: int | None = None
    end: int | None = None


class Keys(NamedTuple):
    """A lookup's table has so many rows; so many events asked for one, and so many found theirs."""

    rows: int
    asked: int
    found: int


@dataclass(frozen=True, slots=True)
class JudgedBlock:
    """What became of a block of rows.

    rows
        How many there were.
    accepted, rejected
        Batches of the reader's schema and of `REJECTED`. Rows outside the selection are counted, not kept: nothing is wrong
        with them.
    reasons
        Rejected rows by reason.
    reaches_end
        A row that is otherwise acceptable lies at or after the end of the selection: the file has data up to that end.
    done, total
        Bytes of the input read so far and in all.
    last
        Number of the block's last row in its file.
    file, before
        Of several files: the name of this one, and how far the numbers of the rows had come before it.
    keys
        Lookup → what became of its keys in the block.
    """

    rows: int
    accepted: pa.RecordBatch
    rejected: pa.RecordBatch
    reasons: dict[str, int]
    reaches_end: bool
    done: int
    total: int
    last: int = 0
    file: str = ""
    before: int = 0
    keys: dict[str, Keys] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the files of one study.

    read
        (input as `finding.find` gives it, selection) → blocks in the order of the input.
    what_is_wrong
        (reason, rejected row) → what is wrong with it and what is wanted, for a person.
    accepted
        Schema of the accepted rows: `time` in ms, `line` (number in the input, from 1), and what the expressions need.
    user_sql, fields_sql, identity_sql
        DuckDB expressions over the accepted rows: the user; the event's JSON object; what is equal in duplicates of one user
        and moment.
    key_sql
        Also what is equal in duplicates of any user and moment, null where a row has nothing of the kind; empty if no row has.
    """

    read: Callable[[Path, Selection], Iterator[JudgedBlock]]
    what_is_wrong: Callable[[str, bytes], str]
    accepted: pa.Schema
    user_sql: str
    fields_sql: str
    identity_sql: str
    key_sql: str = ""


def reader_of(study: Study) -> Reader:
    """The reader of the study's files.

    Raises
    ------
    StudyError
        If its time zone is not known here.
    """
    from producer.sources import plain_tsv, table

    return plain_tsv.reader(study) if plain_tsv.reads(study) else table.reader(study)
