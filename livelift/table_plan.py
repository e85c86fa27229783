"""Which exact integers a group of a table is made of, how two parts of it are merged, and what is shown of them.

The processor, stats and whoever shows a table go by this one layout, so that none asks for a kind of aggregate again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from livelift import calendar
from livelift.event_time import DAY
from livelift.source import Fields
from livelift.tables import QUOTIENT_UNITS, TIME_KEYS, USER, Table, Tables, TableValue

NO_MAX, NO_MIN = -(2**63), 2**63 - 1
"""What a column of `max` or `min` holds before any event meets its condition; no field can hold these."""

Key = str | int

Shown = str | int | float | None

Quantiles = Mapping[str, Mapping[tuple[Key, ...], int]]
"""Column of a quantile → window and keys of a row → its value."""

NO_QUANTILES: Quantiles = {}


@dataclass(frozen=True, slots=True)
class Column:
    """One integer of a group.

    Attributes
    ----------
    merge
        How two parts are merged: *add*, *min* or *max*.
    value
        What one event adds: the field of this name, its day since 1970 for `DAY_FIELD`, or the quotient of two in `QUOTIENT_UNITS`; none: 1.
        Where users or a field's values are counted, each is once.
    source
        The declared column that it is for, with its condition.
    """

    merge: str
    value: tuple[str, ...]
    source: TableValue

    @property
    def initial(self) -> int:
        return {"add": 0, "min": NO_MIN, "max": NO_MAX}[self.merge]

    @property
    def content(self) -> tuple[object, ...]:
        """What it holds: a mean's number of events is a column already where the table counts them."""
        value = self.source
        return (
            self.merge, self.value, value.at_most if self.value else None, value.distinct, value.where, value.exceeds,
            value.first_days, value.returned, self.counts_sessions,
        )  # fmt: skip

    @property
    def counts_users(self) -> bool:
        return self.source.distinct == USER

    @property
    def counts_values(self) -> bool:
        """Of a field, those of a user."""
        return self.source.distinct is not None and not self.counts_users

    @property
    def counts_sessions(self) -> bool:
        return self.source.count == "session"


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One table. `places` says for each declared column which of `columns` it is made of."""

    name: str
    table: Table
    columns: tuple[Column, ...]
    places: Mapping[str, tuple[int, ...]]

    @property
    def initial(self) -> list[int]:
        """A group without events."""
        return [column.initial for column in self.columns]

    def shown(self, key: list[Key], group: list[int], quantiles: Quantiles = NO_QUANTILES) -> dict[str, Shown]:
        """A row as a person reads it: the window and the keys, then the declared columns. `key` is the window's start and the keys."""
        start, *keys = key
        row: dict[str, Shown] = {}
        if self.table.window != "all":
            row[self.table.window] = calendar.shown(self.table.window, int(start))
        row |= zip(self.table.by, keys, strict=True)
        for name in self.table.values:
            if name in quantiles:
                row[name] = _scaled(quantiles[name].get(tuple(key)), self.table.values[name])
            else:
                row[name] = self.value(name, group, row)
        return row

    def rows(self, groups: Mapping[bytes, list[int]], quantiles: Quantiles = NO_QUANTILES) -> list[dict[str, Shown]]:
        """The table as a person reads it, of groups by their JSON keys: by window and keys, or each window's rows by rank, cut to the
        first."""
        keyed = sorted(((decode_key(key), group) for key, group in groups.items()), key=lambda one: _order(one[0]))
        windows: dict[Key, list[dict[str, Shown]]] = {}
        for key, group in keyed:
            windows.setdefault(key[0], []).append(self.shown(key, group, quantiles))
        rank_by, top = self.table.rank_by, self.table.top
        found = []
        for rows in windows.values():
            if rank_by:  # equal rows stay in the order of their keys
                rows.sort(key=lambda row: (row[rank_by] is None, -_number(row[rank_by])))
            found += rows[:top] if top else rows
        hidden = [name for name, value in self.table.values.items() if value.hidden]
        for row in found if hidden else ():
            for name in hidden:
                del row[name]
        return found

    def value(self, name: str, group: list[int], row: dict[str, Shown]) -> Shown:
        """One column as it is shown; `row` has those before it."""
        value = self.table.values[name]
        if value.ratio is not None:
            above, below = (row[one] for one in value.ratio)
            return _divided(above, below, value)
        exact = self.exact(name, group)
        if exact is None:
            return None
        above, below = exact
        if value.aggregate == "mean":
            return float(above) / float(below)
        return calendar.shown("day", above * DAY) if value.is_day else _over(above, below)

    def exact(self, name: str, group: list[int]) -> tuple[int, int] | None:
        """One column as the quotient of two integers, the second above 0; None where it is empty. Of all but a ratio."""
        value, places = self.table.values[name], self.places[name]
        parts = [group[place] for place in places]
        if value.aggregate == "mean":
            return (parts[0] * value.times, parts[1] * denominator(value)) if parts[1] else None
        if NO_MIN in parts or NO_MAX in parts:
            return None
        return (parts[0] - sum(parts[1:])) * value.times, value.divide_by


def _scaled(exact: int | None, value: TableValue) -> Shown:
    return None if exact is None else _over(exact * value.times, value.divide_by)


def _over(above: int, below: int) -> int | float:
    return above if below == 1 else float(above) / float(below)


def _order(key: list[Key]) -> list[tuple[bool, int, str]]:
    """Numbers by size, then texts."""
    return [(isinstance(part, str), 0, part) if isinstance(part, str) else (False, part, "") for part in key]


def _number(value: Shown) -> int | float:
    return value if isinstance(value, int | float) else 0


def _divided(above: Shown, below: Shown, value: TableValue) -> float | None:
    if not isinstance(above, int | float) or not isinstance(below, int | float) or below == 0:
        return None
    return float(above * value.times) / float(below * value.divide_by)


def denominator(value: TableValue) -> int:
    """What the integers of a value are divided by, beside a mean's number of events."""
    return value.divide_by * (QUOTIENT_UNITS if isinstance(value.mean, list) else 1)


def table_plans(tables: Tables) -> dict[str, TablePlan]:
    """The plan of each table, in the order of the study's file."""
    return {name: _plan(name, table) for name, table in tables.items()}


def _plan(name: str, table: Table) -> TablePlan:
    columns: list[Column] = []
    places: dict[str, tuple[int, ...]] = {}
    for shown, value in table.values.items():
        parts: list[Column] = []
        match value.aggregate:
            case "mean":
                parts = [Column("add", value.fields, value), Column("add", (), value)]
            case "min" | "max" as merge:
                parts = [Column(merge, value.fields, value)]
            case "count" | "distinct" | "sum" | "returned":
                parts = [Column("add", () if value.distinct is not None else value.fields, value)]
        columns += [part for part in parts if part.content not in [column.content for column in columns]]
        own = tuple([column.content for column in columns].index(part.content) for part in parts)
        places[shown] = own or tuple(place for name in value.earlier for place in places[name])
    return TablePlan(name, table, tuple(columns), places)


def is_time_key(by: str, fields: Fields) -> bool:
    """Does the key come from the event's time, and not from a field?"""
    return by in TIME_KEYS and by not in fields


_encode = msgspec.json.Encoder().encode
_decode_key = msgspec.json.Decoder(list[str | int]).decode


def encode_key(key: tuple[Key, ...]) -> str:
    """A group's name: a JSON array of its table, its window's start in ms, and its keys."""
    return _encode(key).decode()


def decode_key(text: str | bytes) -> list[Key]:
    """What `encode_key` was given."""
    return _decode_key(text)


def split_name(group: str) -> tuple[str, str]:
    """The table of a group's name, and the JSON array of what follows it.

    >>> split_name('["daily",1713571200000,"a,b"]')
    ('daily', '[1713571200000,"a,b"]')
    """
    end = group.index(",")  # a table's name has none
    return group[2 : end - 1], f"[{group[end + 1 :]}"
