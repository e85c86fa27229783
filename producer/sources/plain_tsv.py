"""Reads plain TSV in whole blocks: tabs between the columns that the study names, no header, no quotes, fields as they stand.

Rows end at LF and one trailing CR is stripped; nothing else breaks a line. What needs more is read by `table`, row by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from livelift.dead_letters import MOST_KEPT_BYTES
from livelift.escaping import harmless
from livelift.event_time import from_date
from livelift.events import MOST_USER_BYTES
from livelift.source import column_of
from livelift.study import Study
from producer.sources import REJECTED, JudgedBlock, Reader, Selection
from producer.sources.finding import files_of, is_data_file
from producer.sources.in_turn import in_turn
from producer.sources.input_file import MAX_LINE_BYTES, is_utf8, lines_of_cr, open_input, too_long, whole_lines
from producer.sources.time_text import WANTED, read_time
from producer.sources.utc_text import BARE_LENGTH, LENGTH, parse_utc

REASONS = ("encoding", "columns", "user", "date", "out_of_range", "not_selected")
"""Why a row is rejected, in the order of judging: the first that holds."""

ACCEPTED = pa.schema([("time", pa.int64()), ("line", pa.int64()), ("text", pa.string())])
"""Accepted rows: `text` is the line without its end."""

MOST_SHOWN = 60
"""Characters of a wrong line that a message quotes."""
_TAB, _LF, _CR = b"\t\n\r"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns' names, and which of them (from 0) say who and when."""

    names: tuple[str, ...]
    user: int
    time: int


def columns_of(study: Study) -> Columns:
    """The columns that the study names."""
    names = study.source.columns
    return Columns(tuple(names), names.index(study.source.user), names.index(study.source.time))


def reads(study: Study) -> bool:
    """Is all that the study declares of its input of this plain kind?"""
    source = study.source
    times = not source.time_format and not source.time_unit and source.time_zone == "UTC"
    plain = all(field.is_plain for field in study.fields.values())
    times = times and source.user != source.time
    return source.format == "tsv" and bool(source.columns) and times and plain and not source.duplicate


def reader(study: Study) -> Reader:
    """The reader of the study's files."""
    columns = columns_of(study)
    cell = {name: f"string_split(text, chr(9))[{number}]" for number, name in enumerate(columns.names, 1)}
    taken = [("user", study.source.user), ("time", study.source.time)]
    taken += [(name, column_of(name, field)) for name, field in study.fields.items()]
    fields = ", ".join(f'"{name}" := {cell[column]}' for name, column in taken)
    fields_sql = f"to_json(struct_pack({fields}))::VARCHAR"
    everything = set(columns.names) <= {column for _, column in taken}
    return Reader(
        read=partial(read, study),
        what_is_wrong=partial(what_is_wrong, columns),
        accepted=ACCEPTED,
        user_sql=f"split_part(text, chr(9), {columns.user + 1})",
        fields_sql=fields_sql,
        identity_sql="line::VARCHAR" if study.source.duplicate == [] else fields_sql if everything else "text",
    )


def read(study: Study, path: Path, selection: Selection) -> Iterator[JudgedBlock]:
    """Judge every row of the input at `path`, block by block.

    Raises
    ------
    InputError
        If a file cannot be read as text lines.
    """
    yield from in_turn(files_of(path, study.source), partial(_read_file, study, selection))


def _read_file(study: Study, selection: Selection, file: Path) -> Iterator[JudgedBlock]:
    limits = (from_date(study.source.not_before), from_date(study.source.before))
    columns = columns_of(study)
    with open_input(file, partial(is_data_file, study.source)) as opened:
        line = 1
        for block in whole_lines(opened.stream):
            if line == 1 and _are_rows_of_cr(block, len(columns.names)):
                raise lines_of_cr()
            judged = judge(block, line, columns, limits, selection, opened.position(), opened.size)
            yield judged
            line += judged.rows


def judge(
    block: bytes,
    first_line: int,
    columns: Columns,
    limits: tuple[int, int],
    selection: Selection,
    done: int = 0,
    total: int = 0,
) -> JudgedBlock:
    """Judge the rows of `block`.

    Parameters
    ----------
    block
        Whole lines; the last one may lack its LF.
    first_line
        Number of its first line in the file.
    limits
        Acceptable event times, [least, end) in ms.
    """
    content = np.frombuffer(block, np.uint8)
    starts, ends = _lines(content)
    if int((ends - starts).max()) > MAX_LINE_BYTES:
        raise too_long()
    time, reason = _judge_lines(block, content, starts, ends, columns, limits, selection)
    good = reason == len(REASONS)
    numbers = np.arange(first_line, first_line + len(starts))
    accepted = pa.record_batch([time[good], numbers[good], _texts(content, starts[good], ends[good])], schema=ACCEPTED)
    kept = np.flatnonzero(reason < REASONS.index("not_selected"))
    rejected = pa.record_batch(
        [
            numbers[kept],
            [REASONS[code] for code in reason[kept]],
            [block[starts[row] : min(ends[row], starts[row] + MOST_KEPT_BYTES)] for row in kept],
        ],
        schema=REJECTED,
    )
    counts = np.bincount(reason, minlength=len(REASONS))
    reasons = {name: int(count) for name, count in zip(REASONS, counts, strict=False) if count}
    left_out = reason == REASONS.index("not_selected")
    reaches_end = selection.end is not None and bool((time[left_out] >= selection.end).any())
    last = first_line + len(starts) - 1
    return JudgedBlock(len(starts), accepted, rejected, reasons, reaches_end, done, total, last)


def _are_rows_of_cr(block: bytes, columns: int) -> bool:
    """Is the one row of `block` several that end in CR? That it is the only one in the file need not be known."""
    text = block.rstrip(b"\r\n")
    return b"\n" not in text and b"\r" in text and text.count(b"\t") >= 2 * (columns - 1)


def _lines(content: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and end of each line's text: without its LF and one CR before that. `content` is not empty."""
    ends = np.flatnonzero(content == _LF)
    if content[-1] != _LF:
        ends = np.append(ends, len(content))
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    ends = ends - ((ends > starts) & (content[ends - 1] == _CR))
    return starts, ends


def _judge_lines(
    block: bytes,
    content: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    columns: Columns,
    limits: tuple[int, int],
    selection: Selection,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Per line: event time in ms, and the index of its reason in `REASONS`, or their number if it is acceptable."""
    tabs = np.flatnonzero(content == _TAB)
    first_tab = np.searchsorted(tabs, starts)
    shaped = np.flatnonzero(np.searchsorted(tabs, ends) - first_tab == len(columns.names) - 1)
    time = np.zeros(len(starts), np.int64)
    reason = np.full(len(starts), REASONS.index("columns"))
    reason[shaped] = len(REASONS)

    def bounds(column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the column's text begins and ends in each shaped line."""
        tab = first_tab[shaped] + column
        start = starts[shaped] if column == 0 else tabs[tab - 1] + 1
        return start, ends[shaped] if column == len(columns.names) - 1 else tabs[tab]

    date_start, date_end = bounds(columns.time)
    dated = np.zeros(len(shaped), bool)
    width = date_end - date_start
    for length in (LENGTH, BARE_LENGTH):
        of_length = np.flatnonzero(width == length)
        texts = content[date_start[of_length][:, None] + np.arange(length)]
        time[shaped[of_length]], dated[of_length] = parse_utc(texts)
    for place in np.flatnonzero(~dated):  # of another form: none in the published file
        moment = read_time(block[date_start[place] : date_end[place]])
        if moment is not None:
            time[shaped[place]], dated[place] = moment, True
    long = shaped[dated]

    # From the last reason to the first, so that the first that holds stays.
    start, end = selection.start, selection.end
    if start is not None or end is not None:
        outside = np.zeros(len(long), bool) if start is None else time[long] < start
        outside |= False if end is None else time[long] >= end
        reason[long[outside]] = REASONS.index("not_selected")
    reason[long[(time[long] < limits[0]) | (time[long] >= limits[1])]] = REASONS.index("out_of_range")
    reason[shaped[~dated]] = REASONS.index("date")
    user_start, user_end = bounds(columns.user)
    user_bytes = user_end - user_start
    reason[shaped[(user_bytes == 0) | (user_bytes > MOST_USER_BYTES)]] = REASONS.index("user")
    if not _all_utf8(block):
        wrong = [row for row in range(len(starts)) if not is_utf8(block[starts[row] : ends[row]])]
        reason[wrong] = REASONS.index("encoding")
    return time, reason


def _all_utf8(block: bytes) -> bool:
    """Is the whole of `block` UTF-8? Eight times as fast as decoding it."""
    ends = pa.py_buffer(np.array([0, len(block)], np.int32))
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(block)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _texts(content: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.Array:
    """The lines [start, end) of `content` as an Arrow string column, without copying them one by one."""
    offsets = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(ends - starts, out=offsets[1:])
    runs = np.empty(2 * len(starts), np.int64)  # between lines, line, between lines, line …
    runs[1::2] = ends - starts
    runs[0::2] = np.diff(ends, prepend=0) - runs[1::2]
    inside = np.repeat(np.tile([False, True], len(starts)), runs)
    text = content[: len(inside)][inside]
    return pa.Array.from_buffers(pa.string(), len(starts), [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def what_is_wrong(columns: Columns, reason: str, line: bytes) -> str:
    """What is wrong with a rejected line, and what is wanted.

    >>> what_is_wrong(Columns(("user", "time", "shop"), 0, 1), "date", b"u\\t2/3/2009\\ta")
    "its time is '2/3/2009', wanted is a form like 2009-03-02T08:00:00Z"
    """
    fields = line.split(b"\t")
    if reason == "date":
        said = b"".join(fields[columns.time : columns.time + 1])
        return f"its time is '{_quoted(said)}', wanted is a form like {WANTED}"
    if reason == "columns":
        there = f"{len(fields)} column{'s' * (len(fields) != 1)}"
        names = ", ".join(columns.names)
        return f"it has {there}, wanted are {len(columns.names)} with tabs between ({names}): '{_quoted(line)}'"
    wanted = {
        "encoding": "it is not UTF-8",
        "user": f"it names no user of at most {MOST_USER_BYTES:,} bytes in its column '{columns.names[columns.user]}'",
        "out_of_range": "its time is outside the dates that the study accepts",
    }
    return f"{wanted[reason]}: '{_quoted(line)}'"


def _quoted(text: bytes) -> str:
    return harmless(text.decode("utf-8", "backslashreplace"), MOST_SHOWN)
