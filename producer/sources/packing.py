"""Decompresses an input file (gzip, zstd, tar, nested), recognised by its content and never by its name."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pyarrow as pa

from livelift.errors import InputError

HEAD_BYTES = 512
"""Enough to know every packing: a tar's first header."""

MOST_LAYERS = 4
"""A packed file in a packed tar has three; more is no data set."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPED, _SKIPPED_KINDS = b"\x2a\x4d\x18", range(0x50, 0x60)  # frames to skip, which some packers write first
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")  # the text has zeros then: its tabs are of two bytes

_NOT_READ = (
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it"),
    (b"\xfd7zXZ\x00", "packed with xz", "unpack it: xz -d"),
    (b"BZh91AY&SY", "packed with bzip2", "unpack it: bzip2 -d"),
    (b"\x04\x22\x4d\x18", "packed with LZ4", "unpack it: lz4 -d"),
    (b"PAR1\x15", "a Parquet file", 'declare it in the study (source.format = "parquet"), or write it as text'),
    (b"SQLite format 3\x00", "an SQLite database", "write its table as text"),
    (b"%PDF-", "a PDF", "write its table as text"),
)
"""First bytes, what they are, what to do."""

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError)
"""What reading a damaged packing raises."""


def is_compressed(head: bytes) -> bool:
    """Does a file that begins with `head` hold more text than bytes?"""
    return head.startswith(_GZIP) or _is_zstd(head)


class Unpacked:
    """An input file without its packing.

    Attributes
    ----------
    stream
        The text's bytes, without a byte order mark.
    """

    def __init__(self, raw: IO[bytes], path: Path, is_member: Callable[[str], bool], stack: ExitStack) -> None:
        """`raw` is at its beginning; of a tar, the one regular file whose name `is_member` counts.

        Raises
        ------
        InputError
            If it is a kind of file that is not read, or a tar without such a file.
        """
        self._path = path
        self._is_member = is_member
        self._stack = stack
        self._archives: list[tarfile.TarFile] = []
        self.stream = self._unpack(raw)

    def _unpack(self, raw: IO[bytes]) -> IO[bytes]:
        stream = raw
        for _ in range(MOST_LAYERS):
            head = stream.read(HEAD_BYTES)
            inner = joined(head, stream)
            if head.startswith(_GZIP):
                stream = self._stack.enter_context(io.BufferedReader(gzip.GzipFile(fileobj=inner)))
            elif _is_zstd(head):
                stream = self._stack.enter_context(io.BufferedReader(_Zstd(inner)))
            elif _is_tar(head):
                stream = self._member_of(inner)
            else:
                self._refuse_what_is_no_text(head)
                text = head.removeprefix(_UTF8_MARK)
                if stream is not raw:
                    return joined(text, stream)
                raw.seek(len(head) - len(text))  # spares a copy of the whole file
                return raw
        raise InputError(f"{self._path} is packed more than {MOST_LAYERS} times", "unpack it first")

    def _member_of(self, packed: IO[bytes]) -> IO[bytes]:
        archive = self._stack.enter_context(tarfile.open(fileobj=packed, mode="r|"))
        for member in archive:
            if self._is_data(member):
                self._archives.append(archive)
                text = archive.extractfile(member)
                assert text is not None  # only non-files have none
                return text
        raise InputError(f"the archive {self._path} holds no data file", "unpack it and give the data file with --data")

    def _is_data(self, member: tarfile.TarInfo) -> bool:
        return member.isfile() and self._is_member(Path(member.name).name)

    def _refuse_what_is_no_text(self, head: bytes) -> None:
        kinds = [(what, fix) for magic, what, fix in _NOT_READ if head.startswith(magic)]
        if head.startswith(_UTF16_MARKS) and b"\x00" in head:
            kinds.append(("UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8"))
        for what, fix in kinds:
            raise InputError(f"{self._path} is {what}, which is not read", f"{fix}, and give the result with --data")

    def refuse_a_second_file(self) -> None:
        """To be called when the text was read to its end.

        Raises
        ------
        InputError
            If the archive holds another data file, which would be left out.
        """
        for archive in self._archives:
            while (member := archive.next()) is not None:
                if self._is_data(member):
                    raise InputError(
                        f"the archive {self._path} holds a second data file, {member.name}",
                        "unpack it and give one of them with --data",
                    )


def _is_zstd(head: bytes) -> bool:
    return head.startswith(_ZSTD) or (head[1:4] == _ZSTD_SKIPPED and head[0] in _SKIPPED_KINDS)


def _is_tar(head: bytes) -> bool:
    """A header of a tar holds a checksum of itself: that is so for every kind of tar."""
    if len(head) < HEAD_BYTES:
        return False
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def joined(head: bytes, rest: IO[bytes]) -> IO[bytes]:
    """A stream that begins with `head`, which was read from `rest`."""
    return io.BufferedReader(_Joined(head, rest))


class _Joined(io.RawIOBase):
    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        block = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(block)] = block
        return len(block)


class _Zstd(io.RawIOBase):
    """zstd unpacked by Arrow, whose errors are OSErrors like those of the disk."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(packed, "r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        try:
            block = self._stream.read(len(buffer))
        except OSError as error:
            if error.errno is not None:
                raise
            raise EOFError(str(error)) from error
        buffer[: len(block)] = block
        return len(block)
