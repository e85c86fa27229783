"""Parses and validates rows of the published file of Last.fm 1K Users (Òscar Celma).

Six tab-separated columns: user id, time, artist id, artist name, track id, track name. No header, no quoting; rows end at
LF and one trailing CR is stripped; nothing else breaks a line.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from livelift.dead_letters import MOST_KEPT_BYTES
from livelift.event_time import from_date
from livelift.events import MOST_USER_BYTES
from livelift.plain_text import harmless
from livelift.study import Study
from producer.sources import ACCEPTED, REJECTED, JudgedBlock, Selection, Source
from producer.sources.input_file import MAX_LINE_BYTES, lines_of_cr, open_input, too_long, whole_lines
from producer.sources.lastfm_files import find, is_data_file
from producer.sources.time_text import WANTED, read_time
from producer.sources.utc_text import BARE_LENGTH, LENGTH, parse_utc

REASONS = ("encoding", "columns", "user", "date", "out_of_range", "not_selected")
"""Why a row is rejected, in the order of judging: the first that holds."""

NAMES = ("user", "time", "artist id", "artist", "track id", "track")
_COLUMNS = len(NAMES)
MOST_SHOWN = 60
"""Characters of a wrong line that a message quotes."""
_TAB, _LF, _CR = b"\t\n\r"


def read(path: Path, study: Study, selection: Selection) -> Iterator[JudgedBlock]:
    """Judge every row of `path`, block by block.

    Raises
    ------
    InputError
        If the file cannot be read as text lines.
    """
    pattern = study.input.file_glob
    limits = (from_date(study.input.not_before), from_date(study.input.before))
    with open_input(path, partial(is_data_file, pattern)) as file:
        line = 1
        for block in whole_lines(file.stream):
            if line == 1 and _are_rows_of_cr(block):
                raise lines_of_cr()
            judged = judge(block, line, limits, selection, file.position(), file.size)
            yield judged
            line += judged.rows


def judge(
    block: bytes, first_line: int, limits: tuple[int, int], selection: Selection, done: int = 0, total: int = 0
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
    time, reason = _judge_lines(block, content, starts, ends, limits, selection)
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
    return JudgedBlock(len(starts), accepted, rejected, reasons, reaches_end, done, total)


def _are_rows_of_cr(block: bytes) -> bool:
    """Is the one row of `block` several that end in CR? That it is the only one in the file need not be known."""
    text = block.rstrip(b"\r\n")
    return b"\n" not in text and b"\r" in text and text.count(b"\t") >= 2 * (_COLUMNS - 1)


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
    limits: tuple[int, int],
    selection: Selection,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Per line: event time in ms, and the index of its reason in `REASONS`, or their number if it is acceptable."""
    tabs = np.flatnonzero(content == _TAB)
    first_tab = np.searchsorted(tabs, starts)
    shaped = np.flatnonzero(np.searchsorted(tabs, ends) - first_tab == _COLUMNS - 1)
    time = np.zeros(len(starts), np.int64)
    reason = np.full(len(starts), REASONS.index("columns"))
    reason[shaped] = len(REASONS)

    user_end, date_end = tabs[first_tab[shaped]], tabs[first_tab[shaped] + 1]
    dated = np.zeros(len(shaped), bool)
    width = date_end - user_end - 1
    for length in (LENGTH, BARE_LENGTH):
        of_length = np.flatnonzero(width == length)
        texts = content[(user_end[of_length] + 1)[:, None] + np.arange(length)]
        time[shaped[of_length]], dated[of_length] = parse_utc(texts)
    for place in np.flatnonzero(~dated):  # of another form: none in the published file
        moment = read_time(block[user_end[place] + 1 : date_end[place]])
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
    user_bytes = user_end - starts[shaped]
    reason[shaped[(user_bytes == 0) | (user_bytes > MOST_USER_BYTES)]] = REASONS.index("user")
    if not _all_utf8(block):
        wrong = [row for row in range(len(starts)) if not _is_utf8(block[starts[row] : ends[row]])]
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


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
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


def what_is_wrong(reason: str, line: bytes) -> str:
    """What is wrong with a rejected line, and what is wanted.

    >>> what_is_wrong("date", b"u\\t2/3/2009\\t\\ta\\t\\tt")
    "its time is '2/3/2009', wanted is a form like 2009-03-02T08:00:00Z"
    """
    fields = line.split(b"\t")
    if reason == "date":
        return f"its time is '{_quoted(b''.join(fields[1:2]))}', wanted is a form like {WANTED}"
    if reason == "columns":
        columns = f"{len(fields)} column{'s' * (len(fields) != 1)}"
        return f"it has {columns}, wanted are {_COLUMNS} with tabs between ({', '.join(NAMES)}): '{_quoted(line)}'"
    wanted = {
        "encoding": "it is not UTF-8",
        "user": f"it names no user of at most {MOST_USER_BYTES:,} bytes in its first column",
        "out_of_range": "its time is outside the dates that the study accepts",
    }
    return f"{wanted[reason]}: '{_quoted(line)}'"


def _quoted(text: bytes) -> str:
    return harmless(text.decode("utf-8", "backslashreplace"), MOST_SHOWN)


SOURCE = Source(
    find=find,
    read=read,
    what_is_wrong=what_is_wrong,
    user_sql="split_part(text, chr(9), 1)",
    fields_sql=(
        'to_json(struct_pack("user" := f[1], "time" := f[2], artist_id := f[3], artist := f[4], '
        "track_id := f[5], track := f[6]))"
    ),
)
