"""Rows of text files with columns: TSV (tabs, no quotes) and CSV (RFC 4180), with or without a header line."""

import csv
from collections import deque
from collections.abc import Iterator
from typing import IO

import msgspec

from livelift.errors import InputError
from livelift.source import FileForm
from producer.sources.input_file import MAX_LINE_BYTES, is_utf8, lines_of_cr, too_long, whole_lines
from producer.sources.rows import Row, require_columns

MOST_ROW_BYTES = 64 << 10
"""Of a CSV row of several lines. In a longer one a quote was opened by mistake."""

csv.field_size_limit(2 * MAX_LINE_BYTES)  # lines are limited below, with words


def delimited_rows(stream: IO[bytes], form: FileForm, used: set[str], wanted: set[str], name: str) -> Iterator[Row]:
    """The rows of the text.

    Parameters
    ----------
    used, wanted
        The columns that the study reads, and those of them that there have to be: others have a default.
    name
        Of the file, for messages.

    Raises
    ------
    InputError
        If the header lacks a wanted column or has a used one twice, or a line is too long.
    """
    rows = _csv_rows(stream, form.delimiter) if form.format == "csv" else _tsv_rows(stream)
    columns = tuple(form.columns) or _header(rows, used, wanted, name)
    for number, raw, texts, wrong in rows:
        if texts is None:
            yield Row(number, raw, None, "", wrong)
        elif len(texts) != len(columns):
            yield Row(number, raw, None, "", "columns")
        else:
            identity = msgspec.json.encode(texts).decode()
            yield Row(number, raw, dict(zip(columns, texts, strict=True)), identity)


_Split = tuple[int, bytes, "list[str] | None", str]
"""Number of the first line, bytes, texts, why there are none."""


def _header(rows: Iterator[_Split], used: set[str], wanted: set[str], name: str) -> tuple[str, ...]:
    first = next(rows, None)
    if first is None or first[2] is None:
        raise InputError(
            f"the first line of {name} is no header", "let it name the columns, or name them in [source] columns"
        )
    columns = [text.strip() for text in first[2]]
    require_columns(name, columns, used, wanted, "its first line names")
    return tuple(columns)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Each line with its LF, where it has one."""
    first = True
    for block in whole_lines(stream):
        text = block.rstrip(b"\r\n")
        if first and b"\n" not in text and text.count(b"\r") > 1:
            raise lines_of_cr()
        first = False
        pieces = block.split(b"\n")
        if max(map(len, pieces)) > MAX_LINE_BYTES:
            raise too_long()
        yield from (piece + b"\n" for piece in pieces[:-1])
        if pieces[-1]:
            yield pieces[-1]


def _without_end(line: bytes) -> bytes:
    """A line without its LF and one CR before that, or before the file's end."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _tsv_rows(stream: IO[bytes]) -> Iterator[_Split]:
    for number, line in enumerate(_lines(stream), 1):
        raw = _without_end(line)
        try:
            yield number, raw, raw.decode().split("\t"), ""
        except UnicodeDecodeError:
            yield number, raw, None, "encoding"


def _csv_rows(stream: IO[bytes], delimiter: str) -> Iterator[_Split]:
    """A column in quotes may hold line ends. Where the quotes of a row are wrong, its first line is rejected and reading goes on
    with the second: a quote that is opened by mistake costs one line, not all that follow."""
    lines = Ahead(_lines(stream))
    while (line := lines.take()) is not None:
        number = lines.number
        if b'"' not in line:
            yield _without_quotes(number, _without_end(line), delimiter)
            continue
        taken = [line]
        try:
            texts: list[str] | None = next(csv.reader(_row_lines(lines, taken), delimiter=delimiter, strict=True))
            wrong = "quoting" if taken[-1].removesuffix(b"\n").endswith(b"\r\r") else ""
        except (csv.Error, StopIteration):
            texts, wrong = None, "quoting"
        if wrong:
            lines.give_back(taken[1:])
            taken = taken[:1]
        raw = _without_end(b"".join(taken))
        if not is_utf8(raw):
            wrong = "encoding"
        yield number, raw, None if wrong else texts, wrong


def _without_quotes(number: int, raw: bytes, delimiter: str) -> _Split:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return number, raw, None, "encoding"
    if "\r" in text:
        return number, raw, None, "quoting"
    return number, raw, text.split(delimiter), ""


def _row_lines(lines: "Ahead", taken: list[bytes]) -> Iterator[str]:
    """The row's first line and, as long as they are asked for, the following ones, noted in `taken`."""
    size = 0
    line: bytes | None = taken[0]
    while line is not None:
        size += len(line.removesuffix(b"\n")) + 1
        # Bytes that are no UTF-8 become single characters, to be known again; the module reads a CR as a line's end
        text = line.decode("utf-8", "surrogateescape")
        yield text if text.endswith("\n") else text.removesuffix("\r")
        line = lines.take()
        if line is not None:
            taken.append(line)
            if size + len(line.removesuffix(b"\n")) + 1 > MOST_ROW_BYTES:
                return


class Ahead:
    """Lines, some of which can be given back. `number` is that of the last one taken, from 1."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._back: deque[bytes] = deque()
        self.number = 0

    def take(self) -> bytes | None:
        """The next line; None after the last."""
        line = self._back.popleft() if self._back else next(self._lines, None)
        self.number += line is not None
        return line

    def give_back(self, lines: list[bytes]) -> None:
        """Lines that were taken last, to be taken again."""
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)
