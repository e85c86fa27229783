"""Opening an input file: plain text, gzip, or one file inside a (gzipped) tar, told apart by content, never by name."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from livelift.errors import InputError

BLOCK_BYTES = 8 << 20
"""Read at once: large enough that vectorised work per block dominates, small enough to stay in tens of MB."""

MAX_LINE_BYTES = 2 << 20
"""A longer line is refused: with every byte escaped as \\u00XX, it has to fit a record of 16 MiB (`producer.topics`)."""

_GZIP_MAGIC = b"\x1f\x8b"
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError)


@dataclass(frozen=True, slots=True)
class OpenInput:
    """An open input.

    Attributes
    ----------
    stream
        The text's bytes, unpacked.
    size
        Bytes of the file on disk.
    position
        How many of them are read, for progress.
    """

    stream: IO[bytes]
    size: int
    position: Callable[[], int]


@contextmanager
def open_input(path: Path, is_member: Callable[[str], bool]) -> Iterator[OpenInput]:
    """Open `path`; of a tar, the one regular file whose name (without folders) satisfies `is_member`.

    Raises
    ------
    InputError
        If it is missing, a folder, unreadable, empty, damaged, or a tar without such a file.
    """
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("rb"))
            size = path.stat().st_size
        except FileNotFoundError:
            raise InputError(f"there is no file {path}", "check the path given with --data") from None
        except IsADirectoryError:
            raise InputError(f"{path} is a folder, not a file", "give the file itself with --data") from None
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}", "check its permissions and the disk") from None
        if size == 0:
            raise InputError(f"{path} is empty (0 bytes)", "download or copy the file again")
        with _damage_explained(path):
            yield OpenInput(_unpacked(raw, path, is_member, stack), size, raw.tell)


_COMPRESSION_RATIO = 5
"""Bytes of text per byte of a gzipped input, generously."""


def text_bytes(path: Path) -> int:
    """About how many bytes of text the input holds, whether compressed or not."""
    return path.stat().st_size * (_COMPRESSION_RATIO if is_compressed(path) else 1)


def is_compressed(path: Path) -> bool:
    """Does `path` begin like gzip?"""
    with path.open("rb") as file:
        return file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC


def whole_lines(stream: IO[bytes], block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The stream in blocks of whole lines: each ends with LF, the last one perhaps without.

    Raises
    ------
    InputError
        If a line is longer than `MAX_LINE_BYTES` and a block.
    """
    pieces: list[bytes] = []  # of a line not ended yet
    pending = 0
    while block := stream.read(block_bytes):
        cut = block.rfind(b"\n") + 1
        if not cut:
            pieces.append(block)
            pending += len(block)
            if pending > MAX_LINE_BYTES:
                raise too_long()
            continue
        yield b"".join([*pieces, block[:cut]])
        pieces = [block[cut:]] if cut < len(block) else []
        pending = len(block) - cut
    if pieces:
        yield b"".join(pieces)


def too_long() -> InputError:
    return InputError(
        f"a line is longer than {MAX_LINE_BYTES >> 20} MiB: this is not a file of listening events",
        "give the unpacked text file, one event a line, with --data",
    )


@contextmanager
def _damage_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise InputError(
            f"{path} is damaged or cut short: {error}", "download or copy the file again, or unpack it first"
        ) from error


def _unpacked(raw: IO[bytes], path: Path, is_member: Callable[[str], bool], stack: ExitStack) -> IO[bytes]:
    """`raw` without its packing, positioned at the text's first byte."""
    stream: IO[bytes] = raw
    if raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC:
        raw.seek(0)
        stream = stack.enter_context(io.BufferedReader(gzip.GzipFile(fileobj=raw)))
    else:
        raw.seek(0)
    head = stream.peek(_TAR_MAGIC_AT + len(_TAR_MAGIC))  # type: ignore[attr-defined]  # both are buffered readers
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + len(_TAR_MAGIC)] != _TAR_MAGIC:
        return stream
    archive = stack.enter_context(tarfile.open(fileobj=stream, mode="r|"))
    for member in archive:
        if member.isfile() and is_member(Path(member.name).name):
            text = archive.extractfile(member)
            assert text is not None  # only non-files have none
            return text
    raise InputError(f"the archive {path} holds no data file", "unpack it and give the data file with --data")
