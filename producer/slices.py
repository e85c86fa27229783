"""Slices of the replay: equal numbers of rows, and the marks before and after each."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from livelift.events import Manifest, Progress, encode_control
from producer.cache import Prepared

SLICE_ROWS = 20_000
"""Rows between two progress marks at full speed. Slices begin at its multiples, wherever a replay begins again."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows [first, first + len) of the replay, as columns."""

    first: int
    times: list[int]
    users: list[str]
    values: list[bytes]

    @property
    def end(self) -> int:
        return self.first + len(self.times)


def read_slices(prepared: Prepared, row: int) -> Iterator[Slice]:
    """The events file in slices, from the one that holds `row` on."""
    file = pq.ParquetFile(prepared.events)
    first = row // SLICE_ROWS * SLICE_ROWS
    held = file.schema_arrow.empty_table()  # rows from `first` on
    group_first = 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if group_first + rows > first:
            held = pa.concat_tables([held, file.read_row_group(group).slice(max(0, first - group_first))])
        group_first += rows
        while held.num_rows >= SLICE_ROWS:
            yield _slice(held.slice(0, SLICE_ROWS), first)
            held = held.slice(SLICE_ROWS)
            first += SLICE_ROWS
    if held.num_rows:
        yield _slice(held, first)


def _slice(table: pa.Table, first: int) -> Slice:
    return Slice(
        first,
        table["time"].to_pylist(),
        pc.cast(table["user"], pa.string()).to_pylist(),
        table["value"].to_pylist(),
    )


def announcement(piece: Slice, next_row: int, manifest: Manifest) -> bytes:
    """The mark before a slice that is not empty, for a partition that has all rows below `next_row`: which rows and times
    follow, so that whoever reads the topic knows what cannot be ours."""
    return encode_control(
        Progress(piece.times[0], max(piece.first, next_row), manifest, row_limit=piece.end, time_limit=piece.times[-1])
    )


def progress(reached: int, sent: int, last: int, manifest: Manifest) -> bytes:
    """The mark after a slice: `sent` rows, the last one at `last` ms, and no event before `reached` ms follows."""
    return encode_control(Progress(reached, sent, manifest, row_limit=sent, time_limit=last))
