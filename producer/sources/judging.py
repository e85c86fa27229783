"""Judges rows that are texts by column: the first reason that holds, else the event."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from livelift.event_time import from_date
from livelift.events import MOST_USER_BYTES
from livelift.source import LARGEST, Field, column_of
from livelift.study import Study
from producer.sources import Selection
from producer.sources.moments import TimeOf, time_reader
from producer.sources.rows import Cell, NoText, Row

NOT_SELECTED = "not_selected"

REASONS = ("encoding", "quoting", "json", "columns", "user", "date", "out_of_range", NOT_SELECTED)
"""In the order of judging: four of a row that is not read into columns, then those of its columns; before the last one come those of the fields, `FIELD.rule`."""

Cells = Mapping[str, Cell | NoText]
Value = str | int

_encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True, gc=False):
    """An acceptable row: its time in ms, its user, its fields as a JSON object, what is equal in duplicates."""

    time: int
    user: str
    fields: str
    identity: str


class Judge:
    """Judges the rows of one study."""

    def __init__(self, study: Study, selection: Selection) -> None:
        source = study.source
        self._user, self._time = source.user, source.time
        self._fields = [
            (name, column_of(name, field), field_reader(name, field)) for name, field in study.fields.items()
        ]
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
        carried: dict[str, Any] = {"user": user, "time": said}
        for name, column, read in self._fields:
            value, rule = read(row.cells.get(column))
            if rule:
                return None, rule, time
            carried[name] = value
        start, end = self._selection.start, self._selection.end
        if (start is not None and time < start) or (end is not None and time >= end):
            return None, NOT_SELECTED, time
        return Event(time, user, _encode(carried).decode(), row.identity), "", time


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
