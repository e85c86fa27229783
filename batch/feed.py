"""The input as rows for the batch oracle, by code of its own: what `line.sql` reads, for every declared format.

Each format gives the table `raw`: row, broken (why it has no columns, or null), written (what is equal in duplicates), user and
time as texts, and of each field its text (`c<i>`) and whether it is an object or list (`x<i>`).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from batch.cells import Cells, csv_rows, json_cells, tsv_rows
from batch.lines import SCHEMA, Progress, raw_lines, text_lines
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
        kinds = {name: kind for name, kind, *_ in database.execute(f"DESCRIBE FROM read_parquet({file})").fetchall()}
    except duckdb.Error as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}", "give a readable file") from None
    needed = [study.source.user, study.source.time]
    needed += [field.column or name for name, field in study.fields.items() if field.default is None]
    _require(needed, list(kinds), path)
    cells = ""
    for i, column in enumerate(_of_fields(study)):
        text, nested = _text(column, kinds.get(column))
        cells += f", {text} AS c{i}, {nested} AS x{i}"
    written = ", ".join(
        f"{_quoted(name)}::VARCHAR" if _is_nested(kind) else _text(name, kind)[0] for name, kind in kinds.items()
    )
    return f"""
        SELECT
            file_row_number + 1 AS "row", NULL::VARCHAR AS broken, md5_number(to_json([{written}])::VARCHAR) AS digest,
            {_text(study.source.user, kinds[study.source.user])[0]} AS user_id,
            {_text(study.source.time, kinds[study.source.time])[0]} AS said{cells}
        FROM read_parquet({file}, file_row_number = true)"""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_nested(kind: str) -> bool:
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))


def _text(name: str, kind: str | None) -> tuple[str, str]:
    """A column as text, and is it something else than a text?"""
    column = _quoted(name)
    if kind is None:
        return "NULL::VARCHAR", "false"
    if _is_nested(kind):
        return "NULL::VARCHAR", f"{column} IS NOT NULL"
    if kind == "BLOB":
        return f"try(decode({column}))", f"{column} IS NOT NULL AND try(decode({column})) IS NULL"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(timezone('UTC', {column}), '%Y-%m-%dT%H:%M:%S.%gZ')", "false"
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%g')", "false"
    return f"{column}::VARCHAR", "false"


def _require(needed: list[str], there: list[str], path: Path) -> None:
    for name in needed:
        if there.count(name) != 1:
            raise InputError(
                f"{path} has {there.count(name)} columns '{name}', of {there}", "name the columns as the file does"
            )


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
        needed = [field.column or name for name, field in study.fields.items() if field.default is None]
        _require([source.user, source.time, *needed], names, path)
    for row, texts, broken in rows:
        if texts is not None and len(texts) != len(names):
            texts, broken = None, "columns"
        found = None if texts is None else dict(zip(names, texts, strict=True))
        yield row, Cells(found, json.dumps(texts), broken or None)


def _elements(study: Study, path: Path) -> Iterator[bytes]:
    """The elements of a file that is one array, as written."""
    with opened(path, study.source) as stream:
        text = b""
        while piece := stream.read(1 << 20):
            text += piece
            if len(text) > MOST_ARRAY:
                raise InputError(f"{path} is larger than 1 GiB", "write one object a line")
    try:
        yield from array_elements(text.decode("utf-8", "surrogateescape"))
    except ValueError as error:
        raise InputError(f"{path} is no JSON array: {error}", "give a file like [{…}, …]") from None


_decode = json.JSONDecoder().raw_decode


def array_elements(text: str) -> Iterator[bytes]:
    """The elements of an array as written, without what stands between them. Raises `ValueError` if it is none.

    >>> list(array_elements('[ {"a": 1} ,2]'))
    [b'{"a": 1}', b'2']
    """
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("it does not begin with [")
    at = _after_space(text, at + 1)
    if text[at : at + 1] == "]":
        at = _after_space(text, at + 1)
    else:
        while True:
            _, end = _decode(text, at)
            yield text[at:end].encode("utf-8", "surrogateescape")
            at = _after_space(text, end)
            if text[at : at + 1] == "]":
                at = _after_space(text, at + 1)
                break
            if text[at : at + 1] != ",":
                raise ValueError(f"no comma after an element, at character {at}")
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
    except duckdb.Error:
        if failed:
            raise failed[0] from None
        raise
    finally:
        database.unregister("feed")
