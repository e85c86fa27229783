"""Rows of a Parquet file."""

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
from producer.sources.input_file import MAX_LINE_BYTES
from producer.sources.rows import NO_TEXT, Cell, NoText, Row, require_columns

BATCH_ROWS = 256
"""Decoded at once: a dictionary of long texts may be a thousand times as large as the file."""

PER_MS = {"s": (1_000, 1), "ms": (1, 1), "us": (1, 1_000), "ns": (1, 1_000_000)}
"""Unit of a timestamp → what to multiply by and to divide by for milliseconds."""

_encode = msgspec.json.Encoder().encode


class ParquetRows:
    """The rows of a file, and `share` of them that is read.

    Parameters
    ----------
    columns
        Those that are wanted, or None for all; `needed` are those of them that there have to be.
    """

    def __init__(self, path: Path, columns: list[str] | None, needed: Iterable[str]) -> None:
        self._path = path
        self._columns = columns
        self._needed = set(needed)
        self.share = 0.0

    def rows(self) -> Iterator[Row]:
        """One after the other, numbered from 1.

        Raises
        ------
        InputError
            If it is no Parquet file, is damaged, lacks a needed column, or has one of a type that is not read.
        """
        try:
            with pq.ParquetFile(self._path) as file:
                wanted = self._wanted(file.schema_arrow)
                done, total = 0, file.metadata.num_rows
                for batch in file.iter_batches(BATCH_ROWS):
                    yield from _rows(batch, wanted, done + 1)
                    done += batch.num_rows
                    self.share = done / total
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            raise InputError(
                f"{self._path} cannot be read as Parquet: {error}", "download or copy the file again"
            ) from error

    def _wanted(self, schema: pa.Schema) -> list[str]:
        if self._columns is None:
            return [name for name in schema.names if is_read(schema.field(name).type) and schema.names.count(name) == 1]
        require_columns(str(self._path), schema.names, self._columns, self._needed, "its columns")
        there = [column for column in self._columns if column in schema.names]
        for column in sorted(there):
            kind = schema.field(column).type
            if not is_read(kind):
                raise InputError(
                    f"{self._path}: column '{column}' is of the type {kind}, which is not read", "write it as text"
                )
        return there


def is_read(kind: pa.DataType) -> bool:
    """Is a value of this type read as a text, or known not to be one? Other types are left out, also of what tells rows apart."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    types = pa.types
    simple = (
        types.is_string, types.is_large_string, types.is_binary, types.is_large_binary, types.is_boolean, types.is_integer,
        types.is_float32, types.is_float64, types.is_decimal128, types.is_date32, types.is_timestamp,
    )  # fmt: skip
    return any(is_one(kind) for is_one in simple) or is_nested(kind)


def is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind)) and not isinstance(kind, pa.BaseExtensionType)


def _rows(batch: pa.RecordBatch, wanted: list[str], first: int) -> Iterator[Row]:
    read = [number for number, column in enumerate(batch.columns) if is_read(column.type)]
    cells = {number: _cells(batch.column(number)) for number in read}
    written = [_written(batch.column(number), cells[number]) for number in read]
    at = {name: cells[batch.schema.names.index(name)] for name in wanted}
    for place in range(batch.num_rows):
        identity = _encode([column[place] for column in written])
        if len(identity) > MAX_LINE_BYTES:
            raise InputError(f"row {first + place} is longer than {MAX_LINE_BYTES >> 20} MiB", "give a file of events")
        yield Row(first + place, identity, {name: column[place] for name, column in at.items()}, identity.decode())


def _cells(column: pa.Array) -> list[Cell | NoText]:
    """The values as the text that a person would write; what has none is `NO_TEXT`."""
    kind = column.type
    if is_nested(kind):
        return [NO_TEXT if there else None for there in column.is_valid().to_pylist()]
    if pa.types.is_timestamp(kind):
        return _timestamps(column)
    values = column.to_pylist()
    if pa.types.is_float32(kind):  # the shortest decimal that means it: as a 64-bit number 19.99 is 19.989999771118164
        values = [None if value is None else float(str(np.float32(value))) for value in values]
    return [_text(value) for value in values]


def _timestamps(column: pa.Array) -> list[Cell | NoText]:
    """Texts that `producer.sources.time_text` reads, cut to the millisecond."""
    times, per = PER_MS[column.type.unit]
    numbers = column.cast(pa.int64())
    ms = pa.array(
        [None if value is None else value * times // per for value in numbers.to_pylist()], pa.timestamp("ms")
    )
    form = "%Y-%m-%dT%H:%M:%S" if column.type.tz is None else "%Y-%m-%dT%H:%M:%SZ"
    found: list[Cell | NoText] = pc.strftime(ms, format=form).to_pylist()
    return found


def _text(value: Any) -> Cell | NoText:
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case dt.date():
            return value.isoformat()
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return NO_TEXT
        case _:
            return repr(value)


def _written(column: pa.Array, cells: list[Cell | NoText]) -> list[Any]:
    """What tells rows apart: texts where there are some; of others and of timestamps, which are cut, the whole value."""
    if pa.types.is_timestamp(column.type):
        return list(column.cast(pa.int64()).to_pylist())
    if is_nested(column.type):
        return [repr(value) for value in column.to_pylist()]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [None if value is None else value.hex() for value in column.to_pylist()]
    return list(cells)
