"""Rows of text formats by column, for the batch oracle: other parsers than the producer's, so that both can't share a fault."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Line = tuple[int, bytes]
"""Its number, and its bytes with the LF."""


class Cells(NamedTuple):
    """A row.

    found
        Column → value: a text, None, or something else than a text; None where `broken` says why there are no columns.
    written
        What is equal in duplicates.
    """

    found: dict[str, Any] | None
    written: str
    broken: str | None = None

    def get(self, column: str) -> Any:
        """The value of a column, or at the end of a path with dots."""
        if self.found is None or column in self.found:
            return None if self.found is None else self.found[column]
        value: Any = self.found
        for step in column.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return value


def json_cells(row: bytes) -> Cells:
    """A row that is one JSON object. Numbers and truth values are the text that is written.

    >>> json_cells(b'{"a": 1.50, "b": true, "c": {"d": null}}').found
    {'a': '1.50', 'b': 'true', 'c': {'d': None}}
    """
    try:
        text = row.decode()
    except UnicodeDecodeError:
        return Cells(None, "", "encoding")
    try:
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        return Cells(None, "", "json")
    if not isinstance(value, dict):
        return Cells(None, "", "json")
    return Cells(_texts(value), text)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _texts(value: dict[str, Any]) -> dict[str, Any]:
    """The object with its truth values as texts, at any depth of objects."""
    found = {}
    for key, inner in value.items():
        if isinstance(inner, bool):
            inner = "true" if inner else "false"
        found[key] = _texts(inner) if isinstance(inner, dict) else inner
    return found


def tsv_rows(lines: Iterator[Line]) -> Iterator[tuple[int, list[str] | None, str]]:
    """(number, texts, why there are none) of each line."""
    for number, line in lines:
        try:
            yield number, _bare(line).decode().split("\t"), ""
        except UnicodeDecodeError:
            yield number, None, "encoding"


def csv_rows(lines: Iterator[Line], delimiter: str) -> Iterator[tuple[int, list[str] | None, str]]:
    """(number of its first line, texts, why there are none) of each row of RFC 4180.

    >>> rows = csv_rows(iter([(1, b'a,"b\\n'), (2, b'""c"\\n'), (3, b'a,"b"c\\n')]), ",")
    >>> [(number, texts, why) for number, texts, why in rows]
    [(1, ['a', 'b\\n"c'], ''), (3, None, 'quoting')]
    """
    d = re.escape(delimiter)
    column = rf'(?:"(?:[^"]|"")*+"|[^"{d}\r\n][^{d}\r\n]*+|)'
    whole = re.compile(rf"{column}(?:{d}{column})*+\r?\n")
    still_open = re.compile(rf'(?:{column}{d})*+"(?:[^"]|"")*+')
    each = re.compile(rf"({column})(?:{d}|\r?\n)")
    taken, first = "", 0
    for number, line in lines:
        first = first if taken else number
        taken += line.decode("utf-8", "surrogateescape")
        if whole.fullmatch(taken):
            texts = [_unquoted(text) for text in each.findall(taken)]
            yield first, *_if_utf8(taken, texts, "")
        elif still_open.fullmatch(taken):
            continue
        else:
            yield first, *_if_utf8(taken, None, "quoting")
        taken = ""
    if taken:
        yield first, *_if_utf8(taken, None, "quoting")


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _if_utf8(taken: str, texts: list[str] | None, why: str) -> tuple[list[str] | None, str]:
    try:
        taken.encode()
    except UnicodeEncodeError:
        return None, "encoding"
    return texts, why


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")
