"""Sorts rows by (time, user, original line) in external memory with DuckDB, and removes duplicates."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from producer.sources import Reader

MEMORY_LIMIT = "700MB"
"""DuckDB's share; with what Arrow and Python hold beside it the whole stays well below 1.5 GB."""

BATCH_ROWS = 1 << 16


def sorted_rows(
    batches: Iterator[pa.RecordBatch], reader: Reader, spill: Path, threads: int
) -> Iterator[pa.RecordBatch]:
    """The accepted rows in replay order: `time` in ms, `user`, `fields` (the event's JSON object), and, where that is not
    `fields`, `identity` (what is equal in duplicates of one user and moment). Of rows with the same declared key only the first in
    the input is there.

    Parameters
    ----------
    spill
        A folder for what does not fit in memory.

    Raises
    ------
    BaseException
        Whatever `batches` raises.
    """
    import duckdb  # a replay of what is prepared does without: it takes a tenth of the producer's start

    failure: list[BaseException] = []

    def watched() -> Iterator[pa.RecordBatch]:  # an exception that passes through DuckDB comes out as text
        try:
            yield from batches
        except BaseException as error:
            failure.append(error)
            raise

    identity = "" if reader.identity_sql == reader.fields_sql else f", {reader.identity_sql} AS identity"
    key = reader.key_sql
    first = f"QUALIFY {key} IS NULL OR row_number() OVER (PARTITION BY {key} ORDER BY line) = 1" if key else ""
    rows = pa.RecordBatchReader.from_batches(reader.accepted, watched())
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": threads}) as database:
        database.execute("SET temp_directory = $spill", {"spill": str(spill)})
        database.execute("SET preserve_insertion_order = false")  # ORDER BY alone orders
        database.register("rows", rows)
        try:
            yield from database.sql(
                f"""
                SELECT time, "user", {reader.fields_sql} AS fields{identity}
                FROM (SELECT *, {reader.user_sql} AS "user" FROM rows {first} ORDER BY time, "user", line)
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
        self._seen: set[str] = set()  # what identifies the rows so far with that time and user

    def first_ones(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows of the next `batch` of `sorted_rows` are no duplicates, (n,)."""
        keep = np.ones(batch.num_rows, bool)
        if not batch.num_rows:
            return keep
        time, user, identity = batch["time"], batch["user"], batch.column(batch.num_columns - 1)
        joined = np.empty(batch.num_rows, bool)  # has the time and user of the row before it
        joined[0] = self._last == (time[0].as_py(), user[0].as_py())
        joined[1:] = pc.and_(pc.equal(time[1:], time[:-1]), pc.equal(user[1:], user[:-1]))
        for row in np.flatnonzero(joined).tolist():
            if row and not joined[row - 1]:
                self._seen = {identity[row - 1].as_py()}
            value = identity[row].as_py()
            keep[row] = value not in self._seen
            self._seen.add(value)
        if not joined[-1]:
            self._seen = {identity[-1].as_py()}
        self._last = (time[-1].as_py(), user[-1].as_py())
        return keep
