"""Rows of JSON: one object a line (JSON Lines), or one array of objects. A file that begins with an object is read by lines."""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO

import msgspec

from livelift.errors import InputError
from producer.sources.input_file import MAX_LINE_BYTES, too_long, whole_lines
from producer.sources.packing import joined
from producer.sources.rows import NO_TEXT, Cell, NoText, Row

MOST_ARRAY_BYTES = 1 << 30
"""Of a file that is one array, which is read whole."""

LOOKED_AT_BYTES = 1 << 16

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode

_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def json_rows(stream: IO[bytes], columns: Iterable[str], name: str) -> Iterator[Row]:
    """A row an element of an array, or a line where the text begins with an object. Raises `InputError` as `json_array_rows` does."""
    read = b""
    while not read.strip() and (piece := stream.read(LOOKED_AT_BYTES)):
        read += piece
    whole = joined(read, stream)
    by_line = read.lstrip()[:1] == b"{"
    yield from json_line_rows(whole, columns) if by_line else json_array_rows(whole, columns, name)


def json_line_rows(stream: IO[bytes], columns: Iterable[str]) -> Iterator[Row]:
    """A row a line; `columns` are those that are wanted, with dots into nested objects."""
    paths = {column: column.split(".") for column in columns}
    number = 0
    for block in whole_lines(stream):
        pieces = block.split(b"\n")
        for line in pieces if pieces[-1] else pieces[:-1]:
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise too_long()
            yield _row(number, line.removesuffix(b"\r"), paths)


def json_array_rows(stream: IO[bytes], columns: Iterable[str], name: str) -> Iterator[Row]:
    """A row an element.

    Raises
    ------
    InputError
        If the text is no array, or too large a one.
    """
    paths = {column: column.split(".") for column in columns}
    text = stream.read(MOST_ARRAY_BYTES + 1)
    if len(text) > MOST_ARRAY_BYTES:
        raise InputError(f"{name} is one array of more than 1 GiB", "write one object a line: jq -c '.[]' FILE > NEW")
    try:
        elements = _decode_array(text)
    except _UNREADABLE as error:
        raise InputError(
            f"{name} is no JSON array: {error}", 'give a file like [{"user": …}, …], or one object a line'
        ) from None
    for number, element in enumerate(elements, 1):
        raw = bytes(element)
        if len(raw) > MAX_LINE_BYTES:
            raise too_long()
        yield _row(number, raw, paths)


def _row(number: int, raw: bytes, paths: Mapping[str, list[str]]) -> Row:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Row(number, raw, None, "", "encoding")
    try:
        found = _decode_object(raw)  # all of it is checked, although its values are kept as written
        cells = {column: _cell(found, path) for column, path in paths.items()}
    except _UNREADABLE:
        return Row(number, raw, None, "", "json")
    return Row(number, raw, cells, text)


def _cell(found: Mapping[str, msgspec.Raw], path: list[str]) -> Cell | NoText:
    """The text at the path; a number or truth value as it is written."""
    for step in path[:-1]:
        inner = found.get(step)
        if inner is None or not bytes(inner).startswith(b"{"):
            return None
        found = _decode_object(inner)
    value = found.get(path[-1])
    if value is None:
        return None
    raw = bytes(value)
    match raw[:1]:
        case b'"':
            return _decode_text(raw)
        case b"n":
            return None
        case b"{" | b"[":
            return NO_TEXT
        case _:
            return raw.decode()
