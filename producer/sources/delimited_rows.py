"""Rows of text files with columns: TSV (tabs, no quotes) and CSV (RFC 4180), with or without a header line."""

import csv
from collections.abc import Iterator
from typing import IO

import msgspec

from livelift.errors import InputError
from livelift.plain_text import harmless
from livelift.source import Source
from producer.sources.input_file import MAX_LINE_BYTES, lines_of_cr, too_long, whole_lines
from producer.sources.rows import Row

MOST_NAMED = 20
"""Columns that a message names."""

csv.field_size_limit(2 * MAX_LINE_BYTES)  # the whole row is limited below, with words


def delimited_rows(stream: IO[bytes], source: Source, wanted: set[str], name: str) -> Iterator[Row]:
    """The rows of the text.

    Parameters
    ----------
    wanted
        The columns that there have to be; those of the fields that may be missing are not among them.
    name
        Of the file, for messages.

    Raises
    ------
    InputError
        If the header lacks a wanted column or has it twice, or a line is too long.
    """
    rows = _csv_rows(stream, source.delimiter) if source.format == "csv" else _tsv_rows(stream)
    columns = tuple(source.columns) or _header(rows, wanted, name)
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


def _header(rows: Iterator[_Split], wanted: set[str], name: str) -> tuple[str, ...]:
    first = next(rows, None)
    if first is None or first[2] is None:
        raise InputError(
            f"the first line of {name} is no header", "let it name the columns, or name them in [source] columns"
        )
    columns = [text.strip() for text in first[2]]
    shown = ", ".join(harmless(column) for column in columns[:MOST_NAMED])
    for column in sorted(wanted):
        if columns.count(column) != 1:
            has = "has no column" if column not in columns else "has more than one column"
            raise InputError(
                f"{name} {has} '{column}'; its first line names: {shown}",
                "name the columns of [source] and [fields] as the file does, or give another file with --data",
            )
    return tuple(columns)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Each line with its LF, where it has one."""
    first = True
    for block in whole_lines(stream):
        if first and b"\n" not in block and b"\r" in block.rstrip(b"\r"):
            raise lines_of_cr()
        first = False
        yield from block.splitlines(keepends=True) if b"\r" not in block else _cut_at_lf(block)


def _cut_at_lf(block: bytes) -> Iterator[bytes]:
    pieces = block.split(b"\n")
    yield from (piece + b"\n" for piece in pieces[:-1])
    if pieces[-1]:
        yield pieces[-1]


def _without_end(line: bytes) -> bytes:
    """A line without its LF and one CR before that, or before the file's end."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _tsv_rows(stream: IO[bytes]) -> Iterator[_Split]:
    for number, line in enumerate(_lines(stream), 1):
        raw = _without_end(line)
        if len(raw) > MAX_LINE_BYTES:
            raise too_long()
        try:
            yield number, raw, raw.decode().split("\t"), ""
        except UnicodeDecodeError:
            yield number, raw, None, "encoding"


def _csv_rows(stream: IO[bytes], delimiter: str) -> Iterator[_Split]:
    """A quoted column may hold line ends; a row whose quotes are wrong ends with the line in which that shows."""
    taken: list[bytes] = []  # the lines of the current row
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for line in _lines(stream):
            number += 1
            taken.append(line)
            if sum(map(len, taken)) > MAX_LINE_BYTES:
                raise too_long_row(number - len(taken) + 1)
            # Bytes that are no UTF-8 become single characters, to be known again; the module reads a CR as a line's end
            text = line.decode("utf-8", "surrogateescape")
            yield text.removesuffix("\r") if not text.endswith("\n") else text

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        wrong, texts = "", None
        try:
            texts = next(reader)
        except StopIteration:
            if not taken:
                return
            wrong = "quoting"
        except csv.Error:
            wrong = "quoting"
        raw = _without_end(b"".join(taken))
        if not _is_utf8(raw):
            wrong, texts = "encoding", None
        yield number - len(taken) + 1, raw, (texts or [""]) if not wrong else None, wrong


def too_long_row(line: int) -> InputError:
    return InputError(
        f"the row that begins in line {line} is longer than {MAX_LINE_BYTES >> 20} MiB: a quote is opened there and never "
        "closed, or this is not a file of events",
        "close the quote, or give a CSV file with --data",
    )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
