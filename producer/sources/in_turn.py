"""Reads the files of an input one after the other, with row numbers that go on from file to file."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from producer.sources import JudgedBlock


def in_turn(files: list[Path], read: Callable[[Path], Iterator[JudgedBlock]]) -> Iterator[JudgedBlock]:
    """The blocks of all files. A file's first row comes after the number of the last row of the file before.

    Raises
    ------
    InputError
        What `read` raises.
    """
    if len(files) == 1:
        yield from read(files[0])
        return
    sizes = [file.stat().st_size for file in files]
    before = 0
    for place, file in enumerate(files):
        last = 0
        for block in read(file):
            last = block.last
            yield replace(
                block,
                accepted=_moved(block.accepted, before),
                rejected=_moved(block.rejected, before),
                file=file.name,
                before=before,
                done=sum(sizes[:place]) + block.done,
                total=sum(sizes),
            )
        before += last


def _moved(rows: pa.RecordBatch, before: int) -> pa.RecordBatch:
    """The rows with their numbers raised by `before`."""
    at = rows.schema.get_field_index("line")
    return rows.set_column(at, rows.schema.field(at), pc.add(rows["line"], before))
