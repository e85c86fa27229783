"""Reads the tables of a study's lookups into memory: key → the texts of the columns that fields come from.

A table is reference data, not events: a row of it that cannot be read, or a key with two rows, stops the reading.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from livelift.errors import InputError
from livelift.escaping import harmless
from livelift.lookups import MOST_BYTES, MOST_ROWS, Lookup, columns_read, table_file
from livelift.study import Study
from producer.sources.formats import open_rows
from producer.sources.rows import Cell, NoText, Row

MOST_SHOWN = 60
"""Characters of a key that a message quotes."""

Cells = tuple[Cell | NoText, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table in memory.

    by
        The events' column that has the key.
    columns
        Those that are kept.
    places, cells
        Key → place of its row; the rows' texts of these columns.
    """

    by: str
    columns: tuple[str, ...]
    places: Mapping[str, int]
    cells: Sequence[Cells]

    def row(self, key: Cell | NoText) -> Cells | None:
        """The row of that key; None if there is none."""
        place = self.places.get(key) if isinstance(key, str) else None
        return None if place is None else self.cells[place]


def read_tables(study: Study, data: Path) -> dict[str, Table]:
    """The table of each lookup, for the input at `data`.

    Raises
    ------
    InputError
        If one is missing, cannot be read, is too large, or has a row without a key or two rows of one key.
    """
    return {name: _read(name, lookup, study, data) for name, lookup in study.lookups.items()}


def _read(name: str, lookup: Lookup, study: Study, data: Path) -> Table:
    path = table_file(name, lookup, data, study.folder)
    columns = columns_read(name, study.fields)
    wanted = list(dict.fromkeys([lookup.key, *columns]))
    try:
        with open_rows(path, lookup, wanted, set(wanted)) as file:
            return _table(path, lookup, columns, file.rows)
    except InputError as error:
        raise InputError(f"lookup '{name}': {error.what}", f"mend the table {path}, or [lookups.{name}] of the study") from None  # fmt: skip


def _table(path: Path, lookup: Lookup, columns: list[str], rows: Iterator[Row]) -> Table:
    places: dict[str, int] = {}
    cells: list[Cells] = []
    once: dict[Cells, Cells] = {}  # many keys have the same few values
    numbers, written = array("q"), array("q")  # of the rows: where they stand, and a hash of all that they say
    size = 0
    for count, row in enumerate(rows, 1):
        size += len(row.raw)
        if count > MOST_ROWS or size > MOST_BYTES:
            raise InputError(f"{path} has more than {MOST_ROWS:,} rows or {MOST_BYTES >> 20} MiB of them, too large for memory")  # fmt: skip
        if row.cells is None:
            raise InputError(f"{path}: row {row.number} cannot be read: '{row.wrong}' (docs/07-rejected-rows.md)")
        key = row.cells.get(lookup.key)
        if not isinstance(key, str) or not key:
            raise InputError(f"{path}: row {row.number} has no key in its column '{lookup.key}'")
        place = places.setdefault(key, len(cells))
        if place == len(cells):
            mine = tuple(row.cells.get(column) for column in columns)
            cells.append(once.setdefault(mine, mine))
            numbers.append(row.number)
            written.append(hash(row.identity))
        elif written[place] != hash(row.identity):
            raise InputError(
                f"{path}: the key '{harmless(key, MOST_SHOWN)}' has two rows that differ, {numbers[place]} and {row.number}"
            )
    if not cells:
        raise InputError(f"{path} has no row")
    for at, column in enumerate(columns):
        if lookup.format in ("json", "jsonl") and all(mine[at] is None for mine in once):
            raise InputError(f"{path}: no row has a value in '{column}'")
    return Table(lookup.by, tuple(columns), places, cells)
