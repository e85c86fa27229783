"""Opens an input file, unpacks it if needed, and cuts its text into blocks of whole lines."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from livelift.errors import InputError
from producer.sources.packing import DAMAGED, HEAD_BYTES, Unpacked, is_compressed

BLOCK_BYTES = 8 << 20
"""Read at once: large enough that vectorised work per block dominates, small enough to stay in tens of MB."""

MAX_LINE_BYTES = 2 << 20
"""A longer line is refused: with every byte escaped as \\u00XX, it has to fit a record of 16 MiB (`producer.topics`)."""


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
            unpacked = Unpacked(raw, path, is_member, stack)
            yield OpenInput(unpacked.stream, size, raw.tell)
            unpacked.refuse_a_second_file()


_COMPRESSION_RATIO = 5
"""Bytes of text per byte of a compressed input, generously."""


def text_bytes(files: Iterable[Path]) -> int:
    """About how many bytes of text the files hold, whether compressed or not."""
    total = 0
    for path in files:
        with path.open("rb") as file:
            ratio = _COMPRESSION_RATIO if is_compressed(file.read(HEAD_BYTES)) else 1
        total += path.stat().st_size * ratio
    return total


def whole_lines(stream: IO[bytes], block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The stream in blocks of whole lines: each ends with LF, the last one perhaps without.

    Raises
    ------
    InputError
        If a line is longer than `MAX_LINE_BYTES` and a block.
    """
    pieces: list[bytes] = []  # of a line not ended yet
    pending = 0
    any_lf = False
    while block := stream.read(block_bytes):
        cut = block.rfind(b"\n") + 1
        if not cut:
            pieces.append(block)
            pending += len(block)
            if pending > MAX_LINE_BYTES:
                raise too_long() if any_lf or b"\r" not in block else lines_of_cr()
            continue
        any_lf = True
        yield b"".join([*pieces, block[:cut]])
        pieces = [block[cut:]] if cut < len(block) else []
        pending = len(block) - cut
    if pieces:
        yield b"".join(pieces)


def is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def lines_of_cr() -> InputError:
    return InputError(
        "no line ends in LF, and there are CRs in the text: its lines end in CR alone",
        "convert it: tr '\\r' '\\n' < FILE > NEW, and give NEW with --data",
    )


def too_long() -> InputError:
    return InputError(
        f"a line is longer than {MAX_LINE_BYTES >> 20} MiB: this is not a file of events",
        "give the unpacked text file, one event a line, with --data",
    )


@contextmanager
def _damage_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise InputError(
            f"{path} is damaged or cut short: {error}", "download or copy the file again, or unpack it first"
        ) from error
