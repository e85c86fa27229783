"""The files of an input in their order, for the batch oracle: by its own code, so that the producer's is checked."""

import os
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

from livelift.errors import InputError
from livelift.source import Source

Note = Callable[[Path, int], None]
"""Called with a file before it is read, and the number of the last row before it."""


def files_of(path: Path, source: Source) -> list[Path]:
    """The file at `path`; where that is a folder, and the study reads several files, those in it.

    Raises
    ------
    InputError
        If there is none, or one is empty or there twice.
    """
    if not path.is_dir():
        return [path]
    if not source.several:
        raise InputError(f"{path} is a folder", "name a file")
    called = [
        (_plain(name), name) for name in os.listdir(path) if _is_meant(name, source) and not (path / name).is_dir()
    ]
    called.sort()
    for (first, one), (second, other) in pairwise(called):
        if first == second:
            raise InputError(f"{path} holds both {one} and {other}", "remove one of them")
    if not called:
        raise InputError(f"{path} holds no file {source.file_glob}", "name the folder of the files")
    files = [path / name for _, name in called]
    for file in files:
        if file.stat().st_size == 0:
            raise InputError(f"{file} is empty (0 bytes)", "copy the file again, or remove it")
    return files


def _plain(name: str) -> str:
    return re.sub(r"\.gz$", "", name).removesuffix(".zst")


def _is_meant(name: str, source: Source) -> bool:
    plain = _plain(name)
    return not name.startswith(".") and fnmatchcase(plain, source.file_glob) and plain not in source.exclude


def one_after_the_other(
    files: list[Path], rows_of: Callable[[Path], Iterator[tuple[int, Any]]], note: Note
) -> Iterator[tuple[int, Any]]:
    """The numbers and rows of all files, numbered on."""
    number = 0
    for file in files:
        before = number
        note(file, before)
        for row, found in rows_of(file):
            number = before + row
            yield number, found


def unnoted(file: Path, before: int) -> None:
    """For whoever does not ask where a file begins."""
