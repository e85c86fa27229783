"""Columns of a Parquet file as SQL expressions that are texts, for the batch oracle."""

import glob
from pathlib import Path

import duckdb

from livelift.errors import InputError


def parquet_kinds(path: Path, database: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Column → its DuckDB type. Raises `InputError` if it is no Parquet file."""
    try:
        described = database.execute(f"DESCRIBE FROM read_parquet({file_literal(path)}, hive_partitioning = false)")
        kinds = {name: kind for name, kind, *_ in described.fetchall()}
    except duckdb.Error as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}", "give a readable file") from None
    if "file_row_number" in kinds:
        raise InputError(f"{path} has a column 'file_row_number', which DuckDB needs", "call it otherwise")
    return kinds


def require_read(path: Path, kinds: dict[str, str], columns: list[str]) -> None:
    """Is each of these columns, where it is there, of a type that is read?"""
    for column in dict.fromkeys(columns):
        if column in kinds and _kind(kinds[column]) == "other":
            raise InputError(f"{path}: '{column}' is of the type {kinds[column]}", "write the column as text")


def rows_of(path: Path) -> str:
    """The table function that gives the rows, with `file_row_number` from 0."""
    return f"read_parquet({file_literal(path)}, file_row_number = true, hive_partitioning = false)"


def row_count(path: Path, database: duckdb.DuckDBPyConnection) -> int:
    """How many rows the file has."""
    count: int = database.execute(f"SELECT count(*) FROM {rows_of(path)}").fetchall()[0][0]
    return count


def file_literal(path: Path) -> str:
    """The path for DuckDB, which would read all files that match a pattern."""
    return "'" + glob.escape(str(path)).replace("'", "''") + "'"


def digest(kinds: dict[str, str]) -> str:
    """What tells rows apart."""
    written = ", ".join(_written(name, kind) for name, kind in kinds.items() if _kind(kind) != "other")
    return f"md5_number(to_json([{written}])::VARCHAR)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


SIMPLE = {"VARCHAR", "BOOLEAN", "DATE", "DOUBLE", "FLOAT"} | {
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
}


def _kind(kind: str) -> str:
    """Which of the kinds that are read differently a DuckDB type is."""
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return "nested"
    if kind in SIMPLE or kind.startswith("DECIMAL"):
        return "simple"
    return "bytes" if kind == "BLOB" else "timestamp" if kind.startswith("TIMESTAMP") else "other"


def as_text(name: str, kind: str | None) -> tuple[str, str]:
    """A column as text, and is it something else than a text?"""
    column = _quoted(name)
    if kind is None:
        return "NULL::VARCHAR", "false"
    match _kind(kind):
        case "nested":
            return "NULL::VARCHAR", f"{column} IS NOT NULL"
        case "bytes":
            return f"try(decode({column}))", f"{column} IS NOT NULL AND try(decode({column})) IS NULL"
        case "timestamp":
            fine, per = (f"epoch_ns({column})", 10**6) if kind.endswith("NS") else (f"epoch_us({column})", 1_000)
            ms = f"(({fine} - (({fine} % {per}) + {per}) % {per}) // {per})"
            zone = "Z" if "TZ" in kind or "ZONE" in kind else ""
            return f"try(strftime(make_timestamp({ms} * 1000), '%Y-%m-%dT%H:%M:%S.%g{zone}'))", "false"
    return f"{column}::VARCHAR", "false"


def _written(name: str, kind: str) -> str:
    """What tells rows apart in a column: bytes and timestamps whole."""
    column = _quoted(name)
    return f"hex({column})" if kind == "BLOB" else f"{column}::VARCHAR"
