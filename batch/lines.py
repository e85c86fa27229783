"""Reads the raw file as Arrow batches of (row number, line bytes). It only decides where a row ends.

A row ends at LF and nowhere else; one CR before that LF, or before the end of the file, is stripped. What follows the
last LF is a row unless it is empty.
"""

import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from batch.packing import Ahead, opened
from livelift.errors import InputError
from livelift.source import FileForm

BLOCK = 8 * 1024 * 1024
"""Bytes a read: large enough for numpy to pay, small enough to hold several in memory."""

LONGEST_ROW = 2 << 20
"""Of a row beyond a block: more is no text of events, and would fill the memory."""

UNPACKING = (OSError, EOFError, zlib.error, tarfile.TarError)
"""What reading a damaged or unreadable file raises."""

LF, CR = b"\n"[0], b"\r"[0]

SCHEMA = pa.schema([("row", pa.int64()), ("line", pa.binary())])

Progress = Callable[[int], None]
"""Called with the number of rows read so far."""


def raw_lines(path: Path, source: FileForm) -> Iterator[pa.RecordBatch]:
    """Every row of the file at `path` in batches of `SCHEMA`, rows counted from 1.

    Parameters
    ----------
    path
        A plain file, or one packed with gzip, zstd or tar.
    source
        Which says what the file in an archive is called.

    Raises
    ------
    InputError
        If the file is missing or cannot be read, the archive does not hold it, or it is no text of lines that end in LF.
    """
    rows = 0
    for block in _blocks(path, source):
        batch = _batch(block, rows + 1)
        rows += batch.num_rows
        yield batch


def text_lines(path: Path, source: FileForm) -> Iterator[tuple[int, bytes]]:
    """Every line with its number, from 1, and its LF, which the last one gets too. Raises `InputError` as `raw_lines` does."""
    number = 0
    for block in _blocks(path, source):
        for line in block.split(b"\n")[:-1]:
            number += 1
            if len(line) > LONGEST_ROW:
                raise _too_long()
            yield number, line + b"\n"


def _blocks(path: Path, source: FileForm) -> Iterator[bytes]:
    """The file's text in blocks of whole lines."""
    if path.exists() and not path.is_dir() and not path.is_file():
        raise InputError(f"{path} is a pipe or a device", "write it to a file: it is read more than once")
    first = True
    try:
        with opened(path, source) as stream:
            for block in _whole_lines(stream):
                if first and _has_only_returns(block, source):
                    raise InputError(f"the lines of {path} end in CR alone", "convert it: tr '\\r' '\\n' < FILE > NEW")
                first = False
                yield block
    except UNPACKING as error:
        raise InputError(f"{path} cannot be read: {error}", "give a readable file, or copy it again") from error


def _has_only_returns(block: bytes, source: FileForm) -> bool:
    """Does the file begin with a line that is several rows, cut by CR?"""
    row = block.rstrip(b"\r\n")
    if LF in row or CR not in row:
        return False
    columns = len(source.columns) if source.format == "tsv" and source.columns else 0
    return (
        row.count(b"\t") >= 2 * (columns - 1) if columns else source.format in ("csv", "tsv") and row.count(b"\r") > 1
    )


def _whole_lines(stream: Ahead) -> Iterator[bytes]:
    """The stream cut into blocks that end with LF; one is added after a last row without."""
    held: list[bytes] = []
    while piece := stream.read(BLOCK):
        if sum(map(len, held)) > LONGEST_ROW:
            raise _too_long()
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield b"".join((*held, piece[:cut]))
            held = []
        if cut < len(piece):
            held.append(piece[cut:])
    if held:
        yield b"".join((*held, b"\n"))


def _too_long() -> InputError:
    return InputError(f"a row is longer than {LONGEST_ROW >> 20} MiB", "give text with one event a line")


def _batch(block: bytes, first_row: int) -> pa.RecordBatch:
    """The rows of a block that ends with LF."""
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == LF)
    if int(np.diff(ends, prepend=-1).max()) - 1 > LONGEST_ROW:
        raise _too_long()
    # Before the first byte comes the last one, an LF: an empty first row has no CR.
    returns = ends[data[ends - 1] == CR] - 1
    kept = np.ones(len(data), bool)
    kept[ends] = False
    kept[returns] = False
    stops = np.cumsum(kept)[ends]
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = stops
    lines = pa.BinaryArray.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data[kept])])
    rows = pa.array(np.arange(first_row, first_row + len(ends), dtype=np.int64))
    return pa.RecordBatch.from_arrays([rows, lines], schema=SCHEMA)
