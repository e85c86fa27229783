"""Rows of text formats by column, for the batch oracle: other parsers than the producer's, so that both can't share a fault."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

LONGEST_OF_LINES = 65_536
"""Bytes of a CSV row of several lines."""

Line = tuple[int, bytes]
"""Its number, and its bytes with the LF."""


class Cells(NamedTuple):
    """A row.

    found
        Column → value: a text, None, or something else than a text; None where `broken` says why there are no columns.
    written
        What is equal in duplicates.
    nested
        Do dots in a column's name lead into objects?
    """

    found: dict[str, Any] | None
    written: str
    broken: str | None = None
    nested: bool = False

    def get(self, column: str) -> Any:
        """The value of a column."""
        if self.found is None or not self.nested:
            return None if self.found is None else self.found.get(column)
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
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
        if not isinstance(value, dict):
            return Cells(None, "", "json")
        return Cells(_texts(value), text, nested=True)
    except (ValueError, RecursionError):
        return Cells(None, "", "json")


def refuse(name: str) -> None:
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
    """(number of its first line, texts, why there are none) of each row of RFC 4180. Of a row whose quotes are wrong only the
    first line is one.

    >>> rows = csv_rows(iter([(1, b'a,"b\\n'), (2, b'""c"\\n'), (3, b'a,"b"c\\n')]), ",")
    >>> [(number, texts, why) for number, texts, why in rows]
    [(1, ['a', 'b\\n"c'], ''), (3, None, 'quoting')]
    """
    d = re.escape(delimiter)
    quoted_rest = re.compile(r'(?:[^"]|"")*+"')
    plain = re.compile(rf"[^{d}\r\n]*+")
    cell = re.compile(rf'("(?:[^"]|"")*+"|[^"{d}\r\n][^{d}\r\n]*+|)(?:{d}|\r?\n)')

    def state(line: str, is_open: bool) -> str:
        """Of the row at the line's end: open, done or broken."""
        at = 0
        while True:
            if is_open or line[at] == '"':
                rest = quoted_rest.match(line, at if is_open else at + 1)
                if rest is None:
                    return "open"
                at, is_open = rest.end(), False
            else:
                found = plain.match(line, at)
                at = found.end() if found else at
            if line[at:] in ("\n", "\r\n"):
                return "done"
            if line[at] != delimiter:
                return "broken"
            at += 1

    waiting: list[Line] = []
    while True:
        first = waiting.pop(0) if waiting else next(lines, None)
        if first is None:
            return
        taken, size, now = [first], 0, "open"
        texts: list[str] = []
        while True:
            size += len(taken[-1][1])
            if len(taken) > 1 and size > LONGEST_OF_LINES:
                now = "broken"
                break
            texts.append(taken[-1][1].decode("utf-8", "surrogateescape"))
            now = state(texts[-1], len(texts) > 1)
            if now != "open":
                break
            following = waiting.pop(0) if waiting else next(lines, None)
            if following is None:
                now = "broken"
                break
            taken.append(following)
        if now == "broken":
            waiting = taken[1:] + waiting
            taken, texts = taken[:1], texts[:1]
        row = "".join(texts)
        why = "quoting" if now == "broken" else ""
        try:
            row.encode()
        except UnicodeEncodeError:
            why = "encoding"
        yield first[0], None if why else [_unquoted(text) for text in cell.findall(row)], why


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")
