"""Opens a file of any declared format as rows that are texts by column."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from livelift.source import FileForm
from producer.sources.delimited_rows import delimited_rows
from producer.sources.finding import is_data_file
from producer.sources.input_file import open_input
from producer.sources.json_rows import json_line_rows, json_rows
from producer.sources.parquet_rows import ParquetRows
from producer.sources.rows import Row


@dataclass(frozen=True, slots=True)
class OpenRows:
    """An open file: its rows, its bytes on disk, and how many of them are read."""

    rows: Iterator[Row]
    size: int
    position: Callable[[], int]


@contextmanager
def open_rows(path: Path, form: FileForm, columns: list[str], needed: set[str]) -> Iterator[OpenRows]:
    """Open `path`.

    Parameters
    ----------
    columns, needed
        The columns that are read, and those of them that there have to be.

    Raises
    ------
    InputError
        If the file cannot be read in its form, here or while the rows are read.
    """
    if form.format == "parquet":
        parquet = ParquetRows(path, columns, needed)
        size = path.stat().st_size
        yield OpenRows(parquet.rows(), size, lambda: int(parquet.share * size))
        return
    with open_input(path, partial(is_data_file, form)) as file:
        if form.format == "jsonl":
            rows = json_line_rows(file.stream, columns)
        elif form.format == "json":
            rows = json_rows(file.stream, columns, str(path))
        else:
            rows = delimited_rows(file.stream, form, set(columns), needed, str(path))
        yield OpenRows(rows, file.size, file.position)
