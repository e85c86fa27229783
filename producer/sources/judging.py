"""Judges rows that are texts by column: the first reason that holds, else the event."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from livelift.event_time import from_date
from livelift.events import MOST_USER_BYTES
from livelift.source import LARGEST, Field, column_of
from livelift.study import Study
from producer.sources import Keys, Selection
from producer.sources.lookup_tables import Table
from producer.sources.moments import TimeOf, time_reader
from producer.sources.rows import NO_ROW, NO_TEXT, Cell, NoRow, NoText, Row

NOT_SELECTED = "not_selected"

REASONS = ("encoding", "quoting", "json", "columns", "user", "date", "out_of_range", NOT_SELECTED)
"""In the order of judging: four of a row that is not read into columns, then those of its columns; before the last one come those of the fields, `FIELD.rule`."""

Column = str | tuple[str, str]
"""Of the event; of a lookup: its name, and the table's column."""

Value = str | int

_encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True, gc=False):
    """An acceptable row: its time in ms, its user, its fields as a JSON object, what is equal in duplicates of one user and
    moment, and the declared key that any duplicate has, if it has one."""

    time: int
    user: str
    fields: str
    identity: str
    key: str | None


class Judge:
    """Judges the rows of one study, with the tables of its lookups."""

    def __init__(self, study: Study, selection: Selection, tables: Mapping[str, Table]) -> None:
        source = study.source
        self._user, self._time = source.user, source.time
        self._tables = tables
        self._asked, self._found = 0, dict.fromkeys(tables, 0)
        self._fields = [(name, _column(name, field), _reader(name, field)) for name, field in study.fields.items()]
        self._key_columns = source.duplicate or []
        self._least, self._end = from_date(source.not_before), from_date(source.before)
        self._selection = selection
        self._time_of: TimeOf = time_reader(source)

    def judge(self, row: Row) -> tuple[Event | None, str, int | None]:
        """The event, or why there is none, and the row's time where it has one."""
        if row.cells is None:
            return None, row.wrong, None
        user, said = row.cells.get(self._user), row.cells.get(self._time)
        if not isinstance(user, str) or not 0 < len(user.encode()) <= MOST_USER_BYTES:
            return None, "user", None
        time = self._time_of(said) if isinstance(said, str) else None
        if time is None:
            return None, "date", None
        if not self._least <= time < self._end:
            return None, "out_of_range", time
        cells: Mapping[Any, Cell | NoText | NoRow] = self._joined(row.cells) if self._tables else row.cells
        carried: dict[str, Any] = {"user": user, "time": said}
        for name, column, read in self._fields:
            value, rule = read(cells.get(column))
            if rule:
                return None, rule, time
            carried[name] = value
        start, end = self._selection.start, self._selection.end
        if (start is not None and time < start) or (end is not None and time >= end):
            return None, NOT_SELECTED, time
        key = self._key(row.cells) if self._key_columns else None
        return Event(time, user, _encode(carried).decode(), row.identity, key), "", time

    def _key(self, cells: Mapping[str, Cell | NoText]) -> str | None:
        """What the study declares to identify an event; None where a part of it is missing."""
        parts = [cells.get(column) for column in self._key_columns]
        return _encode(parts).decode() if all(isinstance(part, str) and part for part in parts) else None

    def _joined(self, cells: Mapping[str, Cell | NoText]) -> dict[Any, Cell | NoText | NoRow]:
        """The row's cells with those of the tables' rows."""
        joined: dict[Any, Cell | NoText | NoRow] = dict(cells)
        self._asked += 1
        for name, table in self._tables.items():
            key = cells.get(table.by)
            row = table.row(key)
            self._found[name] += row is not None
            for place, column in enumerate(table.columns):
                missing = NO_TEXT if isinstance(key, NoText) else NO_ROW
                joined[name, column] = missing if row is None else row[place]
        return joined

    def keys_asked_for(self) -> dict[str, Keys]:
        """What became of each lookup's keys since the last call."""
        counts = {name: Keys(len(table.cells), self._asked, self._found[name]) for name, table in self._tables.items()}
        self._asked, self._found = 0, dict.fromkeys(self._found, 0)
        return counts


def _column(name: str, field: Field) -> Column:
    column = column_of(name, field)
    return (field.lookup, column) if field.lookup else column


def _reader(name: str, field: Field) -> Callable[[Any], tuple[Value, str]]:
    """`field_reader`, which of a lookup's field also knows what a missing row means."""
    read = field_reader(name, field)
    if not field.lookup:
        return read

    def of_lookup(cell: Cell | NoText | NoRow) -> tuple[Value, str]:
        if not isinstance(cell, NoRow):
            return read(cell)
        return (0, f"{name}.lookup") if field.default is None else read(None)

    return of_lookup


def field_reader(name: str, field: Field) -> Callable[[Cell | NoText], tuple[Value, str]]:
    """What makes the field's value of its column's text: the value, or the name of the rule that it breaks.

    >>> price = field_reader("price", Field("integer", decimals=2, minimum=1))
    >>> price("19.9"), price("20"), price("0"), price("1.999"), price(None)
    ((1990, ''), (2000, ''), (0, 'price.minimum'), (0, 'price.type'), (0, 'price.type'))
    """
    allowed = set(field.values)
    low, high = field.minimum, field.maximum

    def read(cell: Cell | NoText) -> tuple[Value, str]:
        value = _value(cell, field)
        if value is None:
            return 0, f"{name}.type"
        if low is not None and isinstance(value, int) and value < low:
            return value, f"{name}.minimum"
        if high is not None and isinstance(value, int) and value > high:
            return value, f"{name}.maximum"
        if allowed and value not in allowed:
            return value, f"{name}.values"
        return value, ""

    return read


_NUMBER = re.compile(r"([+-]?)(\d{1,15})(?:\.(\d{1,15}))?", re.ASCII)


def _value(cell: Cell | NoText, field: Field) -> Value | None:
    """The value; None where an integer is wanted and there is none, or anything but a text or number."""
    if isinstance(cell, NoText):
        return None
    if not cell:
        missing = field.default
        return ("" if field.type == "text" else None) if missing is None else missing
    return cell if field.type == "text" else _whole(cell, field.decimals)


def _whole(text: str, decimals: int) -> int | None:
    """A decimal number in units of its last place, of which there are `decimals`; zeros beyond them change nothing.

    >>> _whole("-0.5", 2), _whole("12.000", 0), _whole("12.5", 0), _whole("1e3", 0)
    (-50, 12, None, None)
    """
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    sign, whole, fraction = found[1], found[2], found[3] or ""
    if fraction[decimals:].strip("0"):
        return None
    number = int(whole + fraction[:decimals].ljust(decimals, "0"))
    number = -number if sign == "-" else number
    return number if abs(number) <= LARGEST else None
