"""The input as rows for the batch oracle, by code of its own: what `line.sql` reads, for every declared format.

Each format gives the table `raw`: row, broken (why it has no columns, or null), digest (of what is equal in duplicates), user_id and
said (the time) as texts, and of each field its text (`c<i>`) and whether it is something else than a text (`x<i>`). Of a lookup's field
these are the table's, and `l<i>` says that the table has no row for the key. Where the study declares what identifies an event,
`event_key` stands for that, null where a part of it is missing.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from batch.cells import Cells
from batch.columns import cells_of, require_columns
from batch.files import Note, files_of, one_after_the_other, unnoted
from batch.lines import SCHEMA, Progress, raw_lines
from batch.lookups import joined_sql
from batch.parquet_sql import as_text, digest, parquet_kinds, require_read, row_count, rows_of
from livelift.errors import InputError
from livelift.study import Study

BLOCK_ROWS = 20_000


def raw_sql(study: Study, path: Path, database: duckdb.DuckDBPyConnection) -> str:
    """The SELECT that gives `raw`, joined with the tables of lookups, which are read here. It reads the table `feed`, or
    Parquet files itself."""
    return joined_sql(study, path, database, _events_sql(study, path, database))


def _events_sql(study: Study, path: Path, database: duckdb.DuckDBPyConnection) -> str:
    if study.source.format == "parquet":
        return _parquet_files_sql(study, files_of(path, study.source), database)
    if is_text_in_sql(study):
        return _tsv_sql(study)
    cells = "".join(f", c{i}, x{i}" for i in range(len(study.fields)))
    key = ", md5_number(event_key) AS event_key" if study.source.duplicate else ""
    return (
        f'SELECT "row", broken, {_digest(study, "md5_number(written)")} AS digest{key}, user_id, said{cells} FROM feed'
    )


def _digest(study: Study, written: str) -> str:
    """What is equal in duplicates of one user and moment: nothing, if the study says that no row is one."""
    return '"row"::UHUGEINT' if study.source.duplicate == [] else written


def _key_sql(study: Study, texts: list[str]) -> str:
    """The column `event_key` of these texts, if the study declares it."""
    there = " AND ".join(f"{text} <> ''" for text in texts)
    return (
        f", CASE WHEN {there} THEN md5_number(to_json([{', '.join(texts)}])::VARCHAR) END AS event_key" if texts else ""
    )


def is_text_in_sql(study: Study) -> bool:
    """TSV whose columns the study names is split in SQL."""
    return study.source.format == "tsv" and bool(study.source.columns)


def _of_fields(study: Study) -> list[str]:
    """The events' column of each field: of a lookup's, the one that has the key."""
    return [
        study.lookups[field.lookup].by if field.lookup else field.column or name for name, field in study.fields.items()
    ]


def _tsv_sql(study: Study) -> str:
    names = study.source.columns
    key = _key_sql(study, [f"field[{names.index(column) + 1}]" for column in study.source.duplicate or []])
    cells = "".join(
        f", field[{names.index(column) + 1}] AS c{i}, false AS x{i}" for i, column in enumerate(_of_fields(study))
    )
    return f"""
        SELECT
            "row",
            CASE WHEN text IS NULL THEN 'encoding' WHEN len(field) <> {len(names)} THEN 'columns' END AS broken,
            {_digest(study, "md5_number(text)")} AS digest{key},
            field[{names.index(study.source.user) + 1}] AS user_id,
            field[{names.index(study.source.time) + 1}] AS said{cells}
        FROM (
            SELECT "row", text, string_split(text, chr(9)) AS field
            FROM (SELECT "row", try(decode(line)) AS text FROM feed)  -- null where the bytes are not UTF-8
        )"""


def _parquet_files_sql(study: Study, files: list[Path], database: duckdb.DuckDBPyConnection) -> str:
    selects = []
    before = 0
    for file in files:
        selects.append(_parquet_sql(study, file, before, database))
        if len(files) > 1:
            before += row_count(file, database)
    return " UNION ALL ".join(selects)


def _parquet_sql(study: Study, path: Path, before: int, database: duckdb.DuckDBPyConnection) -> str:
    kinds = parquet_kinds(path, database)
    _require(study, path, list(kinds))
    columns = _of_fields(study)
    identifying = study.source.duplicate or []
    require_read(path, kinds, [study.source.user, study.source.time, *identifying, *columns])
    key = _key_sql(study, [as_text(column, kinds[column])[0] for column in identifying])
    cells = ""
    for i, column in enumerate(columns):
        text, nested = as_text(column, kinds.get(column))
        cells += f", {text} AS c{i}, {nested} AS x{i}"
    return f"""
        SELECT
            file_row_number + {before + 1} AS "row", NULL::VARCHAR AS broken,
            {_digest(study, digest(kinds))} AS digest{key},
            {as_text(study.source.user, kinds[study.source.user])[0]} AS user_id,
            {as_text(study.source.time, kinds[study.source.time])[0]} AS said{cells}
        FROM {rows_of(path)}"""


def _require(study: Study, path: Path, there: list[str]) -> None:
    """A column may be missing if it gives nothing but fields with a default."""
    needed = [study.source.user, study.source.time, *(lookup.by for lookup in study.lookups.values())]
    needed += study.source.duplicate or []
    needed += [
        field.column or name for name, field in study.fields.items() if field.default is None and not field.lookup
    ]
    require_columns(path, there, needed, _of_fields(study))


def batches(study: Study, path: Path, progress: Progress | None, note: Note = unnoted) -> Iterator[pa.RecordBatch]:
    """The table `feed`, in pieces. Raises `InputError` if a file cannot be read."""
    files = files_of(path, study.source)
    if is_text_in_sql(study):
        yield from _lines_of(files, study, progress, note)
        return
    wanted = [study.source.user, study.source.time, *_of_fields(study)]
    block: list[list[Any]] = []

    def rows_of_file(file: Path) -> Iterator[tuple[int, Cells]]:
        return cells_of(study.source, file, partial(_require, study, file))

    for row, found in one_after_the_other(files, rows_of_file, note):
        texts = [found.get(column) for column in wanted]
        user, said, *fields = (text if isinstance(text, str) else None for text in texts)
        nested = [text is not None and not isinstance(text, str) for text in texts[2:]]
        of_fields = [value for pair in zip(fields, nested, strict=True) for value in pair]
        identifying = [found.get(column) for column in study.source.duplicate or []]
        key = json.dumps(identifying) if all(part and isinstance(part, str) for part in identifying) else None
        block.append([row, found.broken, found.written, key, user, said, *of_fields])
        if len(block) == BLOCK_ROWS:
            yield _batch(block, len(study.fields))
            if progress is not None:
                progress(row)
            block = []
    yield _batch(block, len(study.fields))


def _lines_of(files: list[Path], study: Study, progress: Progress | None, note: Note) -> Iterator[pa.RecordBatch]:
    """The lines of all files, numbered on."""
    rows = 0
    for file in files:
        note(file, rows)
        before = rows
        for batch in raw_lines(file, study.source):
            rows += batch.num_rows
            moved = pc.add(batch["row"], before) if before else batch["row"]
            yield pa.record_batch([moved, batch["line"]], schema=SCHEMA)
            if progress is not None:
                progress(rows)


def schema(study: Study) -> pa.Schema:
    """Of the table `feed`."""
    if is_text_in_sql(study):
        return SCHEMA
    return _schema(len(study.fields))


def _schema(fields: int) -> pa.Schema:
    texts = [(name, pa.string()) for name in ("broken", "written", "event_key", "user_id", "said")]
    of_fields = [pair for i in range(fields) for pair in ((f"c{i}", pa.string()), (f"x{i}", pa.bool_()))]
    return pa.schema([("row", pa.int64()), *texts, *of_fields])


def _batch(rows: list[list[Any]], fields: int) -> pa.RecordBatch:
    kinds = _schema(fields)
    columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
    return pa.record_batch(
        [pa.array(column, kind.type) for column, kind in zip(columns, kinds, strict=True)], schema=kinds
    )


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
