"""Rows in replay order: by (time, user as bytes, original line), sorted outside memory by DuckDB; duplicates dropped."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from producer.sources import ACCEPTED, Source

MEMORY_LIMIT = "700MB"
"""DuckDB's share; with what Arrow and Python hold beside it the whole stays well below 1.5 GB."""

BATCH_ROWS = 1 << 16

SORTED = pa.schema([("time", pa.int64()), ("user", pa.string()), ("fields", pa.string())])
"""Rows in replay order; `fields` is the event's own JSON object."""


def sorted_rows(
    batches: Iterator[pa.RecordBatch], source: Source, spill: Path, threads: int
) -> Iterator[pa.RecordBatch]:
    """The rows of `batches` (schema `ACCEPTED`) in replay order, as `SORTED`.

    Parameters
    ----------
    spill
        A folder for what does not fit in memory.

    Raises
    ------
    BaseException
        Whatever `batches` raises.
    """
    failure: list[BaseException] = []

    def watched() -> Iterator[pa.RecordBatch]:  # an exception that passes through DuckDB comes out as text
        try:
            yield from batches
        except BaseException as error:
            failure.append(error)
            raise

    rows = pa.RecordBatchReader.from_batches(ACCEPTED, watched())
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": threads}) as database:
        database.execute("SET temp_directory = $spill", {"spill": str(spill)})
        database.execute("SET preserve_insertion_order = false")  # ORDER BY alone orders
        database.register("rows", rows)
        try:
            yield from database.sql(
                f"""
                SELECT time, "user", {source.fields_sql}::VARCHAR AS fields
                FROM (
                    SELECT time, "user", string_split(text, chr(9)) AS f
                    FROM (SELECT *, {source.user_sql} AS "user" FROM rows)
                    ORDER BY time, "user", line
                )
                """
            ).to_arrow_reader(BATCH_ROWS)
        except duckdb.Error:
            if failure:
                raise failure[0] from None
            raise


class DuplicateFilter:
    """Drops rows that equal an earlier one, in a stream in replay order: there equals share time and user, so only the
    rows of the current (time, user) are remembered."""

    def __init__(self) -> None:
        self._last: tuple[int, str] | None = None
        self._seen: set[str] = set()  # `fields` of the rows so far with that time and user

    def first_ones(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows of the next `batch` (schema `SORTED`) are no duplicates, (n,)."""
        keep = np.ones(batch.num_rows, bool)
        if not batch.num_rows:
            return keep
        time, user, fields = batch.columns
        joined = np.empty(batch.num_rows, bool)  # has the time and user of the row before it
        joined[0] = self._last == (time[0].as_py(), user[0].as_py())
        joined[1:] = pc.and_(pc.equal(time[1:], time[:-1]), pc.equal(user[1:], user[:-1]))
        for row in np.flatnonzero(joined).tolist():
            if row and not joined[row - 1]:
                self._seen = {fields[row - 1].as_py()}
            value = fields[row].as_py()
            keep[row] = value not in self._seen
            self._seen.add(value)
        if not joined[-1]:
            self._seen = {fields[-1].as_py()}
        self._last = (time[-1].as_py(), user[-1].as_py())
        return keep
