"""The rows of a text file of any declared format, by column, for the batch oracle."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from batch.cells import Cells, csv_rows, json_cells, refuse, tsv_rows
from batch.lines import LONGEST_ROW, UNPACKING, text_lines
from batch.packing import opened
from livelift.errors import InputError
from livelift.source import FileForm

MOST_ARRAY = 1 << 30
"""Bytes of a file that is one JSON array."""

Require = Callable[[list[str]], None]
"""Raises `InputError` unless the columns that are there are those that are needed."""


def cells_of(form: FileForm, path: Path, require: Require) -> Iterator[tuple[int, Cells]]:
    """The rows with their numbers. `require` is asked whether the columns of a header are enough.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if form.format == "json" and not _begins_with_an_object(form, path):
        for row, element in enumerate(_elements(form, path), 1):
            yield row, json_cells(element)
        return
    if form.format in ("json", "jsonl"):
        for row, line in text_lines(path, form):
            yield row, json_cells(line.removesuffix(b"\n").removesuffix(b"\r"))
        return
    lines = text_lines(path, form)
    rows = csv_rows(lines, form.delimiter) if form.format == "csv" else tsv_rows(lines)
    names = list(form.columns)
    if not names:
        _, header, _ = next(rows, (0, None, ""))
        names = [name.strip() for name in header or []]
        require(names)
    for row, texts, broken in rows:
        if texts is not None and len(texts) != len(names):
            texts, broken = None, "columns"
        found = None if texts is None else dict(zip(names, texts, strict=True))
        yield row, Cells(found, json.dumps(texts), broken or None)


def _begins_with_an_object(form: FileForm, path: Path) -> bool:
    """Is it a file of lines?"""
    try:
        with opened(path, form) as stream:
            while piece := stream.read(1 << 10):
                if text := piece.lstrip():
                    return bool(text.startswith(b"{"))
    except UNPACKING as error:
        raise InputError(f"{path} cannot be read: {error}", "give a readable file, or copy it again") from error
    return False


def _elements(form: FileForm, path: Path) -> Iterator[bytes]:
    """The elements of a file that is one array, as written."""
    pieces = []
    try:
        with opened(path, form) as stream:
            while piece := stream.read(1 << 20):
                pieces.append(piece)
                if len(pieces) << 20 > MOST_ARRAY:
                    raise InputError(f"{path} is larger than 1 GiB", "write one object a line")
        yield from array_elements(b"".join(pieces).decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON array: {error}", "give a file like [{…}, …]") from None
    except UNPACKING as error:
        raise InputError(f"{path} cannot be read: {error}", "give a readable file, or copy it again") from error


_decode = json.JSONDecoder(parse_constant=refuse).raw_decode


def array_elements(text: str) -> Iterator[bytes]:
    """The elements of an array as written, without what stands between them. Raises `ValueError` if it is none.

    >>> list(array_elements('[ {"a": 1} ,2]'))
    [b'{"a": 1}', b'2']
    """
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("it does not begin with [")
    at = _after_space(text, at + 1)
    ended = text[at : at + 1] == "]"
    while not ended:
        value, end = _decode(text, at)
        if re.search("[\ud800-\udfff]", json.dumps(value, ensure_ascii=False)) and not re.search(
            "[\udc80-\udcff]", text[at:end]
        ):
            raise ValueError("half a surrogate pair is no text")
        if end - at > LONGEST_ROW:
            raise ValueError("an element is longer than 2 MiB")
        yield text[at:end].encode("utf-8", "surrogateescape")
        at = _after_space(text, end)
        ended = text[at : at + 1] == "]"
        if not ended and text[at : at + 1] != ",":
            raise ValueError(f"no comma after an element, at character {at}")
        at = at if ended else _after_space(text, at + 1)
    at = _after_space(text, at + 1)
    if at != len(text):
        raise ValueError(f"something follows the array, at character {at}")


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def require_columns(path: Path, there: list[str], needed: list[str], used: list[str]) -> None:
    """Is each used column there at most once, and each needed one once?"""
    for name in dict.fromkeys([*needed, *used]):
        times = there.count(name)
        if times > 1 or (times == 0 and name in needed):
            raise InputError(f"{path} has {times} columns '{name}', of {there}", "name the columns as the file does")
