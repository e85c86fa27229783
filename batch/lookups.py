"""Joins the tables of a study's lookups to the events in SQL, by the batch oracle's own code."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from batch.columns import cells_of, require_columns
from batch.parquet_sql import as_text, digest, parquet_kinds, require_read, rows_of
from livelift.errors import InputError
from livelift.lookups import MOST_BYTES, MOST_ROWS, Lookup, columns_read, table_file
from livelift.study import Study

BLOCK_ROWS = 20_000


def joined_sql(study: Study, path: Path, database: duckdb.DuckDBPyConnection, events: str) -> str:
    """`events`, where a lookup's field has the key as its text, with the tables' texts in place of the keys.

    Creates a table `lookup_<name>` a lookup: key, and of each column that fields come from its text and whether it is something else.

    Raises
    ------
    InputError
        If a table is missing, cannot be read, is too large, or has a row without a key or two rows of one key.
    """
    if not study.lookups:
        return events
    for name, lookup in study.lookups.items():
        file = table_file(name, lookup, path, study.folder)
        try:
            _create(name, lookup, columns_read(name, study.fields), file, database)
        except InputError as error:
            raise InputError(f"lookup '{name}': {error.what}", f"mend {file}, or [lookups.{name}]") from None
    instead, unmatched, joins = [], "", ""
    for i, (name, field) in enumerate(study.fields.items()):
        if not field.lookup:
            continue
        place = columns_read(field.lookup, study.fields).index(field.column or name)
        instead += [f"t{i}.c{place} AS c{i}", f"coalesce(t{i}.x{place}, e.x{i}) AS x{i}"]
        unmatched += f", t{i}.key IS NULL AND NOT e.x{i} AS l{i}"
        joins += f" LEFT JOIN lookup_{field.lookup} AS t{i} ON e.c{i} = t{i}.key"
    return f"SELECT e.* REPLACE ({', '.join(instead)}){unmatched} FROM ({events}) AS e{joins}"


def _create(name: str, lookup: Lookup, columns: list[str], file: Path, database: duckdb.DuckDBPyConnection) -> None:
    texts = "".join(f", c{i} VARCHAR, x{i} BOOLEAN" for i in range(len(columns)))
    database.execute(
        f'CREATE OR REPLACE TABLE raw_{name} ("row" BIGINT, broken VARCHAR, digest UHUGEINT, bytes BIGINT, key VARCHAR{texts})'
    )
    if lookup.format == "parquet":
        _fill_from_parquet(name, lookup, columns, file, database)
    else:
        _fill(name, lookup, columns, file, database)
    _judge(name, lookup, columns, file, database)
    kept = "".join(f", c{i}, x{i}" for i in range(len(columns)))
    database.execute(
        f'CREATE OR REPLACE TABLE lookup_{name} AS SELECT DISTINCT ON (key) key{kept} FROM raw_{name} ORDER BY key, "row"'
    )
    database.execute(f"DROP TABLE raw_{name}")


def _fill(name: str, lookup: Lookup, columns: list[str], file: Path, database: duckdb.DuckDBPyConnection) -> None:
    wanted = [lookup.key, *columns]
    rows = cells_of(lookup, file, partial(require_columns, file, needed=wanted, used=wanted))
    while block := list(islice(rows, BLOCK_ROWS)):
        piece = {
            "row": pa.array([row for row, _ in block], pa.int64()),
            "broken": pa.array([found.broken for _, found in block], pa.string()),
            "written": pa.array([found.written for _, found in block], pa.string()),
        }
        for label, column in zip(("key", *(f"c{i}" for i in range(len(columns)))), wanted, strict=True):
            values = [found.get(column) for _, found in block]
            piece[label] = pa.array([value if isinstance(value, str) else None for value in values], pa.string())
            if label != "key":
                piece[f"x{label[1:]}"] = pa.array([not isinstance(value, str | None) for value in values], pa.bool_())
        database.register("piece", pa.table(piece))
        database.execute(
            f'INSERT INTO raw_{name} SELECT "row", broken, md5_number(written), strlen(written), '
            f"{', '.join(list(piece)[3:])} FROM piece"
        )
        database.unregister("piece")
        _require_small(name, file, database)


def _fill_from_parquet(
    name: str, lookup: Lookup, columns: list[str], file: Path, database: duckdb.DuckDBPyConnection
) -> None:
    kinds = parquet_kinds(file, database)
    wanted = [lookup.key, *columns]
    require_columns(file, list(kinds), wanted, wanted)
    require_read(file, kinds, wanted)
    texts = "".join(f", {', '.join(as_text(column, kinds[column]))}" for column in columns)
    key, _ = as_text(lookup.key, kinds[lookup.key])
    try:
        database.execute(
            f"INSERT INTO raw_{name} SELECT file_row_number + 1, NULL, {digest(kinds)}, 0, {key}{texts} FROM {rows_of(file)}"
        )
    except duckdb.Error as error:
        raise InputError(f"{file} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
    _require_small(name, file, database)


def _require_small(name: str, file: Path, database: duckdb.DuckDBPyConnection) -> None:
    ((rows, size),) = database.execute(f"SELECT count(*), coalesce(sum(bytes), 0) FROM raw_{name}").fetchall()
    if rows > MOST_ROWS or size > MOST_BYTES:
        raise InputError(f"{file} has more than {MOST_ROWS:,} rows, or {MOST_BYTES >> 20} MiB of them")


def _judge(name: str, lookup: Lookup, columns: list[str], file: Path, database: duckdb.DuckDBPyConnection) -> None:
    """Is each row one of a key, and each key one of a row?"""
    for statement, what in _faults(f"raw_{name}", lookup, columns):
        if (found := database.execute(statement).fetchone()) is not None:
            raise InputError(f"{file}: {what(*found)}")


def _faults(table: str, lookup: Lookup, columns: list[str]) -> Iterator[tuple[str, Callable[..., str]]]:
    """A statement that has no row if all is well, and what its first row says is wrong."""
    yield (
        f'SELECT "row", broken FROM {table} WHERE broken IS NOT NULL ORDER BY "row" LIMIT 1',
        "row {} cannot be read: {}".format,
    )
    yield (
        f"SELECT \"row\" FROM {table} WHERE coalesce(key, '') = '' ORDER BY \"row\" LIMIT 1",
        lambda row: f"row {row} has no key in its column '{lookup.key}'",
    )
    yield (
        f'SELECT key, min("row"), max("row") FROM {table} GROUP BY key HAVING count(DISTINCT digest) > 1 LIMIT 1',
        "the key {!r} has rows that differ, from row {} to row {}".format,
    )
    yield f"SELECT 1 WHERE NOT EXISTS (FROM {table})", lambda _: "it has no row"
    if lookup.format in ("json", "jsonl"):
        for i, column in enumerate(columns):
            yield (
                f"SELECT 1 WHERE NOT EXISTS (FROM {table} WHERE c{i} IS NOT NULL OR x{i})",
                lambda _, column=column: f"no row has a value in '{column}'",
            )
