"""The input as rows for the batch oracle, by code of its own: what `line.sql` reads, for every declared format.

Each format gives the table `raw`: row, broken (why it has no columns, or null), digest (of what is equal in duplicates), user_id and
said (the time) as texts, and of each field its text (`c<i>`) and whether it is something else than a text (`x<i>`).
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from batch.cells import Cells, csv_rows, json_cells, refuse, tsv_rows
from batch.lines import LONGEST_ROW, SCHEMA, UNPACKING, Progress, raw_lines, text_lines
from batch.packing import opened
from livelift.errors import InputError
from livelift.study import Study

BLOCK_ROWS = 20_000

MOST_ARRAY = 1 << 30
"""Bytes of a file that is one JSON array."""


def raw_sql(study: Study, path: Path, database: duckdb.DuckDBPyConnection) -> str:
    """The SELECT that gives `raw`. It reads the table `feed`, or a Parquet file itself."""
    if study.source.format == "parquet":
        return _parquet_sql(study, path, database)
    if is_text_in_sql(study):
        return _tsv_sql(study)
    cells = "".join(f", c{i}, x{i}" for i in range(len(study.fields)))
    return f'SELECT "row", broken, md5_number(written) AS digest, user_id, said{cells} FROM feed'


def is_text_in_sql(study: Study) -> bool:
    """TSV whose columns the study names is split in SQL."""
    return study.source.format == "tsv" and bool(study.source.columns)


def _of_fields(study: Study) -> list[str]:
    return [field.column or name for name, field in study.fields.items()]


def _tsv_sql(study: Study) -> str:
    names = study.source.columns
    cells = "".join(
        f", field[{names.index(column) + 1}] AS c{i}, false AS x{i}" for i, column in enumerate(_of_fields(study))
    )
    return f"""
        SELECT
            "row",
            CASE WHEN text IS NULL THEN 'encoding' WHEN len(field) <> {len(names)} THEN 'columns' END AS broken,
            md5_number(text) AS digest,
            field[{names.index(study.source.user) + 1}] AS user_id,
            field[{names.index(study.source.time) + 1}] AS said{cells}
        FROM (
            SELECT "row", text, string_split(text, chr(9)) AS field
            FROM (SELECT "row", try(decode(line)) AS text FROM feed)  -- null where the bytes are not UTF-8
        )"""


def _parquet_sql(study: Study, path: Path, database: duckdb.DuckDBPyConnection) -> str:
    file = "'" + str(path).replace("'", "''") + "'"
    try:
        kinds = {
            name: kind
            for name, kind, *_ in database.execute(
                f"DESCRIBE FROM read_parquet({file}, hive_partitioning = false)"
            ).fetchall()
        }
    except duckdb.Error as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}", "give a readable file") from None
    _require(study, list(kinds), path)
    cells = ""
    for i, column in enumerate(_of_fields(study)):
        text, nested = _text(column, kinds.get(column))
        cells += f", {text} AS c{i}, {nested} AS x{i}"
    for column in dict.fromkeys([study.source.user, study.source.time, *_of_fields(study)]):
        if column in kinds and _kind(kinds[column]) == "other":
            raise InputError(f"{path}: '{column}' is of the type {kinds[column]}", "write the column as text")
    if "file_row_number" in kinds:
        raise InputError(f"{path} has a column 'file_row_number', which DuckDB needs", "call it otherwise")
    written = ", ".join(_written(name, kind) for name, kind in kinds.items() if _kind(kind) != "other")
    return f"""
        SELECT
            file_row_number + 1 AS "row", NULL::VARCHAR AS broken, md5_number(to_json([{written}])::VARCHAR) AS digest,
            {_text(study.source.user, kinds[study.source.user])[0]} AS user_id,
            {_text(study.source.time, kinds[study.source.time])[0]} AS said{cells}
        FROM read_parquet({file}, file_row_number = true, hive_partitioning = false)"""


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


def _text(name: str, kind: str | None) -> tuple[str, str]:
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


def _require(study: Study, there: list[str], path: Path) -> None:
    """Are the columns there that the study reads, each once? One that gives a field with a default may be missing."""
    needed = [study.source.user, study.source.time]
    needed += [field.column or name for name, field in study.fields.items() if field.default is None]
    for name in dict.fromkeys([*needed, *_of_fields(study)]):
        times = there.count(name)
        if times > 1 or (times == 0 and name in needed):
            raise InputError(f"{path} has {times} columns '{name}', of {there}", "name the columns as the file does")


def batches(study: Study, path: Path, progress: Progress | None) -> Iterator[pa.RecordBatch]:
    """The table `feed`, in pieces. Raises `InputError` if the file cannot be read."""
    if is_text_in_sql(study):
        yield from raw_lines(path, study.source, progress)
        return
    wanted = [study.source.user, study.source.time, *_of_fields(study)]
    block: list[list[Any]] = []
    for row, found in _cells(study, path):
        texts = [found.get(column) for column in wanted]
        user, said, *fields = (text if isinstance(text, str) else None for text in texts)
        nested = [text is not None and not isinstance(text, str) for text in texts[2:]]
        of_fields = [value for pair in zip(fields, nested, strict=True) for value in pair]
        block.append([row, found.broken, found.written, user, said, *of_fields])
        if len(block) == BLOCK_ROWS:
            yield _batch(block, len(study.fields))
            if progress is not None:
                progress(row)
            block = []
    yield _batch(block, len(study.fields))


def schema(study: Study) -> pa.Schema:
    """Of the table `feed`."""
    if is_text_in_sql(study):
        return SCHEMA
    return _schema(len(study.fields))


def _schema(fields: int) -> pa.Schema:
    texts = [(name, pa.string()) for name in ("broken", "written", "user_id", "said")]
    of_fields = [pair for i in range(fields) for pair in ((f"c{i}", pa.string()), (f"x{i}", pa.bool_()))]
    return pa.schema([("row", pa.int64()), *texts, *of_fields])


def _batch(rows: list[list[Any]], fields: int) -> pa.RecordBatch:
    kinds = _schema(fields)
    columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
    return pa.record_batch(
        [pa.array(column, kind.type) for column, kind in zip(columns, kinds, strict=True)], schema=kinds
    )


def _cells(study: Study, path: Path) -> Iterator[tuple[int, Cells]]:
    """The rows with their numbers."""
    source = study.source
    if source.format == "json":
        for row, element in enumerate(_elements(study, path), 1):
            yield row, json_cells(element)
        return
    if source.format == "jsonl":
        for row, line in text_lines(path, source):
            yield row, json_cells(line.removesuffix(b"\n").removesuffix(b"\r"))
        return
    lines = text_lines(path, source)
    rows = csv_rows(lines, source.delimiter) if source.format == "csv" else tsv_rows(lines)
    names = list(source.columns)
    if not names:
        _, header, _ = next(rows, (0, None, ""))
        names = [name.strip() for name in header or []]
        _require(study, names, path)
    for row, texts, broken in rows:
        if texts is not None and len(texts) != len(names):
            texts, broken = None, "columns"
        found = None if texts is None else dict(zip(names, texts, strict=True))
        yield row, Cells(found, json.dumps(texts), broken or None)


def _elements(study: Study, path: Path) -> Iterator[bytes]:
    """The elements of a file that is one array, as written."""
    pieces = []
    try:
        with opened(path, study.source) as stream:
            while piece := stream.read(1 << 20):
                pieces.append(piece)
                if len(pieces) << 20 > MOST_ARRAY:
                    raise InputError(f"{path} is larger than 1 GiB", "write one object a line")
        yield from array_elements(b"".join(pieces).decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON array: {error}", "give a file like [{…}, …]") from None
    except UNPACKING as error:
        raise InputError(f"{path} cannot be read: {error}", "give a readable file, or copy it again") from error


_decode = json.JSONDecoder(parse_constant=refuse).raw_decode


def array_elements(text: str) -> Iterator[bytes]:
    """The elements of an array as written, without what stands between them. Raises `ValueError` if it is none.

    >>> list(array_elements('[ {"a": 1} ,2]'))
    [b'{"a": 1}', b'2']
    """
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("it does not begin with [")
    at = _after_space(text, at + 1)
    ended = text[at : at + 1] == "]"
    while not ended:
        value, end = _decode(text, at)
        if re.search("[\ud800-\udfff]", json.dumps(value, ensure_ascii=False)) and not re.search(
            "[\udc80-\udcff]", text[at:end]
        ):
            raise ValueError("half a surrogate pair is no text")
        if end - at > LONGEST_ROW:
            raise ValueError("an element is longer than 2 MiB")
        yield text[at:end].encode("utf-8", "surrogateescape")
        at = _after_space(text, end)
        ended = text[at : at + 1] == "]"
        if not ended and text[at : at + 1] != ",":
            raise ValueError(f"no comma after an element, at character {at}")
        at = at if ended else _after_space(text, at + 1)
    at = _after_space(text, at + 1)
    if at != len(text):
        raise ValueError(f"something follows the array, at character {at}")


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


@contextmanager
def fed(
    database: duckdb.DuckDBPyConnection, study: Study, rows: Callable[[], Iterator[pa.RecordBatch]]
) -> Iterator[None]:
    """The table `feed` while the file is read. The reader's own error comes out: DuckDB would lose its type."""
    failed: list[InputError] = []

    def watched() -> Iterator[pa.RecordBatch]:
        try:
            yield from rows()
        except InputError as error:
            failed.append(error)
            raise

    database.register("feed", pa.RecordBatchReader.from_batches(schema(study), watched()))
    try:
        yield
    except duckdb.Error as error:
        if failed:
            raise failed[0] from None
        if study.source.format == "parquet":
            raise InputError(
                f"the Parquet file cannot be read: {str(error).splitlines()[0]}", "copy it again"
            ) from None
        raise
    finally:
        database.unregister("feed")
