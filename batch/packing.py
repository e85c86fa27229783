"""Unpacks an input file (gzip, zstd, tar, nested) by its content, whatever its name.

Independent of the producer's code for the same task, so that each checks the other.
"""

import gzip
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from livelift.errors import InputError
from livelift.source import FileForm

BLOCK = 512
"""Of a tar: its headers have this size."""

MOST_LAYERS = 4

UNREADABLE = {
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\xfd7zXZ\x00": "an xz file",
    b"BZh91AY&SY": "a bzip2 file",
    b"\x04\x22\x4d\x18": "an LZ4 file",
    b"PAR1\x15": "a Parquet file",
    b"SQLite format 3\x00": "an SQLite database",
    b"%PDF-": "a PDF",
}
"""First bytes of what is not read → what it is."""


class Ahead:
    """A stream of which the first bytes can be looked at."""

    closed = False  # Arrow asks, and closes

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._head = b""

    def head(self) -> bytes:
        """The first bytes that are still to be read, a tar's header of them; fewer where the stream ends."""
        while len(self._head) < BLOCK and (more := self._stream.read(BLOCK - len(self._head))):
            self._head += more
        return self._head

    def close(self) -> None:
        """The file below is closed by who opened it."""

    def skip(self, count: int) -> None:
        """Leave out bytes of the head."""
        self._head = self._head[count:]

    def read(self, size: int) -> bytes:
        if not self._head:
            block: bytes = self._stream.read(size)
            return block
        block, self._head = self._head[:size], self._head[size:]
        return block


@contextmanager
def opened(path: Path, source: FileForm) -> Iterator[Ahead]:
    """The text of the file at `path`, without its packing and a byte order mark.

    Parameters
    ----------
    source
        Which says what the file in an archive is called, itself packed or not.

    Raises
    ------
    InputError
        If it is a kind of file that is not read, or an archive without the file or with several.
    """
    with path.open("rb") as file:
        stream = Ahead(file)
        archives = []
        for _ in range(MOST_LAYERS):
            head = stream.head()
            packed: Any = stream  # of a file it has what is needed: `read`
            if head[:2] == b"\x1f\x8b":
                stream = Ahead(gzip.GzipFile(fileobj=packed))
            elif head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
                stream = Ahead(pa.CompressedInputStream(pa.PythonFile(packed, "r"), "zstd"))
            elif _is_tar_header(head):
                archives.append(tarfile.open(fileobj=packed, mode="r|"))
                stream = Ahead(_member(archives[-1], path, source))
            else:
                break
        else:
            raise InputError(f"{path} is packed more than {MOST_LAYERS} times", "unpack it first")
        kinds = [what for magic, what in UNREADABLE.items() if head.startswith(magic)]
        if head[:2] in (b"\xff\xfe", b"\xfe\xff") and 0 in head:
            kinds.append("UTF-16 text")
        if kinds:
            raise InputError(f"{path} is {kinds[0]}", "give UTF-8 text; it may be packed as gzip, zstd or tar")
        if head.startswith(b"\xef\xbb\xbf"):
            stream.skip(3)
        yield stream
        for archive in archives:
            if _next_member(archive, source) is not None:
                raise InputError(
                    f"{path} holds more than one file {source.file_glob}", "unpack it and give one of them"
                )


def _is_tar_header(head: bytes) -> bool:
    """The field at 148 is the octal sum of all bytes, itself taken as eight spaces."""
    if len(head) < BLOCK:
        return False
    digits = head[148:156].strip(b" \x00")
    if not digits or digits.strip(b"01234567"):
        return False
    return int(digits, 8) == sum(head) - sum(head[148:156]) + 8 * ord(" ")


def _member(archive: tarfile.TarFile, path: Path, source: FileForm) -> Any:
    """The events' file of the archive."""
    member = _next_member(archive, source)
    if member is None:
        raise InputError(
            f"{path} holds no file {source.file_glob}", "give the archive as published, or the file itself"
        )
    return archive.extractfile(member)


def _next_member(archive: tarfile.TarFile, source: FileForm) -> tarfile.TarInfo | None:
    """The next file of that name. An excluded one fits the glob and is another."""
    while (member := archive.next()) is not None:
        name = PurePosixPath(member.name).name
        for packed in (".gz", ".zst"):
            name = name.removesuffix(packed)
        if member.isfile() and fnmatchcase(name, source.file_glob) and name not in source.exclude:
            return member
    return None
