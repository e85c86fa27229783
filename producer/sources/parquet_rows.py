"""Rows of a Parquet file, batch by batch."""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from livelift.errors import InputError
from livelift.plain_text import harmless
from producer.sources.rows import Cell, NoText, Row

BATCH_ROWS = 1 << 14
MOST_NAMED = 20

_encode = msgspec.json.Encoder().encode


def parquet_rows(path: Path, columns: Iterable[str] | None, needed: Iterable[str]) -> Iterator[tuple[list[Row], float]]:
    """The rows of the file in batches, each with the share of the rows that is read by then.

    Parameters
    ----------
    columns
        The columns that are wanted, or None for all; `needed` are those of them that there have to be.

    Raises
    ------
    InputError
        If it is no Parquet file, is damaged, or lacks a needed column.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for column in sorted(needed):
                if names.count(column) != 1:
                    shown = ", ".join(harmless(name) for name in names[:MOST_NAMED])
                    raise InputError(
                        f"{path} has {'no' if column not in names else 'more than one'} column '{column}'; its columns: {shown}",
                        "name the columns of [source] and [fields] as the file does, or give another file with --data",
                    )
            wanted = names if columns is None else [column for column in columns if column in names]
            done, total = 0, file.metadata.num_rows
            for batch in file.iter_batches(BATCH_ROWS):
                done += batch.num_rows
                yield _rows(batch, wanted, done - batch.num_rows + 1), done / total
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}", "download or copy the file again") from error


def _rows(batch: pa.RecordBatch, wanted: list[str], first: int) -> list[Row]:
    every = [[_cell(value) for value in _values(column)] for column in batch.columns]
    at = {name: every[batch.schema.names.index(name)] for name in wanted}
    rows = []
    for place in range(batch.num_rows):
        identity = _encode([_written(column[place]) for column in every]).decode()
        rows.append(Row(first + place, identity.encode(), {name: cells[place] for name, cells in at.items()}, identity))
    return rows


def _values(column: pa.Array) -> list[Any]:
    """Python's values. Of timestamps the text that `producer.sources.time_text` reads, to the millisecond; of 32-bit numbers
    the shortest decimal that means them: as a 64-bit number 19.99 would be 19.989999771118164."""
    if pa.types.is_timestamp(column.type):
        form = "%Y-%m-%dT%H:%M:%S" if column.type.tz is None else "%Y-%m-%dT%H:%M:%SZ"
        zone = None if column.type.tz is None else "UTC"
        column = pc.strftime(column.cast(pa.timestamp("ms", zone), safe=False), format=form)
    elif pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        return [None if value is None else float(str(np.float32(value))) for value in column.to_pylist()]
    values: list[Any] = column.to_pylist()
    return values


def _cell(value: Any) -> Cell | NoText:
    """A value as the text that a person would write; what has none is `NO_TEXT`, or itself where it only tells rows apart."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case Decimal():
            return format(value, "f")
        case dt.date() | dt.time():
            return value.isoformat()
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return _Other(value)
        case _:
            return _Other(value)


class _Other(NoText):
    """What is no text, and tells rows apart all the same."""

    def __init__(self, value: object) -> None:
        self.value = value


def _written(cell: object) -> object:
    return repr(cell.value) if isinstance(cell, _Other) else cell
