"""The raw file as Arrow batches of (row number, line bytes): nothing is judged here but where a row ends.

A row ends at LF and nowhere else; one CR before that LF, or before the end of the file, is stripped. What follows the
last LF is a row unless it is empty.
"""

import gzip
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO, cast

import numpy as np
import pyarrow as pa

from livelift.errors import InputError

BLOCK = 8 * 1024 * 1024
"""Bytes a read: large enough for numpy to pay, small enough to hold several in memory."""

LF, CR = b"\n"[0], b"\r"[0]

SCHEMA = pa.schema([("row", pa.int64()), ("line", pa.binary())])

Progress = Callable[[int], None]
"""Called with the number of rows read so far."""


def raw_lines(path: Path, file_glob: str, progress: Progress | None = None) -> Iterator[pa.RecordBatch]:
    """Every row of the file at `path` in batches of `SCHEMA`, rows counted from 1.

    Parameters
    ----------
    path
        A plain file, or one compressed with gzip (`.gz`), or an archive (`.tar.gz`, `.tgz`) holding the file.
    file_glob
        What the file in an archive is called.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, or the archive does not hold it.
    """
    rows = 0
    try:
        with _opened(path, file_glob) as stream:
            for block in _whole_lines(stream):
                batch = _batch(block, rows + 1)
                rows += batch.num_rows
                yield batch
                if progress is not None:
                    progress(rows)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise InputError(f"{path} cannot be read: {error}", "give a readable .tsv, .tsv.gz or .tar.gz file") from error


@contextmanager
def _opened(path: Path, file_glob: str) -> Iterator[IO[bytes]]:
    """The bytes of the file, decompressed as its name asks for."""
    if path.name.endswith((".tar.gz", ".tgz")):
        with tarfile.open(path, "r|gz") as archive:
            yield _member(archive, path, file_glob)
    elif path.name.endswith(".gz"):
        with gzip.open(path) as stream:
            yield cast(IO[bytes], stream)
    else:
        with path.open("rb") as plain:
            yield plain


def _member(archive: tarfile.TarFile, path: Path, file_glob: str) -> IO[bytes]:
    """The events' file of the archive. The published one also holds the users' profiles, whose name fits the glob."""
    for member in archive:
        name = PurePosixPath(member.name).name
        if member.isfile() and fnmatch(name, file_glob) and "profile" not in name:
            stream = archive.extractfile(member)
            if stream is not None:
                return stream
    raise InputError(f"{path} holds no file {file_glob}", "give the archive as published, or the .tsv file itself")


def _whole_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream cut into blocks that end with LF; one is added after a last row without."""
    held: list[bytes] = []
    while piece := stream.read(BLOCK):
        cut = piece.rfind(b"\n") + 1
        if cut:
            yield b"".join((*held, piece[:cut]))
            held = []
        if cut < len(piece):
            held.append(piece[cut:])
    if held:
        yield b"".join((*held, b"\n"))


def _batch(block: bytes, first_row: int) -> pa.RecordBatch:
    """The rows of a block that ends with LF."""
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == LF)
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
