"""Reads files of every declared format, row by row: what `plain_tsv` cannot read in whole blocks."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from livelift.dead_letters import MOST_KEPT_BYTES
from livelift.escaping import harmless
from livelift.events import MOST_USER_BYTES
from livelift.source import column_of
from livelift.study import Study
from producer.sources import REJECTED, JudgedBlock, Reader, Selection
from producer.sources.finding import files_of
from producer.sources.formats import open_rows
from producer.sources.in_turn import in_turn
from producer.sources.judging import NOT_SELECTED, Event, Judge
from producer.sources.lookup_tables import read_tables
from producer.sources.moments import time_reader
from producer.sources.rows import Row
from producer.sources.time_text import WANTED

ACCEPTED = pa.schema(
    [
        ("time", pa.int64()),
        ("line", pa.int64()),
        ("user", pa.string()),
        ("fields", pa.string()),
        ("identity", pa.string()),
        ("key", pa.string()),
    ]
)

BLOCK_ROWS = 1 << 14
BLOCK_BYTES = 8 << 20
"""A block ends with whichever is reached first, so that memory does not depend on how long rows are."""

MOST_SHOWN = 60
"""Characters of a wrong row that a message quotes."""


def reader(study: Study) -> Reader:
    """The reader of the study's files."""
    time_reader(study.source)  # an unknown time zone is said at once
    return Reader(
        read=partial(read, study),
        what_is_wrong=partial(what_is_wrong, study),
        accepted=ACCEPTED,
        user_sql='"user"',
        fields_sql="fields",
        identity_sql="identity" if study.source.duplicate != [] else "line::VARCHAR",
        key_sql="key" if study.source.duplicate else "",
    )


def read(study: Study, path: Path, selection: Selection) -> Iterator[JudgedBlock]:
    """Judge every row of the input at `path`, block by block.

    Raises
    ------
    InputError
        If a file, or the table of a lookup, cannot be read as the study declares it.
    """
    judge = Judge(study, selection, read_tables(study, path))
    yield from in_turn(files_of(path, study.source), partial(_read_file, study, judge, selection))


def _read_file(study: Study, judge: Judge, selection: Selection, file: Path) -> Iterator[JudgedBlock]:
    for rows, done, total in _blocks(study, file):
        yield _judged(rows, judge, selection, done, total)


def _blocks(study: Study, path: Path) -> Iterator[tuple[list[Row], int, int]]:
    """Rows with the bytes of the file that are read by then, and in all."""
    source = study.source
    own = [column_of(name, field) for name, field in study.fields.items() if not field.lookup]
    keys = [lookup.by for lookup in study.lookups.values()]
    always = [source.user, source.time, *keys, *(source.duplicate or [])]
    columns = list(dict.fromkeys([*always, *own]))
    needed = set(always) | {
        column_of(name, field) for name, field in study.fields.items() if not field.lookup and field.default is None
    }
    with open_rows(path, source, columns, needed) as file:
        for block in _cut(file.rows):
            yield block, file.position(), file.size


def _cut(rows: Iterator[Row]) -> Iterator[list[Row]]:
    block: list[Row] = []
    size = 0
    for row in rows:
        block.append(row)
        size += len(row.raw)
        if len(block) == BLOCK_ROWS or size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _judged(rows: list[Row], judge: Judge, selection: Selection, done: int, total: int) -> JudgedBlock:
    events: list[tuple[int, Event]] = []
    rejected: list[tuple[int, str, bytes]] = []
    reasons: Counter[str] = Counter()
    reaches_end = False
    for row in rows:
        event, reason, time = judge.judge(row)
        if event is not None:
            events.append((row.number, event))
            continue
        reasons[reason] += 1
        if reason != NOT_SELECTED:
            rejected.append((row.number, reason, row.raw[:MOST_KEPT_BYTES]))
        elif selection.end is not None and time is not None:
            reaches_end |= time >= selection.end
    columns = [
        [event.time for _, event in events],
        [number for number, _ in events],
        [event.user for _, event in events],
        [event.fields for _, event in events],
        [event.identity for _, event in events],
        [event.key for _, event in events],
    ]
    wrong = list(zip(*rejected, strict=True)) if rejected else [(), (), ()]
    return JudgedBlock(
        rows=len(rows),
        accepted=pa.record_batch([pa.array(values, kind.type) for values, kind in zip(columns, ACCEPTED, strict=True)], schema=ACCEPTED),
        rejected=pa.record_batch([pa.array(values, kind.type) for values, kind in zip(wrong, REJECTED, strict=True)], schema=REJECTED),
        reasons=dict(reasons),
        reaches_end=reaches_end,
        done=done,
        total=total,
        last=rows[-1].number,
        keys=judge.keys_asked_for(),
    )  # fmt: skip


def what_is_wrong(study: Study, reason: str, row: bytes) -> str:
    """What is wrong with a rejected row, and what is wanted."""
    source = study.source
    wanted = source.time_format or (f"a number of {source.time_unit}" if source.time_unit else WANTED)
    name, _, rule = reason.partition(".")
    said = {
        "encoding": "it is not UTF-8",
        "quoting": "its quotes are wrong: a column in quotes ends before the separator, and a quote in it is doubled",
        "json": "it is no JSON object",
        "columns": "it has another number of columns than are named",
        "user": f"its column '{source.user}' names no user of at most {MOST_USER_BYTES:,} bytes",
        "date": f"its column '{source.time}' has no time, wanted is a form like {wanted}",
        "out_of_range": "its time is outside the dates that the study accepts",
    }
    if rule:
        field = study.fields[name]
        of = f" of the lookup '{field.lookup}'" if field.lookup else ""
        said[reason] = f"its column '{column_of(name, field)}'{of} breaks the rule '{rule}' of the field '{name}'"
    if rule == "lookup":
        key = study.lookups[field.lookup].by
        said[reason] = f"the lookup '{field.lookup}' has no row for its column '{key}', and '{name}' has no default"
    return f"{said[reason]}: '{harmless(row.decode('utf-8', 'backslashreplace'), MOST_SHOWN)}'"
